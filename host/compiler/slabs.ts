/**
 * A tensor cut along one axis: joining tensors (CONCATENATION, PACK) and cutting one (SPLIT, UNPACK) are the same
 * copies, once in each direction.
 */
import type { Tensor } from "../model/graph.js";
import type { StridedCopy } from "./movement.js";

/** A tensor with its length along the cut axis. */
export interface Part {
  readonly tensor: Tensor;
  readonly length: number;
}

/**
 * The copies between a whole tensor and its parts.
 * @param direction "join": from the parts to the whole; "split": the other way
 * @param outer product of the dimensions before the axis
 * @param inner product of the dimensions behind it
 */
export function slabs(
  direction: "join" | "split",
  whole: Tensor,
  parts: readonly Part[],
  outer: number,
  inner: number,
): StridedCopy[] {
  const total = parts.reduce((sum, { length }) => sum + length, 0) * inner;
  let offset = 0;
  return parts.map(({ tensor, length }) => {
    const run = length * inner;
    const wholeSide = { tensor: whole, start: offset, steps: [total, 1] };
    const partSide = { tensor, start: 0, steps: [run, 1] };
    offset += run;
    const [from, to] = direction === "join" ? [partSide, wholeSide] : [wholeSide, partSide];
    return {
      from: from.tensor,
      to: to.tensor,
      fromStart: from.start,
      toStart: to.start,
      shape: [outer, run],
      fromSteps: from.steps,
      toSteps: to.steps,
    };
  });
}

/** Product of dimensions `first` … `last` - 1. */
export function productOf(shape: readonly number[], first: number, last: number): number {
  return shape.slice(first, last).reduce((product, size) => product * size, 1);
}
