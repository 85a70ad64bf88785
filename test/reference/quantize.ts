/** QUANTIZE: float32 to integers, or from one integer quantisation to another. */

import { clamp, multiplyByQuantisedMultiplier, quantiseMultiplier, roundHalfAway } from "./fixed_point.js";
import { integerRange, type KernelCall, perTensor } from "./tensor_values.js";

export function quantize({ input: inputAt, output }: KernelCall): void {
  const input = inputAt(0);
  const { type } = output.tensor;
  if (type !== "int8" && type !== "uint8" && type !== "int16" && type !== "int32") {
    throw new Error(`No QUANTIZE to ${type}.`);
  }
  const [low, high] = integerRange[type];
  const { scale, zeroPoint } = perTensor(output);
  const quantise = input.tensor.type === "float32" ? fromReal(scale) : fromInteger(perTensor(input), scale);
  input.numbers.forEach((value, index) => {
    output.numbers[index] = clamp(quantise(value) + zeroPoint, low, high);
  });
}

/** AffineQuantize: the division is float32's. Out of int32's range C leaves it open; here it saturates. */
function fromReal(scale: number): (value: number) => number {
  const [low, high] = integerRange.int32;
  return (value) => clamp(roundHalfAway(Math.fround(value / scale)), low, high);
}

/** Requantize. */
function fromInteger(
  input: { scale: number; zeroPoint: number },
  outputScale: number,
): (value: number) => number {
  const multiplier = quantiseMultiplier(input.scale / outputScale);
  return (value) => multiplyByQuantisedMultiplier((value - input.zeroPoint) | 0, multiplier);
}
