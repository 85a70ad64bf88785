/**
 * MIRROR_PAD: the input amid its own reflection. The input is copied into the middle, then each axis, innermost
 * first, is reflected inside the output: what an outer axis mirrors is complete by then. Kernels: copy.ts.
 */
import type { Operator } from "../../model/graph.js";
import { denseSteps } from "../dimensions.js";
import { defineMovement, type Movement, type StridedCopy } from "../movement.js";
import { constantIntegers, input, malformed, output, requireShape } from "../operands.js";

function lower(operator: Operator): Movement {
  const x = input(operator, 0);
  const y = output(operator);
  const amounts = constantIntegers(operator, input(operator, 1));
  // REFLECT leaves out the border itself, SYMMETRIC repeats it.
  const skipped = operator.options.fields.mode === "REFLECT" ? 1 : 0;
  if (amounts.length !== 2 * x.shape.length) {
    throw malformed(operator, `${amounts.length} paddings for ${x.shape.length} dimensions`);
  }
  const axes = x.shape.map((size, axis) => {
    const [before, after] = amounts.slice(2 * axis, 2 * axis + 2) as [number, number];
    if (before < 0 || after < 0 || Math.max(before, after) > size - skipped) {
      throw malformed(
        operator,
        `${before} and ${after} mirrored elements around the ${size} along axis ${axis}`,
      );
    }
    return { size, before, after, padded: size + before + after };
  });
  const shape = axes.map(({ padded }) => padded);
  requireShape(operator, y, shape);
  const steps = denseSteps(shape);
  const step = (axis: number) => steps[axis] as number;
  const corner = axes.reduce((sum, { before }, axis) => sum + before * step(axis), 0);
  const copies: StridedCopy[] = [
    {
      from: x,
      to: y,
      fromStart: 0,
      toStart: corner,
      shape: x.shape,
      fromSteps: denseSteps(x.shape),
      toSteps: steps,
    },
  ];
  // Where the rows that are filled so far begin: axes inside the one at hand are whole.
  let start = corner;
  for (let axis = axes.length - 1; axis >= 0; axis--) {
    const { size, before, after } = axes[axis] as (typeof axes)[number];
    const reflect = (count: number, source: number, target: number, backwards: number) => {
      if (count === 0) return;
      copies.push({
        from: y,
        to: y,
        fromStart: start + source * step(axis),
        toStart: start + target * step(axis),
        shape: [...x.shape.slice(0, axis), count, ...shape.slice(axis + 1)],
        fromSteps: steps.with(axis, step(axis)),
        toSteps: steps.with(axis, backwards * step(axis)),
      });
    };
    reflect(before, skipped, -1, -1);
    reflect(after, size - skipped - after, size + after - 1, -1);
    start -= before * step(axis);
  }
  return { inputs: [x], outputs: [y], copies };
}

export const mirrorPad = defineMovement("MIRROR_PAD", ["paddings constant"], lower);
