/** SPLIT and SPLIT_V along an axis, UNPACK which also drops it. Kernels: copy.ts. */
import type { Operator, Tensor } from "../../model/graph.js";
import { defineMovement, type Movement } from "../movement.js";
import { constantIntegers, input, integerOption, malformed, requireShape, resolveAxis } from "../operands.js";
import { productOf, slabs } from "../slabs.js";

/** The outputs as parts of `x` along `axis`; together they are all of it. */
function split(operator: Operator, x: Tensor, wanted: number): Movement {
  const axis = resolveAxis(operator, wanted, x.shape.length);
  const parts = operator.outputs.map((tensor) => ({ tensor, length: tensor.shape[axis] ?? 0 }));
  for (const { tensor, length } of parts) requireShape(operator, tensor, x.shape.with(axis, length));
  const total = parts.reduce((sum, { length }) => sum + length, 0);
  if (total !== x.shape[axis]) {
    throw malformed(operator, `outputs of ${total} elements along axis ${axis}, which has ${x.shape[axis]}`);
  }
  const rank = x.shape.length;
  const copies = slabs("split", x, parts, productOf(x.shape, 0, axis), productOf(x.shape, axis + 1, rank));
  return { inputs: [x], outputs: operator.outputs, copies };
}

/** A constant axis given as a tensor of one element. */
function axisInput(operator: Operator, index: number): number {
  const [axis, ...more] = constantIntegers(operator, input(operator, index));
  if (axis === undefined || more.length > 0)
    throw malformed(operator, `the axis has ${more.length + 1} elements`);
  return axis;
}

function lowerSplit(operator: Operator): Movement {
  const x = input(operator, 1);
  const [one] = operator.outputs;
  if (!one) throw malformed(operator, "no outputs");
  for (const tensor of operator.outputs) requireShape(operator, tensor, one.shape);
  return split(operator, x, axisInput(operator, 0));
}

/** The sizes of the second input are those of the outputs, which are static. */
function lowerSplitV(operator: Operator): Movement {
  return split(operator, input(operator, 0), axisInput(operator, 2));
}

function lowerUnpack(operator: Operator): Movement {
  const x = input(operator, 0);
  const rank = x.shape.length;
  const axis = resolveAxis(operator, integerOption(operator, "axis", -8, 8), rank);
  if (operator.outputs.length !== x.shape[axis]) {
    throw malformed(operator, `${operator.outputs.length} outputs from ${x.shape[axis]} along axis ${axis}`);
  }
  for (const tensor of operator.outputs) requireShape(operator, tensor, x.shape.toSpliced(axis, 1));
  const parts = operator.outputs.map((tensor) => ({ tensor, length: 1 }));
  const copies = slabs("split", x, parts, productOf(x.shape, 0, axis), productOf(x.shape, axis + 1, rank));
  return { inputs: [x], outputs: operator.outputs, copies };
}

export const splitEvenly = defineMovement("SPLIT", ["axis constant"], lowerSplit);
export const splitV = defineMovement("SPLIT_V", ["axis constant; the sizes are the outputs'"], lowerSplitV);
export const unpack = defineMovement("UNPACK", [], lowerUnpack);
