/**
 * Real values ↔ a tensor's own bytes, rounded exactly as TFLite's reference QUANTIZE and DEQUANTIZE kernels
 * round, so that a frame quantised here and one quantised by TFLite are the same bytes.
 */

import { elementBytes } from "../element_type.js";
import { WamletError } from "../errors.js";
import type { TensorDescription } from "../module/description.js";
import { elementRange, readElement, writeElement } from "./element.js";

/** What the frames room needs to know of a tensor; `TensorDescription` has it all. */
export type FrameTensor = Pick<
  TensorDescription,
  "name" | "type" | "shape" | "scale" | "zeroPoint" | "bytes"
>;

/**
 * A tensor's bytes, and how many values lay outside the range that the tensor can hold. Values at most one
 * step outside do not count: calibration often puts the largest value just there.
 */
export interface QuantisedValues {
  readonly bytes: Uint8Array;
  readonly clamped: number;
}

/** Elements of a tensor. */
export function tensorElements(tensor: FrameTensor): number {
  return tensor.bytes / elementBytes[tensor.type];
}

/** Lowest and highest real value that a quantised tensor can hold; null for one without a scale. */
export function realRange(tensor: FrameTensor): { lowest: number; highest: number } | null {
  if (tensor.scale === null || tensor.type === "float32" || tensor.type === "bool") return null;
  const { lowest, highest } = elementRange[tensor.type];
  const zeroPoint = tensor.zeroPoint ?? 0;
  return { lowest: tensor.scale * (lowest - zeroPoint), highest: tensor.scale * (highest - zeroPoint) };
}

/**
 * Real values as the tensor's little-endian bytes:
 * `clamp(roundHalfAwayFromZero(value / scale) + zeroPoint)`, with value, scale and quotient in float32
 * (tensorflow/lite/kernels/internal/reference/quantize.h, `AffineQuantize`). A float32 tensor takes the value
 * itself; an integer tensor without a scale (an index, a count) takes whole numbers only.
 * @param values one per element, in C order
 * @param where how errors name the frame, `frame 3`
 * @throws WamletError WAMLET_WRONG_SHAPE for another number of values, WAMLET_INVALID_FRAMES for NaN, infinity
 *   or a number that the tensor's type cannot take, with its position
 */
export function quantiseValues(
  values: ArrayLike<number>,
  tensor: FrameTensor,
  where = "the frame",
): QuantisedValues {
  if (tensor.type === "float32") return { bytes: storeFloats(values, tensor, where), clamped: 0 };
  if (tensor.scale === null || tensor.type === "bool") {
    return { bytes: storeQuantised(values, tensor, where), clamped: 0 };
  }
  const elements = expectElements(values, tensor, where);
  const { lowest, highest } = elementRange[tensor.type];
  const scale = Math.fround(tensor.scale);
  const zeroPoint = tensor.zeroPoint ?? 0;
  const { bytes, view } = allocate(tensor);
  let clamped = 0;
  for (let index = 0; index < elements; index++) {
    const value = Math.fround(finite(values[index] as number, index, where));
    const quantised = roundHalfAwayFromZero(Math.fround(value / scale)) + zeroPoint;
    if (quantised < lowest - 1 || quantised > highest + 1) clamped++;
    writeElement(view, tensor.type, index, Math.min(Math.max(quantised, lowest), highest));
  }
  return { bytes, clamped };
}

/** The bytes of `quantiseValues` alone: one frame of one input tensor. */
export function quantiseFrame(values: ArrayLike<number>, tensor: FrameTensor, where?: string): Uint8Array {
  return quantiseValues(values, tensor, where).bytes;
}

/**
 * Values that are quantised already, as the tensor's little-endian bytes.
 * @throws WamletError WAMLET_INVALID_FRAMES for a value that is not whole or does not fit the tensor's type
 */
