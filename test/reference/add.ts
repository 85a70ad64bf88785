/**
 * ADD and SUB, int8 and int16, with broadcasting: both inputs brought to a common scale with 20 (int16: 15) bits to
 * spare, then summed or subtracted. ADD derives its multipliers in double precision, SUB in float32.
 */

import { combineElements, scaledFromZero } from "./elementwise.js";
import { clamp, multiplyByQuantisedMultiplier, quantiseMultiplier } from "./fixed_point.js";
import { activationBounds } from "./quantisation.js";
import { type KernelCall, perTensor } from "./tensor_values.js";

export function add(call: KernelCall): void {
  addSigned(call, 1, (value) => value);
}

export function sub(call: KernelCall): void {
  addSigned(call, -1, Math.fround);
}

function addSigned(call: KernelCall, sign: 1 | -1, precision: (value: number) => number): void {
  const { operator, input, output } = call;
  const shift = output.tensor.type === "int16" ? 15 : 20;
  const scaleOf = (position: number) => perTensor(input(position)).scale;
  const twiceLargestScale = 2 * Math.max(scaleOf(0), scaleOf(1));
  const [left, right] = [0, 1].map((position) =>
    scaledFromZero(input(position), shift, precision(scaleOf(position) / twiceLargestScale)),
  ) as [(value: number) => number, (value: number) => number];
  const { scale, zeroPoint } = perTensor(output);
  const outputMultiplier = quantiseMultiplier(precision(twiceLargestScale / (2 ** shift * scale)));
  const bounds = activationBounds(operator.options.fields.fusedActivation, output);
  combineElements(call, (a, b) => {
    const sum = left(a) + sign * right(b);
    return clamp(multiplyByQuantisedMultiplier(sum, outputMultiplier) + zeroPoint, bounds.low, bounds.high);
  });
}
