/** The frames of a run: a file's, quantised for the module, with their classes; or seeded random ones. */
import { SeededRandom } from "../emulator/seeded_random.js";
import { WamletError } from "../errors.js";
import { type FrameTensor, tensorElements } from "../frames/quantise.js";
import type { ModelDescription } from "../module/description.js";

export interface InputFrames {
  /** `frames.npy`, or `random inputs (seed 1)`. */
  readonly name: string;
  /** Different frames; a longer run begins again. */
  readonly count: number;
  /** The bytes of each input tensor, and how many of its values were clamped. */
  frame(index: number): { readonly inputs: readonly Uint8Array[]; readonly clamped: number };
  /** The class of each frame as a position of the first output; null where unknown. */
  readonly expected: readonly number[] | null;
  /** Class names for answers, empty where unknown. */
  readonly names: readonly string[];
}

/** What a file of labels turned out to hold; see `readLabels`. */
export interface LabelChoice {
  /** The path, where it holds class names. */
  readonly classNames: string | undefined;
  readonly names: readonly string[] | null;
  readonly frameLabels: readonly string[] | null;
}

/** Reads a file of labels, class names or frame labels, before anything else is begun. */
export async function readLabelChoice(path: string | undefined): Promise<LabelChoice> {
  if (path === undefined) return { classNames: undefined, names: null, frameLabels: null };
  const { readLabels } = await import("../frames/labels.js");
  const labels = await readLabels(path);
  return labels.kind === "classes"
    ? { classNames: path, names: labels.names, frameLabels: null }
    : { classNames: undefined, names: null, frameLabels: labels.labels };
}

/**
 * A file's frames for a module. Labels of their own file go before those in the frames' file.
 * @throws WamletError of the frames room
 */
export async function fileFrames(
  path: string,
  model: Pick<ModelDescription, "inputs" | "outputs" | "labels">,
  labels: LabelChoice,
): Promise<InputFrames> {
  const { readFrames } = await import("../frames/read_frames.js");
  const { withLabels } = await import("../frames/frame_set.js");
  const { resolveLabels } = await import("../frames/labels.js");
  const file = await readFrames(path, model.inputs);
  const frames = labels.frameLabels === null ? file : withLabels(file, labels.frameLabels);
  const names = labels.names ?? model.labels;
  const [output] = model.outputs;
  const classes = output === undefined ? 0 : tensorElements(output);
  const expected = frames.labels === null ? null : resolveLabels(frames.labels, names, classes);
  return { name: frames.name, count: frames.count, frame: (index) => frames.frame(index), expected, names };
}

const randomFramesKept = 64;

/** Inputs for timing alone: equal seeds give equal bytes. */
export function randomFrames(
  model: Pick<ModelDescription, "inputs" | "labels">,
  count: number,
  seed: number,
): InputFrames {
  const random = new SeededRandom(seed);
  const kept = Math.min(count, randomFramesKept);
  const frames = Array.from({ length: kept }, () =>
    model.inputs.map((tensor) => randomTensor(tensor, random)),
  );
  return {
    name: `random inputs (seed ${seed})`,
    count: kept,
    frame: (index) => {
      const inputs = frames[index];
      if (inputs === undefined) throw new RangeError(`frame ${index} of ${kept}`);
      return { inputs, clamped: 0 };
    },
    expected: null,
    names: model.labels,
  };
}

function randomTensor(tensor: FrameTensor, random: SeededRandom): Uint8Array {
  const bytes = new Uint8Array(tensor.bytes);
  const view = new DataView(bytes.buffer);
  if (tensor.type === "float32") {
    for (let index = 0; index < tensorElements(tensor); index++)
      view.setFloat32(4 * index, random.next() / 2 ** 31 - 1, true);
  } else if (tensor.type === "bool") {
    for (let index = 0; index < bytes.length; index++) bytes[index] = random.below(2);
  } else if (tensor.scale !== null) {
    for (let index = 0; index < bytes.length; index++) bytes[index] = random.next() & 0xff;
  }
  // An integer tensor without a scale is an index or a size: nothing but 0 is certainly one.
  return bytes;
}

/** A count that the command line gives. @throws WamletError WAMLET_USAGE */
export function positiveInteger(option: string, value: number | undefined): number | undefined {
  if (value === undefined || (Number.isSafeInteger(value) && value > 0)) return value;
  throw new WamletError(
    "WAMLET_USAGE",
    `${option} is ${value}; it takes a whole number from 1.`,
    `Write ${option} 100.`,
  );
}
