/** SOFTMAX, int8 to int8 or int16, along the last dimension: reference_ops::Softmax in fixed point. */

import { expOfNegative, reciprocal } from "./exponential.js";
import {
  clamp,
  quantiseMultiplier,
  roundingDivideByPowerOfTwo,
  saturatingRoundingDoublingHighMultiply,
} from "./fixed_point.js";
import { at, integerRange, type KernelCall, perTensor } from "./tensor_values.js";
import { numberOption } from "./window.js";

/** Integer bits of the scaled differences and of the sum of exponentials. */
const DIFFERENCE_BITS = 5;
const SUM_BITS = 12;

export function softmax({ operator, input: inputAt, output }: KernelCall): void {
  const input = inputAt(0);
  const { type } = output.tensor;
  if (type !== "int8" && type !== "int16") throw new Error(`No SOFTMAX to ${type}.`);
  const [low, high] = integerRange[type];
  const outputBits = type === "int8" ? 8 : 16;
  const depth = at(input.shape, input.shape.length - 1);
  const beta = numberOption(operator.options, "beta");
  const realMultiplier = beta * perTensor(input).scale * 2 ** (31 - DIFFERENCE_BITS);
  const { multiplier, shift } = quantiseMultiplier(Math.min(realMultiplier, 2 ** 31 - 1));
  // Differences below this are so negative that their exponential is nothing.
  const smallestDifference = -Math.floor(
    ((2 ** DIFFERENCE_BITS - 1) * 2 ** (31 - DIFFERENCE_BITS)) / 2 ** shift,
  );
  const exponential = (difference: number) =>
    expOfNegative(saturatingRoundingDoublingHighMultiply(Math.imul(difference, 2 ** shift), multiplier));

  for (let start = 0; start < input.numbers.length; start += depth) {
    const row = Array.from(input.numbers.subarray(start, start + depth));
    const largest = row.reduce((most, value) => Math.max(most, value), -128);
    let sum = 0;
    for (const value of row) {
      const difference = value - largest;
      if (difference >= smallestDifference) {
        sum = (sum + roundingDivideByPowerOfTwo(exponential(difference), SUM_BITS)) | 0;
      }
    }
    const { mantissa, bitsOverUnit } = reciprocal(sum, SUM_BITS);
    row.forEach((value, index) => {
      const difference = value - largest;
      let result: number = low;
      if (difference >= smallestDifference) {
        const scaled = saturatingRoundingDoublingHighMultiply(mantissa, exponential(difference));
        result = clamp(roundingDivideByPowerOfTwo(scaled, bitsOverUnit + 31 - outputBits) + low, low, high);
      }
      output.numbers[start + index] = result;
    });
  }
}
