/** Elementwise operators of two inputs: which elements meet, and the rescaling that several share. */

import { multiplyByQuantisedMultiplier, quantiseMultiplier } from "./fixed_point.js";
import { at, type KernelCall, perTensor, type Values } from "./tensor_values.js";

/** Sets each element of the output to what `combine` makes of the two input values, shapes broadcast. */
export function combineElements(
  { input, output }: KernelCall,
  combine: (left: number, right: number) => number,
): void {
  const [left, right] = [input(0), input(1)];
  const leftPosition = broadcast(left.shape, output.shape);
  const rightPosition = broadcast(right.shape, output.shape);
  output.numbers.forEach((_, index) => {
    output.numbers[index] = combine(
      at(left.numbers, leftPosition(index)),
      at(right.numbers, rightPosition(index)),
    );
  });
}

/** A value shifted left by `shift` bits and multiplied by a real below one, from an input's zero point on. */
export function scaledFromZero(values: Values, shift: number, real: number): (value: number) => number {
  const { zeroPoint } = perTensor(values);
  const multiplier = quantiseMultiplier(real);
  return (value) => multiplyByQuantisedMultiplier((value - zeroPoint) * 2 ** shift, multiplier);
}

/** Which element of a smaller shape stands at each element of the larger; shapes align at their last dimension. */
export function broadcast(from: Values["shape"], to: Values["shape"]): (index: number) => number {
  const missing = to.length - from.length;
  return (index) => {
    let rest = index;
    let stride = 1;
    let position = 0;
    for (let dimension = to.length - 1; dimension >= 0; dimension--) {
      const size = at(to, dimension);
      const coordinate = rest % size;
      rest = Math.floor(rest / size);
      if (dimension < missing) continue;
      const own = at(from, dimension - missing);
      position += (own === 1 ? 0 : coordinate) * stride;
      stride *= own;
    }
    return position;
  };
}
