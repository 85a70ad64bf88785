/** CONCATENATION along an axis, PACK along a new one. Kernels: copy.ts. */
import type { Operator, Tensor } from "../../model/graph.js";
import { defineMovement, type Movement } from "../movement.js";
import {
  allInputs,
  integerOption,
  malformed,
  output,
  requireShape,
  resolveAxis,
  unsupported,
} from "../operands.js";
import { productOf, slabs } from "../slabs.js";

/** The first of the inputs; there must be one. */
function first(operator: Operator, inputs: readonly Tensor[]): Tensor {
  const [tensor] = inputs;
  if (!tensor) throw malformed(operator, "no inputs");
  return tensor;
}

function lowerConcatenation(operator: Operator): Movement {
  const inputs = allInputs(operator);
  const y = output(operator);
  const { shape } = first(operator, inputs);
  const axis = resolveAxis(operator, integerOption(operator, "axis", -8, 8), shape.length);
  if (operator.options.fields.fusedActivation !== "NONE") {
    throw unsupported(operator, "a fused activation", "Put the activation behind the concatenation.");
  }
  const parts = inputs.map((tensor) => ({ tensor, length: tensor.shape[axis] ?? 0 }));
  for (const { tensor, length } of parts) requireShape(operator, tensor, shape.with(axis, length));
  requireShape(
    operator,
    y,
    shape.with(
      axis,
      parts.reduce((sum, { length }) => sum + length, 0),
    ),
  );
  const copies = slabs("join", y, parts, productOf(shape, 0, axis), productOf(shape, axis + 1, shape.length));
  return { inputs, outputs: [y], copies };
}

function lowerPack(operator: Operator): Movement {
  const inputs = allInputs(operator);
  const y = output(operator);
  const { shape } = first(operator, inputs);
  const axis = resolveAxis(operator, integerOption(operator, "axis", -8, 8), shape.length + 1);
  for (const tensor of inputs) requireShape(operator, tensor, shape);
  requireShape(operator, y, shape.toSpliced(axis, 0, inputs.length));
  const parts = inputs.map((tensor) => ({ tensor, length: 1 }));
  const copies = slabs("join", y, parts, productOf(shape, 0, axis), productOf(shape, axis, shape.length));
  return { inputs, outputs: [y], copies };
}

export const concatenation = defineMovement("CONCATENATION", ["no fused activation"], lowerConcatenation);
export const pack = defineMovement("PACK", [], lowerPack);
