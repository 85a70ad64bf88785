/** What every reader gives: frames in the order of the file, each ready to be sent to a module. */

import { WamletError } from "../errors.js";

/** `imu` is CSV whose rows are samples of a signal; `image` is a PNG or JPEG file, a folder or a list of them. */
export type FrameFormat = "raw" | "npy" | "csv" | "imu" | "wav" | "image" | "jsonl";

/** One inference's worth of input. */
export interface Frame {
  /** Position in the file, from 0. */
  readonly index: number;
  /** The bytes of each input tensor, in the module's order. */
  readonly inputs: readonly Uint8Array[];
  /** What the file says the answer is, as written there (a class name or index); null where it says nothing. */
  readonly label: string | null;
  /** Values more than one step outside the tensor's range, clamped: many of them mean a wrong scale. */
  readonly clamped: number;
}

/**
 * The frames of one file. Iterating reads the file piece by piece and may be repeated; a file that changes
 * meanwhile gives an error, not other frames.
 */
export interface FrameSet extends Iterable<Frame> {
  /** File name, for messages. */
  readonly name: string;
  readonly format: FrameFormat;
  /** Frames, at least 1. */
  readonly count: number;
  /** Input bytes of one frame, all tensors together. */
  readonly frameBytes: number;
  /** Whether the file holds the tensors' own integers or real values that were quantised on the way. */
  readonly values: "quantised" | "real";
  /** One label per frame, as written; null where the file has none. */
  readonly labels: readonly string[] | null;
  /** What was done to the file's numbers on the way, for people; null where they were taken as they are. */
  readonly conversion: string | null;
  /** Frame `index`, 0 ≤ index < count. */
  frame(index: number): Frame;
}

/**
 * The same frames with labels from another file.
 * @throws WamletError WAMLET_INVALID_LABELS where there is not exactly one label per frame
 */
export function withLabels(frames: FrameSet, labels: readonly string[]): FrameSet {
  if (labels.length !== frames.count) {
    throw new WamletError(
      "WAMLET_INVALID_LABELS",
      `${frames.name} has ${frames.count} frames, but there are ${labels.length} labels.`,
      "Give one label per frame, in the order of the frames.",
    );
  }
  return frameSet({ ...frames, labels }, (index) => ({
    ...frames.frame(index),
    label: labels[index] ?? null,
  }));
}

/** Builds a FrameSet from what describes it and the way to one frame. */
export function frameSet(
  about: Pick<FrameSet, "name" | "format" | "count" | "frameBytes" | "values" | "labels"> &
    Partial<Pick<FrameSet, "conversion">>,
  read: (index: number) => Frame,
): FrameSet {
  const frame = (index: number): Frame => {
    if (!Number.isInteger(index) || index < 0 || index >= about.count) {
      throw new RangeError(`frame ${index} of ${about.count}`);
    }
    return read(index);
  };
  const { name, format, count, frameBytes, values, labels, conversion = null } = about;
  return {
    name,
    format,
    count,
    frameBytes,
    values,
    labels,
    conversion,
    frame,
    *[Symbol.iterator]() {
      for (let index = 0; index < count; index++) yield frame(index);
    },
  };
}
