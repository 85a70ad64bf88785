/** Outputs as an NPY file (version 1.0, little-endian, C order), for `wamlet run --output answers.npy`. */

import { type ElementType, elementBytes } from "../element_type.js";
import type { FrameTensor } from "./quantise.js";

const descriptors: Readonly<Record<ElementType, string>> = {
  int8: "|i1",
  uint8: "|u1",
  bool: "|b1",
  int16: "<i2",
  int32: "<i4",
  int64: "<i8",
  float32: "<f4",
};

/**
 * An array as the bytes of an NPY file.
 * @param bytes little-endian elements in C order, exactly as many as the shape asks for
 */
export function encodeNpy(type: ElementType, shape: readonly number[], bytes: Uint8Array): Uint8Array {
  const elements = shape.reduce((product, length) => product * length, 1);
  if (elements * elementBytes[type] !== bytes.length) {
    throw new RangeError(`[${shape.join(", ")}] of ${type} does not have ${bytes.length} bytes`);
  }
  const tuple = shape.length === 1 ? `(${shape[0]},)` : `(${shape.join(", ")})`;
  const literal = `{'descr': '${descriptors[type]}', 'fortran_order': False, 'shape': ${tuple}, }`;
  // NumPy pads the header with spaces so that the elements begin at a multiple of 64.
  const dataOffset = Math.ceil((10 + literal.length + 1) / 64) * 64;
  const header = `${literal.padEnd(dataOffset - 11)}\n`;
  const file = new Uint8Array(dataOffset + bytes.length);
  file.set([0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59, 1, 0, header.length & 0xff, header.length >> 8]);
  file.set(new TextEncoder().encode(header), 10);
  file.set(bytes, dataOffset);
  return file;
}

/**
 * One tensor of many answers as an NPY file of the shape `[N, ...tensor shape]`, a leading batch of 1 left out.
 * @param answers the tensor's bytes, one entry per frame
 */
export function encodeNpyAnswers(tensor: FrameTensor, answers: readonly Uint8Array[]): Uint8Array {
  const shape = tensor.shape[0] === 1 ? tensor.shape.slice(1) : tensor.shape;
  return encodeNpy(tensor.type, [answers.length, ...shape], concatenate(answers));
}

/** Answers as a raw file: the output tensors' own bytes, one after the other, frame after frame. */
export function encodeRawAnswers(answers: readonly (readonly Uint8Array[])[]): Uint8Array {
  return concatenate(answers.flat());
}

function concatenate(parts: readonly Uint8Array[]): Uint8Array {
  const bytes = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let offset = 0;
  for (const part of parts) {
    bytes.set(part, offset);
    offset += part.length;
  }
  return bytes;
}
