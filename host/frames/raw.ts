/** Raw frames: the input tensors' own bytes, one tensor after the other, frame after frame, nothing else. */

import { WamletError } from "../errors.js";
import { type FileSource, slices } from "./file_source.js";
import { type FrameSet, frameSet } from "./frame_set.js";
import type { FrameTensor } from "./quantise.js";

/**
 * @throws WamletError WAMLET_WRONG_SHAPE where the file is not a whole number of frames
 */
export function readRaw(source: FileSource, expected: readonly FrameTensor[]): FrameSet {
  const frameBytes = expected.reduce((sum, tensor) => sum + tensor.bytes, 0);
  const count = source.size / frameBytes;
  if (!Number.isInteger(count) || count === 0) {
    throw new WamletError(
      "WAMLET_WRONG_SHAPE",
      `${source.name} has ${source.size} bytes; expected a multiple of ${frameBytes}, the bytes of one frame (${tensorList(expected)}).`,
      "A raw file holds the input tensors as they lie in memory; give .npy or .csv for real values.",
    );
  }
  const bytesOf = slices(source, 0, frameBytes, count);
  return frameSet(
    { name: source.name, format: "raw", count, frameBytes, values: "quantised", labels: null },
    (index) => {
      const bytes = bytesOf(index);
      let offset = 0;
      const inputs = expected.map((tensor) => {
        offset += tensor.bytes;
        return bytes.subarray(offset - tensor.bytes, offset);
      });
      return { index, inputs, label: null, clamped: 0 };
    },
  );
}

function tensorList(tensors: readonly FrameTensor[]): string {
  return tensors
    .map((tensor) => `${tensor.name} ${tensor.type} [${tensor.shape.join(", ")}]`)
    .join(", then ");
}
