/** Where a sliding window lies over an image (ComputePaddingHeightWidth in TensorFlow Lite's padding.h). */

import type { OperatorOptions } from "../../host/model/graph.js";

/** One spatial dimension of a convolution or pool. */
export interface Window {
  readonly size: number;
  readonly stride: number;
  readonly dilation: number;
  /** Rows or columns of padding before the first of the input. */
  readonly before: number;
}

/** The padding of one dimension; the output size is computed, not taken from the output tensor. */
export function windowOf(
  padding: unknown,
  inputSize: number,
  size: number,
  stride: number,
  dilation: number,
): Window {
  const effective = (size - 1) * dilation + 1;
  const outputSize =
    padding === "SAME"
      ? Math.floor((inputSize + stride - 1) / stride)
      : Math.floor((inputSize + stride - effective) / stride);
  const total = Math.max(0, (outputSize - 1) * stride + effective - inputSize);
  return { size, stride, dilation, before: Math.floor(total / 2) };
}

/** A number among the options of an operator. */
export function numberOption(options: OperatorOptions, name: string): number {
  const value = options.fields[name];
  if (typeof value !== "number") throw new Error(`${options.kind} has no number ${name}.`);
  return value;
}
