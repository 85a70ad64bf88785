/** Frames and labels as the verbs take them: one way to name a file of frames, of labels, or of class names. */
import type { Options } from "yargs";
import type { FrameSet } from "../frames/frame_set.js";
import type { WamletModule } from "../module/layout.js";

/** For verbs that read frames. */
export const frameOptions = {
  labels: {
    type: "string",
    requiresArg: true,
    describe: "Labels of the frames (.csv, .npy), or class names (one a line)",
  },
  quantised: { type: "boolean", describe: "The frames hold the tensor's own integers", conflicts: "real" },
  real: { type: "boolean", describe: "The frames hold real values" },
} as const satisfies Record<string, Options>;

export interface FrameArguments {
  readonly labels?: string | undefined;
  readonly quantised?: boolean | undefined;
  readonly real?: boolean | undefined;
}

export interface OpenedFrames {
  readonly frames: FrameSet;
  /** Names of the classes: from --labels, else from the module; empty where unknown. */
  readonly names: readonly string[];
  /** The right class of each frame, or null where the frames carry no labels. */
  readonly expected: readonly number[] | null;
}

/** Opens a file of frames for a module. @throws WamletError what reading, shapes and labels refuse */
export async function openFrames(
  path: string,
  module: Pick<WamletModule, "description">,
  args: FrameArguments,
): Promise<OpenedFrames> {
  const { readFrames } = await import("../frames/read_frames.js");
  const { withLabels } = await import("../frames/frame_set.js");
  const { readLabels, resolveLabels } = await import("../frames/labels.js");
  const { inputs, outputs, labels } = module.description;
  const values = args.real === true ? "real" : args.quantised === true ? "quantised" : undefined;
  const read = await readFrames(path, inputs, values === undefined ? {} : { values });
  const given = args.labels === undefined ? null : await readLabels(args.labels);
  const frames = given?.kind === "frames" ? withLabels(read, given.labels) : read;
  const names = given?.kind === "classes" ? given.names : labels;
  const classes = outputs[0]?.shape.reduce((product, size) => product * size, 1) ?? 0;
  return {
    frames,
    names,
    expected: frames.labels === null ? null : resolveLabels(frames.labels, names, classes),
  };
}
