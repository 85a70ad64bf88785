/** ARG_MAX and ARG_MIN, int8 to int32: the first of the largest or smallest elements along an axis. */

import { reducedPosition } from "./mean.js";
import { at, type KernelCall } from "./tensor_values.js";

export function argMax(call: KernelCall): void {
  argOf(call, (value, best) => value > best);
}

export function argMin(call: KernelCall): void {
  argOf(call, (value, best) => value < best);
}

/** Elements along the axis come in ascending order, whatever lies between them. */
function argOf(
  { input: inputAt, output }: KernelCall,
  better: (value: number, best: number) => boolean,
): void {
  const input = inputAt(0);
  const given = at(inputAt(1).numbers, 0);
  const axis = given < 0 ? given + input.shape.length : given;
  const inner = input.shape.slice(axis + 1).reduce((product, size) => product * size, 1);
  const best = new Array<number | null>(output.numbers.length).fill(null);
  input.numbers.forEach((value, index) => {
    const position = reducedPosition(input.shape, new Set([axis]), index);
    const previous = best[position] ?? null;
    if (previous !== null && !better(value, previous)) return;
    best[position] = value;
    output.numbers[position] = Math.floor(index / inner) % at(input.shape, axis);
  });
}
