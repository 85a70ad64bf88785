/** SQUARED_DIFFERENCE, int8, with broadcasting: a common scale with 7 bits to spare, then the difference squared. */

import { combineElements, scaledFromZero } from "./elementwise.js";
import { clamp, multiplyByQuantisedMultiplier, quantiseMultiplier } from "./fixed_point.js";
import { type KernelCall, perTensor } from "./tensor_values.js";

const LEFT_SHIFT = 7;

export function squaredDifference(call: KernelCall): void {
  const left = call.input(0);
  const right = call.input(1);
  const twiceLargest = 2 * Math.max(perTensor(left).scale, perTensor(right).scale);
  const scaledLeft = scaledFromZero(left, LEFT_SHIFT, perTensor(left).scale / twiceLargest);
  const scaledRight = scaledFromZero(right, LEFT_SHIFT, perTensor(right).scale / twiceLargest);
  const { scale, zeroPoint } = perTensor(call.output);
  const multiplier = quantiseMultiplier(twiceLargest ** 2 / (2 ** (2 * LEFT_SHIFT) * scale));
  combineElements(call, (a, b) => {
    const square = (scaledLeft(a) - scaledRight(b)) ** 2;
    return clamp(multiplyByQuantisedMultiplier(square, multiplier) + zeroPoint, -128, 127);
  });
}
