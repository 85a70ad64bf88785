/** ADD, int8, with broadcasting: both inputs brought to a common scale with 20 bits to spare, then summed. */

import { clamp, multiplyByQuantisedMultiplier, quantiseMultiplier } from "./fixed_point.js";
import { activationBounds } from "./quantisation.js";
import { at, type KernelCall, perTensor, type Values } from "./tensor_values.js";

const LEFT_SHIFT = 20;

export function add({ operator, input, output }: KernelCall): void {
  const inputs = [input(0), input(1)];
  const { scale: outputScale, zeroPoint: outputZeroPoint } = perTensor(output);
  const twiceLargestScale = 2 * Math.max(...inputs.map((values) => perTensor(values).scale));
  const outputMultiplier = quantiseMultiplier(twiceLargestScale / (2 ** LEFT_SHIFT * outputScale));
  const bounds = activationBounds(operator.options.fields.fusedActivation, output);
  const terms = inputs.map((values) => {
    const { scale, zeroPoint } = perTensor(values);
    const multiplier = quantiseMultiplier(scale / twiceLargestScale);
    const position = broadcast(values.shape, output.shape);
    return (index: number) => {
      const value = at(values.numbers, position(index)) - zeroPoint;
      return multiplyByQuantisedMultiplier(value * 2 ** LEFT_SHIFT, multiplier);
    };
  });
  output.numbers.forEach((_, index) => {
    const sum = terms.reduce((total, term) => total + term(index), 0);
    const scaled = multiplyByQuantisedMultiplier(sum, outputMultiplier) + outputZeroPoint;
    output.numbers[index] = clamp(scaled, bounds.low, bounds.high);
  });
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
