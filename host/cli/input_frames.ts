/** The frames of a run: a file's, quantised for the module, with their classes, or seeded random ones. */
import { SeededRandom } from "../emulator/seeded_random.js";
import { WamletError } from "../errors.js";
import type { ReadFramesOptions } from "../frames/format_options.js";
import type { Frame } from "../frames/frame_set.js";
import type { LiveFrames } from "../frames/live.js";
import { type FrameTensor, tensorElements } from "../frames/quantise.js";
import type { ModelDescription } from "../module/description.js";
import type { Context } from "./verb.js";

/** A frame with what is known of it. */
export interface InputFrame extends Omit<Frame, "index"> {
  /** Its place in its file, or among what came from a live source. */
  readonly index: number;
  /** Its class as a position of the first output; null where unknown. */
  readonly expected: number | null;
}

export interface InputFrames {
  /** `frames.npy`, `random inputs (seed 1)`, `stdin`. */
  readonly name: string;
  /** Different frames; null for a live source. */
  readonly count: number | null;
  /** So many frames in order, or all of them; a file begins again where more are wanted than it has. */
  take(count: number | null): Iterable<InputFrame> | AsyncIterable<InputFrame>;
  /** Class names for answers, empty where unknown. */
  readonly names: readonly string[];
  /** Of a live source: what came so far. */
  readonly live: LiveFrames | null;
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
 * A file's frames for a module. Labels of their own file go before those in the frames' file. What is done to the
 * file's numbers on the way is noted.
 * @throws WamletError of the frames room
 */
export async function fileFrames(
  path: string,
  model: Pick<ModelDescription, "inputs" | "outputs" | "labels">,
  labels: LabelChoice,
  reading: ReadFramesOptions,
  { progress }: Pick<Context, "progress">,
): Promise<InputFrames & { readonly count: number }> {
  const { readFrames } = await import("../frames/read_frames.js");
  const { withLabels } = await import("../frames/frame_set.js");
  const { resolveLabels } = await import("../frames/labels.js");
  const file = await readFrames(path, model.inputs, reading);
  const frames = labels.frameLabels === null ? file : withLabels(file, labels.frameLabels);
  const names = labels.names ?? model.labels;
  const expected = frames.labels === null ? null : resolveLabels(frames.labels, names, classCount(model));
  if (frames.conversion !== null) progress.note(progress.colors.dim(`${frames.name}: ${frames.conversion}`));
  return {
    name: frames.name,
    count: frames.count,
    take: (count) =>
      repeat(count ?? frames.count, frames.count, (index) => ({
        ...frames.frame(index),
        expected: expected?.[index] ?? null,
      })),
    names,
    live: null,
  };
}

/** Classes that labels may name. */
export function classCount({ outputs }: Pick<ModelDescription, "outputs">): number {
  const [output] = outputs;
  return output === undefined ? 0 : tensorElements(output);
}

/** `count` frames of `different` ones, over and over. */
function* repeat(
  count: number,
  different: number,
  frame: (index: number) => InputFrame,
): Generator<InputFrame> {
  for (let position = 0; position < count; position++) yield frame(position % different);
}

const randomFramesKept = 64;

/** Inputs for timing alone: equal seeds give equal bytes. */
export function randomFrames(
  model: Pick<ModelDescription, "inputs" | "labels">,
  count: number,
  seed: number,
): InputFrames & { readonly count: number } {
  const random = new SeededRandom(seed);
  const kept = Math.min(count, randomFramesKept);
  const frames = Array.from({ length: kept }, () =>
    model.inputs.map((tensor) => randomTensor(tensor, random)),
  );
  return {
    name: `random inputs (seed ${seed})`,
    count: kept,
    take: (wanted) =>
      repeat(wanted ?? kept, kept, (index) => {
        const inputs = frames[index] ?? [];
        return { index, inputs, label: null, expected: null, clamped: 0 };
      }),
    names: model.labels,
    live: null,
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
export function positiveInteger<Value extends number | undefined>(option: string, value: Value): Value {
  if (value === undefined || (Number.isSafeInteger(value) && value > 0)) return value;
  throw new WamletError(
    "WAMLET_USAGE",
    `${option} is ${value}; it takes a whole number from 1.`,
    `Write ${option} 100.`,
  );
}
