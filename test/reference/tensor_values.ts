/** Tensors as numbers: the oracle's kernels read and write plain numbers, not bytes. */

import type { ElementType } from "../../host/element_type.js";
import type { Operator, Tensor } from "../../host/model/graph.js";

/** Element types whose values are JavaScript numbers as they stand in memory. */
type NumericType = Exclude<ElementType, "int64">;

export type Numbers = Int8Array | Uint8Array | Int16Array | Int32Array | Float32Array | Float64Array;

const arrays: { readonly [T in NumericType]: { new (buffer: ArrayBuffer): Numbers } } = {
  int8: Int8Array,
  uint8: Uint8Array,
  int16: Int16Array,
  int32: Int32Array,
  float32: Float32Array,
  bool: Uint8Array,
};

/** Smallest and largest value of the integer types. */
export const integerRange = {
  int8: [-128, 127],
  uint8: [0, 255],
  int16: [-32768, 32767],
  int32: [-(2 ** 31), 2 ** 31 - 1],
} as const;

/** A tensor with its values. */
export interface Values {
  readonly tensor: Tensor;
  readonly shape: readonly number[];
  readonly numbers: Numbers;
}

/** What a kernel of the oracle gets: the operator with the values of its inputs; it fills the outputs. */
export interface KernelCall {
  readonly operator: Operator;
  /** The values of an input that must be there. */
  readonly input: (position: number) => Values;
  /** The values of an input that may be left out. */
  readonly optionalInput: (position: number) => Values | null;
  /** Zeros of the first output's shape and type, to be overwritten. */
  readonly output: Values;
  /** All outputs, where there are several. */
  readonly outputs: readonly Values[];
}

/** The tensor's bytes as numbers; a copy, since bytes of a model need not be aligned. int64 can be read only. */
export function valuesOf(tensor: Tensor, bytes: Uint8Array): Values {
  const { buffer } = Uint8Array.from(bytes);
  const numbers =
    tensor.type === "int64"
      ? Float64Array.from(new BigInt64Array(buffer), exactNumber)
      : new arrays[tensor.type](buffer);
  return { tensor, shape: tensor.shape, numbers };
}

function exactNumber(value: bigint): number {
  const number = Number(value);
  if (!Number.isSafeInteger(number)) throw new Error(`${value} is beyond what a number holds exactly.`);
  return number;
}

/** The bytes of values, little-endian as the hosts that run these tests are. */
export function bytesOf(values: Values): Uint8Array {
  if (values.tensor.type === "int64") throw new Error("The reference interpreter writes no int64.");
  return new Uint8Array(values.numbers.buffer, values.numbers.byteOffset, values.numbers.byteLength);
}

/** Element `index` of an array that has it. */
export function at(numbers: ArrayLike<number>, index: number): number {
  const value = numbers[index];
  if (value === undefined) throw new Error(`Index ${index} of ${numbers.length} elements.`);
  return value;
}

/** Position of an element of a four-dimensional tensor. */
export function offset4(
  [, height, width, depth]: Shape4,
  b: number,
  y: number,
  x: number,
  c: number,
): number {
  return ((b * height + y) * width + x) * depth + c;
}

export type Shape4 = readonly [batch: number, height: number, width: number, depth: number];

/** The shape of an image tensor: batch, height, width, channels. */
export function shape4(values: Values): Shape4 {
  const [batch, height, width, depth, ...rest] = values.shape;
  if (
    batch === undefined ||
    height === undefined ||
    width === undefined ||
    depth === undefined ||
    rest.length > 0
  ) {
    throw new Error(`Tensor '${values.tensor.name}' has ${values.shape.length} dimensions, not 4.`);
  }
  return [batch, height, width, depth];
}

/** The only scale and zero point of a tensor quantised as a whole. */
export function perTensor({ tensor }: Values): { scale: number; zeroPoint: number } {
  const { quantisation } = tensor;
  if (quantisation === null) throw new Error(`Tensor '${tensor.name}' is not quantised.`);
  return { scale: at(quantisation.scales, 0), zeroPoint: at(quantisation.zeroPoints, 0) };
}
