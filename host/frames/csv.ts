/**
 * Frames as CSV, one frame to a line, its values in C order. A header line is optional; with one, a column
 * named `label` holds each frame's class (name or index) and every other column a value.
 *
 * Rows are quantised as they are read, so that a frame takes its tensor's bytes and not its text.
 */

import { WamletError } from "../errors.js";
import { csvFrames, longestValue } from "./csv_frame.js";
import { csvRows } from "./csv_rows.js";
import type { FileSource } from "./file_source.js";
import { type Frame, type FrameSet, frameSet } from "./frame_set.js";
import { singleInput } from "./frame_shape.js";
import { type FrameTensor, tensorElements } from "./quantise.js";

/**
 * @param header whether the first row names the columns; null to tell by its content
 * @throws WamletError WAMLET_INVALID_FRAMES, WAMLET_WRONG_SHAPE, both with the line
 */
export async function readCsv(
  source: FileSource,
  expected: readonly FrameTensor[],
  meaning: "quantised" | "real" | null,
  header: boolean | null,
): Promise<FrameSet> {
  const tensor = singleInput(expected, "CSV");
  const values = meaning ?? "real";
  const frames: Frame[] = [];
  const labels: string[] = [];
  const frameOf = csvFrames(tensor, values, header, source.name);
  const longestRow = tensorElements(tensor) * longestValue + 65_536;
  for await (const row of csvRows(source, longestRow, "WAMLET_INVALID_FRAMES")) {
    const frame = frameOf(row);
    if (frame === null) continue;
    const { bytes, clamped, label } = frame;
    if (label !== null) labels.push(label);
    frames.push({ index: frames.length, inputs: [bytes], label, clamped });
  }
  if (frames.length === 0) {
    throw new WamletError(
      "WAMLET_INVALID_FRAMES",
      `${source.name} has no frames.`,
      "Write one frame to a line, its values separated by commas.",
    );
  }
  return frameSet(
    {
      name: source.name,
      format: "csv",
      count: frames.length,
      frameBytes: tensor.bytes,
      values,
      labels: labels.length === 0 ? null : labels,
    },
    (index) => frames[index] as Frame,
  );
}
