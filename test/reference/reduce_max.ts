/** REDUCE_MAX, int8: the largest quantised value over the reduced dimensions. */

import { reducedPosition } from "./mean.js";
import { at, type KernelCall } from "./tensor_values.js";

export function reduceMax({ input: inputAt, output }: KernelCall): void {
  const input = inputAt(0);
  const rank = input.shape.length;
  const reduced = new Set(Array.from(inputAt(1).numbers, (axis) => (axis < 0 ? axis + rank : axis)));
  output.numbers.fill(-128);
  input.numbers.forEach((value, index) => {
    const position = reducedPosition(input.shape, reduced, index);
    output.numbers[position] = Math.max(at(output.numbers, position), value);
  });
}
