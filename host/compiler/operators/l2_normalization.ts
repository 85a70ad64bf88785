/** L2_NORMALIZATION over the last dimension. Kernels: l2_normalization.ts. */
import type { Operator, Tensor } from "../../model/graph.js";
import { defineOperator, type KernelForm, type LoweredLayer } from "../layer.js";
import { input, output, perTensor, requireShape, requireType, unsupported } from "../operands.js";
import { requireOutput } from "../unary.js";

interface L2Normalization extends LoweredLayer {
  readonly rows: number;
  readonly depth: number;
  readonly zeroPoint: number;
}

const plain: KernelForm<L2Normalization> = {
  name: "l2_normalization_plain",
  applies: () => true,
  cost: ({ rows, depth }) => ({ opcodes: 10 + rows * (242 + depth * 39), bytesMoved: 0 }),
  scratch: () => [],
  weights: () => [],
  emit: (layer, places) => [
    {
      file: "kernels/l2_normalization",
      function: "l2Normalization",
      arguments: [
        ["input", places.address(layer.inputs[0] as Tensor)],
        ["output", places.address(layer.outputs[0] as Tensor)],
        ["rows", layer.rows],
        ["depth", layer.depth],
        ["zeroPoint", layer.zeroPoint],
      ],
    },
  ],
};

function lower(operator: Operator): L2Normalization {
  const x = input(operator, 0);
  const y = output(operator);
  requireType(operator, x, "int8");
  requireType(operator, y, "int8");
  requireShape(operator, y, x.shape);
  requireOutput(operator, perTensor(operator, y), 2 ** -7, 0);
  const activation = operator.options.fields.fusedActivation ?? "NONE";
  if (activation !== "NONE") {
    throw unsupported(operator, `fused activation ${activation}`, "TensorFlow Lite has none here either.");
  }
  const depth = x.shape.at(-1) ?? 1;
  // A sum of 255² overflows int32 beyond 2¹⁵ elements, as TensorFlow Lite's does.
  if (depth > 2 ** 15)
    throw unsupported(operator, `rows of ${depth} elements`, "At most 32768 are supported.");
  return {
    inputs: [x],
    outputs: [y],
    inPlace: [x],
    macs: 0,
    parameters: 0,
    rows: x.elements / depth,
    depth,
    zeroPoint: perTensor(operator, x).zeroPoint,
  };
}

export const l2Normalization = defineOperator({
  name: "L2_NORMALIZATION",
  limits: [
    "over the last dimension, of at most 32768 elements",
    "output of scale 2⁻⁷ and zero point 0",
    "no fused activation",
  ],
  lower,
  forms: [plain],
});
