/** TRANSPOSE by a constant permutation. Kernels: copy.ts. */
import type { Operator } from "../../model/graph.js";
import { denseSteps } from "../dimensions.js";
import { defineMovement, type Movement } from "../movement.js";
import { constantIntegers, input, malformed, output, requireShape, resolveAxis } from "../operands.js";

function lower(operator: Operator): Movement {
  const x = input(operator, 0);
  const y = output(operator);
  const rank = x.shape.length;
  const axes = constantIntegers(operator, input(operator, 1)).map((axis) =>
    resolveAxis(operator, axis, rank),
  );
  if (axes.length !== rank || new Set(axes).size !== rank) {
    throw malformed(operator, `[${axes.join(",")}] is no permutation of ${rank} dimensions`);
  }
  const shape = axes.map((axis) => x.shape[axis] as number);
  requireShape(operator, y, shape);
  const steps = denseSteps(x.shape);
  const fromSteps = axes.map((axis) => steps[axis] as number);
  const copy = { from: x, to: y, fromStart: 0, toStart: 0, shape, fromSteps, toSteps: denseSteps(shape) };
  return { inputs: [x], outputs: [y], copies: [copy] };
}

export const transpose = defineMovement("TRANSPOSE", ["permutation constant"], lower);
