/** DEQUANTIZE: integers to float32, the product rounded to float32. */

import { type KernelCall, perTensor } from "./tensor_values.js";

export function dequantize({ input: inputAt, output }: KernelCall): void {
  const input = inputAt(0);
  const { scale, zeroPoint } = perTensor(input);
  input.numbers.forEach((value, index) => {
    output.numbers[index] = Math.fround(scale * (value - zeroPoint));
  });
}
