/** L2_NORMALIZATION, int8: each row by the reciprocal root of its sum of squares (GetInvSqrtQuantizedMultiplierExp). */

import {
  clamp,
  type FixedPointMultiplier,
  saturatingRoundingDoublingHighMultiply as multiply,
  multiplyByQuantisedMultiplier,
  roundingDivideByPowerOfTwo,
  saturatingRoundingMultiplyByPowerOfTwo,
} from "./fixed_point.js";
import { at, type KernelCall, perTensor } from "./tensor_values.js";

export function l2Normalization({ input: inputAt, output }: KernelCall): void {
  const input = inputAt(0);
  const { zeroPoint } = perTensor(input);
  const depth = input.shape.at(-1) ?? 1;
  for (let start = 0; start < input.numbers.length; start += depth) {
    const row = Array.from({ length: depth }, (_, i) => at(input.numbers, start + i) - zeroPoint);
    const { multiplier, shift } = reciprocalRoot(row.reduce((total, value) => total + value * value, 0));
    row.forEach((value, i) => {
      // The output's scale is 2^-7.
      const scaled = multiplyByQuantisedMultiplier(value, { multiplier, shift: shift + 7 });
      output.numbers[start + i] = clamp(scaled, -128, 127);
    });
  }
}

/** 1 / √sum as a multiplier, by five Newton steps in Q3 on the sum brought to [1/4, 1). */
function reciprocalRoot(sum: number): FixedPointMultiplier {
  if (sum <= 1) return { multiplier: 2 ** 31 - 1, shift: 0 };
  let value = sum;
  let rightShift = 11;
  for (; value >= 2 ** 29; rightShift++) value = Math.trunc(value / 4);
  for (; value < 2 ** 27; rightShift--) value *= 4;
  const halfValue = roundingDivideByPowerOfTwo(value >> 1, 1);
  const threeHalves = 2 ** 28 + 2 ** 27;
  let x = 2 ** 28;
  for (let step = 0; step < 5; step++) {
    const cube = saturatingRoundingMultiplyByPowerOfTwo(multiply(multiply(x, x), x), 6);
    x = saturatingRoundingMultiplyByPowerOfTwo(multiply(threeHalves, x) - multiply(halfValue, cube), 3);
  }
  const rootOfHalf = 1518500250;
  const multiplier = multiply(x, rootOfHalf);
  return rightShift < 0
    ? { multiplier: multiplier * 2 ** -rightShift, shift: 0 }
    : { multiplier, shift: -rightShift };
}
