/**
 * Frames in NumPy's format, one array: `[N, ...tensor shape]` or exactly one frame.
 *
 * What a number means follows from the file's element type: the tensor's own integer type (int8 for an int8
 * tensor) holds values that are quantised already; every other type holds real values, quantised on the way.
 * `values` overrides that.
 */

import { WamletError } from "../errors.js";
import { type FileSource, slices } from "./file_source.js";
import { type FrameSet, frameSet } from "./frame_set.js";
import { countFrames, singleInput } from "./frame_shape.js";
import { type NpyHeader, readNpyHeader } from "./npy_header.js";
import { type FrameTensor, type QuantisedValues, quantiseValues, storeQuantised } from "./quantise.js";

/** @throws WamletError WAMLET_INVALID_FRAMES, WAMLET_WRONG_SHAPE; for a single bad value when its frame is read */
export function readNpy(
  source: FileSource,
  expected: readonly FrameTensor[],
  meaning: "quantised" | "real" | null,
): FrameSet {
  const tensor = singleInput(expected, "NPY");
  const header = readNpyHeader(source);
  if (header.shape.includes(0)) {
    throw new WamletError(
      "WAMLET_INVALID_FRAMES",
      `${source.name} has the shape [${header.shape.join(", ")}] and so no frames.`,
      "Save at least one frame.",
    );
  }
  const count = countFrames(header.shape, tensor, source.name);
  const integers = header.type.element !== "float32" && header.type.element === tensor.type;
  const values = meaning ?? (integers ? "quantised" : "real");
  const frameFileBytes = (source.size - header.dataOffset) / count;
  const bytesOf = slices(source, header.dataOffset, frameFileBytes, count);

  const convert = (bytes: Uint8Array, where: string): QuantisedValues => {
    const numbers = npyValues(bytes, header);
    if (values === "real") return quantiseValues(numbers, tensor, where);
    return { bytes: storeQuantised(numbers, tensor, where), clamped: 0 };
  };
  return frameSet(
    { name: source.name, format: "npy", count, frameBytes: tensor.bytes, values, labels: null },
    (index) => {
      const bytes = bytesOf(index);
      // Through a JavaScript number an int64 would lose its last digits, so integers are copied as they are.
      const frame =
        integers && values === "quantised" && tensor.type !== "bool"
          ? { bytes: inLittleEndian(bytes, header), clamped: 0 }
          : convert(bytes, `frame ${index} of ${source.name}`);
      return { index, inputs: [frame.bytes], label: null, clamped: frame.clamped };
    },
  );
}

/** Elements of an NPY file as numbers. */
export function npyValues(bytes: Uint8Array, { type, littleEndian }: NpyHeader): Float64Array {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const numbers = new Float64Array(bytes.length / type.bytes);
  for (let index = 0; index < numbers.length; index++) {
    numbers[index] = type.read(view, index * type.bytes, littleEndian);
  }
  return numbers;
}

function inLittleEndian(bytes: Uint8Array, { type, littleEndian }: NpyHeader): Uint8Array {
  if (littleEndian) return bytes;
  for (let offset = 0; offset < bytes.length; offset += type.bytes) {
    bytes.subarray(offset, offset + type.bytes).reverse();
  }
  return bytes;
}