export function storeQuantised(
  values: ArrayLike<number>,
  tensor: FrameTensor,
  where = "the frame",
): Uint8Array {
  if (tensor.type === "float32") return storeFloats(values, tensor, where);
  const elements = expectElements(values, tensor, where);
  const { lowest, highest } = elementRange[tensor.type];
  const { bytes, view } = allocate(tensor);
  for (let index = 0; index < elements; index++) {
    const value = finite(values[index] as number, index, where);
    if (!Number.isInteger(value) || value < lowest || value > highest) {
      throw new WamletError(
        "WAMLET_INVALID_FRAMES",
        `Value ${index + 1} of ${where} is ${value}; tensor ${tensor.name} takes whole numbers from ${lowest} to ${highest}.`,
        "Give values that the tensor's type holds as they are, or, if these are real values of a quantised tensor, read them with --real.",
      );
    }
    writeElement(view, tensor.type, index, value);
  }
  return bytes;
}

/**
 * A tensor's bytes as real values, `scale · (quantised − zeroPoint)` rounded to float32
 * (…/internal/reference/dequantize.h); a tensor without a scale gives its elements as they are.
 * @throws WamletError WAMLET_WRONG_SHAPE where the bytes are not as many as the tensor's
 */
export function dequantise(bytes: Uint8Array, tensor: FrameTensor): Float64Array {
  const quantised = quantisedValues(bytes, tensor);
  const { scale } = tensor;
  if (scale === null || tensor.type === "float32") return quantised;
  const zeroPoint = tensor.zeroPoint ?? 0;
  return quantised.map((value) => Math.fround(scale * (value - zeroPoint)));
}

/**
 * A tensor's bytes as its elements, without scale and zero point (int64 beyond 2⁵³ loses its last digits).
 * @throws WamletError WAMLET_WRONG_SHAPE where the bytes are not as many as the tensor's
 */
export function quantisedValues(bytes: Uint8Array, tensor: FrameTensor): Float64Array {
  if (bytes.length !== tensor.bytes) {
    throw new WamletError(
      "WAMLET_WRONG_SHAPE",
      `Tensor ${tensor.name} has ${tensor.bytes} bytes, but ${bytes.length} were given.`,
      "Use the bytes of one frame of this tensor; `wamlet inspect` shows its type and shape.",
    );
  }
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const values = new Float64Array(tensorElements(tensor));
  for (let index = 0; index < values.length; index++) values[index] = readElement(view, tensor.type, index);
  return values;
}

/** C's `round`. Exact for every float32: the sum is formed in float64. */
function roundHalfAwayFromZero(value: number): number {
  return value < 0 ? Math.ceil(value - 0.5) : Math.floor(value + 0.5);
}

function storeFloats(values: ArrayLike<number>, tensor: FrameTensor, where: string): Uint8Array {
  const elements = expectElements(values, tensor, where);
  const { bytes, view } = allocate(tensor);
  for (let index = 0; index < elements; index++) {
    const value = finite(values[index] as number, index, where);
    if (!Number.isFinite(Math.fround(value))) {
      throw new WamletError(
        "WAMLET_INVALID_FRAMES",
        `Value ${index + 1} of ${where} is ${value}, which float32 tensor ${tensor.name} cannot hold.`,
        "Scale the frames to the range that the model was trained on.",
      );
    }
    writeElement(view, "float32", index, value);
  }
  return bytes;
}

function allocate(tensor: FrameTensor): { bytes: Uint8Array; view: DataView } {
  const bytes = new Uint8Array(tensor.bytes);
  return { bytes, view: new DataView(bytes.buffer) };
}

function expectElements(values: ArrayLike<number>, tensor: FrameTensor, where: string): number {
  const elements = tensorElements(tensor);
  if (values.length === elements) return elements;
  throw new WamletError(
    "WAMLET_WRONG_SHAPE",
    `Tensor ${tensor.name} takes ${elements} values [${tensor.shape.join(", ")}], but ${where} has ${values.length}.`,
    "Give as many values as the tensor has elements, in C order; `wamlet inspect` shows its shape.",
  );
}

function finite(value: number, index: number, where: string): number {
  if (Number.isFinite(value)) return value;
  throw new WamletError(
    "WAMLET_INVALID_FRAMES",
    `Value ${index + 1} of ${where} is ${value}, which no tensor can hold.`,
    "Replace or drop missing and infinite values before you stream the frames.",
  );
}
