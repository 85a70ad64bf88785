/**
 * MEAN and SUM, int8: reference_ops::QuantizedMeanOrSum. The division by the count goes into the multiplier, whose
 * 31 bits would lose precision, so multiplier and count are first brought to a similar size.
 */

import { clamp, multiplyByQuantisedMultiplier, quantiseMultiplier } from "./fixed_point.js";
import { at, type KernelCall, perTensor } from "./tensor_values.js";

export function mean(call: KernelCall): void {
  meanOrSum(call, true);
}

/** SUM: the same without the division. */
export function sum(call: KernelCall): void {
  meanOrSum(call, false);
}

function meanOrSum({ input: inputAt, output }: KernelCall, divide: boolean): void {
  const input = inputAt(0);
  const rank = input.shape.length;
  const reduced = new Set(Array.from(inputAt(1).numbers, (axis) => (axis < 0 ? axis + rank : axis)));
  const count = input.shape.reduce(
    (total, size, dimension) => (reduced.has(dimension) ? total * size : total),
    1,
  );
  const from = perTensor(input);
  const to = perTensor(output);

  const { multiplier, shift } = quantiseMultiplier(from.scale / to.scale);
  const divisor = divide ? count : 1;
  const gain = Math.min(31 - Math.clz32(divisor), 31 + shift);
  const folded = {
    multiplier: Number((BigInt(multiplier) << BigInt(gain)) / BigInt(divisor)),
    shift: shift - gain,
  };

  const sums = new Array<number>(output.numbers.length).fill(0);
  input.numbers.forEach((value, index) => {
    const position = reducedPosition(input.shape, reduced, index);
    sums[position] = at(sums, position) + value;
  });
  sums.forEach((sum, index) => {
    const scaled = multiplyByQuantisedMultiplier((sum - from.zeroPoint * count) | 0, folded) + to.zeroPoint;
    output.numbers[index] = clamp(scaled, -128, 127);
  });
}

/** Where an element of the input is summed: its position when the reduced dimensions are left out. */
export function reducedPosition(
  shape: readonly number[],
  reduced: ReadonlySet<number>,
  index: number,
): number {
  let rest = index;
  let stride = 1;
  let position = 0;
  for (let dimension = shape.length - 1; dimension >= 0; dimension--) {
    const size = at(shape, dimension);
    if (!reduced.has(dimension)) {
      position += (rest % size) * stride;
      stride *= size;
    }
    rest = Math.floor(rest / size);
  }
  return position;
}
