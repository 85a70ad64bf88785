/** MUL, int8 and int16, with broadcasting: one rescaling of the product. */

import { combineElements } from "./elementwise.js";
import { clamp, multiplyByQuantisedMultiplier, quantiseMultiplier } from "./fixed_point.js";
import { activationBounds } from "./quantisation.js";
import { type KernelCall, perTensor } from "./tensor_values.js";

export function mul(call: KernelCall): void {
  const { operator, input, output } = call;
  const left = perTensor(input(0));
  const right = perTensor(input(1));
  const to = perTensor(output);
  const multiplier = quantiseMultiplier((left.scale * right.scale) / to.scale);
  const bounds = activationBounds(operator.options.fields.fusedActivation, output);
  combineElements(call, (a, b) => {
    const product = (a - left.zeroPoint) * (b - right.zeroPoint);
    return clamp(multiplyByQuantisedMultiplier(product, multiplier) + to.zeroPoint, bounds.low, bounds.high);
  });
}
