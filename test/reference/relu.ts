/** RELU, int8: rescaled from the input's quantisation to the output's, then cut at the output's zero. */

import { clamp, multiplyByQuantisedMultiplier, quantiseMultiplier } from "./fixed_point.js";
import { type KernelCall, perTensor } from "./tensor_values.js";

export function relu({ input: inputAt, output }: KernelCall): void {
  const input = inputAt(0);
  const from = perTensor(input);
  const to = perTensor(output);
  const multiplier = quantiseMultiplier(from.scale / to.scale);
  input.numbers.forEach((value, index) => {
    const scaled = to.zeroPoint + multiplyByQuantisedMultiplier(value - from.zeroPoint, multiplier);
    output.numbers[index] = clamp(scaled, Math.max(-128, to.zeroPoint), 127);
  });
}
