/** ARG_MAX and ARG_MIN: the index of the first largest or smallest element along an axis. Kernels: arg_max.ts. */
import type { Operator, Tensor } from "../../model/graph.js";
import { defineOperator, type KernelForm, type LoweredLayer } from "../layer.js";
import { constantIntegers, input, malformed, output, requireShape, requireType } from "../operands.js";
import { resolveAxis } from "../reduction.js";

interface ArgMax extends LoweredLayer {
  /** Elements before, along and behind the axis. */
  readonly outer: number;
  readonly size: number;
  readonly inner: number;
  /** −1 turns the order round: of ~x the largest is the smallest of x. */
  readonly flip: number;
}

const plain: KernelForm<ArgMax> = {
  name: "arg_max_plain",
  applies: () => true,
  cost: ({ outer, size, inner }) => ({ opcodes: 10 + outer * (8 + inner * (9 + size * 8)), bytesMoved: 0 }),
  scratch: () => [],
  weights: () => [],
  emit: (layer, places) => [
    {
      file: "kernels/arg_max",
      function: "argMax",
      arguments: [
        ["input", places.address(layer.inputs[0] as Tensor)],
        ["output", places.address(layer.outputs[0] as Tensor)],
        ["outer", layer.outer],
        ["size", layer.size],
        ["inner", layer.inner],
        ["flip", layer.flip],
      ],
    },
  ],
};

function lower(operator: Operator, flip: number): ArgMax {
  const x = input(operator, 0);
  const y = output(operator);
  requireType(operator, x, "int8");
  requireType(operator, y, "int32");
  const [given, ...more] = constantIntegers(operator, input(operator, 1));
  if (given === undefined || more.length > 0)
    throw malformed(operator, `${1 + more.length} axes where one is expected`);
  const axis = resolveAxis(operator, x, given);
  requireShape(operator, y, [...x.shape.slice(0, axis), ...x.shape.slice(axis + 1)]);
  const product = (shape: readonly number[]) => shape.reduce((total, size) => total * size, 1);
  return {
    inputs: [x],
    outputs: [y],
    macs: 0,
    parameters: 0,
    outer: product(x.shape.slice(0, axis)),
    size: x.shape[axis] as number,
    inner: product(x.shape.slice(axis + 1)),
    flip,
  };
}

export const argMax = defineOperator({
  name: "ARG_MAX",
  limits: ["one constant axis, which the output leaves out"],
  lower: (operator) => lower(operator, 0),
  forms: [plain],
});

export const argMin = defineOperator({
  name: "ARG_MIN",
  limits: ["one constant axis, which the output leaves out"],
  lower: (operator) => lower(operator, -1),
  forms: [plain],
});
