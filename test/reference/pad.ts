/** PAD: the input amid the output's zero point. The second input holds a pair (before, after) a dimension. */

import { at, type KernelCall, perTensor } from "./tensor_values.js";

export function pad({ input: inputAt, output }: KernelCall): void {
  const input = inputAt(0);
  const paddings = inputAt(1).numbers;
  output.numbers.fill(perTensor(output).zeroPoint);
  input.numbers.forEach((value, index) => {
    let rest = index;
    let stride = 1;
    let position = 0;
    for (let dimension = input.shape.length - 1; dimension >= 0; dimension--) {
      const size = at(input.shape, dimension);
      position += ((rest % size) + at(paddings, 2 * dimension)) * stride;
      rest = Math.floor(rest / size);
      stride *= at(output.shape, dimension);
    }
    output.numbers[position] = value;
  });
}
