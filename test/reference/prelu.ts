/** PRELU, int8: from zero on the input rescaled, below it the product with alpha rescaled. */

import { combineElements } from "./elementwise.js";
import { clamp, multiplyByQuantisedMultiplier, quantiseMultiplier } from "./fixed_point.js";
import { type KernelCall, perTensor } from "./tensor_values.js";

export function prelu(call: KernelCall): void {
  const from = perTensor(call.input(0));
  const alpha = perTensor(call.input(1));
  const to = perTensor(call.output);
  const identity = quantiseMultiplier(from.scale / to.scale);
  const slope = quantiseMultiplier((from.scale * alpha.scale) / to.scale);
  combineElements(call, (x, a) => {
    const value = x - from.zeroPoint;
    const scaled =
      value >= 0
        ? multiplyByQuantisedMultiplier(value, identity)
        : multiplyByQuantisedMultiplier(value * (a - alpha.zeroPoint), slope);
    return clamp(scaled + to.zeroPoint, -128, 127);
  });
}
