/** RELU6, int8: a clamp in the input's quantisation. The output's is taken to be the same and never looked at. */

import { clamp, roundHalfAway } from "./fixed_point.js";
import { type KernelCall, perTensor } from "./tensor_values.js";

export function relu6({ input: inputAt, output }: KernelCall): void {
  const input = inputAt(0);
  const { scale, zeroPoint } = perTensor(input);
  const six = clamp(zeroPoint + roundHalfAway(Math.fround(6 / scale)), -128, 127);
  input.numbers.forEach((value, index) => {
    output.numbers[index] = clamp(value, zeroPoint, six);
  });
}
