/** SOFTMAX over the last dimension. Kernels: softmax.ts. */
import type { Operator, Tensor } from "../../model/graph.js";
import { type QuantizedMultiplier, quantizeMultiplier } from "../fixed_point.js";
import { defineOperator, type KernelForm, type LoweredLayer } from "../layer.js";
import { input, malformed, output, perTensor, requireShape, requireType } from "../operands.js";

interface Softmax extends LoweredLayer {
  readonly rows: number;
  readonly depth: number;
  readonly multiplier: QuantizedMultiplier;
  readonly diffMin: number;
}

/** The exponential takes Q5.26: five integer bits (reference/softmax.h). */
const integerBits = 5;

const plain: KernelForm<Softmax> = {
  name: "softmax_plain",
  applies: () => true,
  cost: (layer) => ({ opcodes: layer.rows * (layer.depth * 330 + 130), bytesMoved: 0 }),
  scratch: () => [],
  weights: () => [],
  emit: (layer, places) => [
    {
      file: "kernels/softmax",
      function: "softmax",
      types: [layer.outputs[0]?.type === "int16" ? "i16" : "i8"],
      arguments: [
        ["input", places.address(layer.inputs[0] as Tensor)],
        ["output", places.address(layer.outputs[0] as Tensor)],
        ["rows", layer.rows],
        ["depth", layer.depth],
        ["multiplier", layer.multiplier.multiplier],
        ["leftShift", layer.multiplier.shift],
        ["diffMin", layer.diffMin],
      ],
    },
  ],
};

function lower(operator: Operator): Softmax {
  const x = input(operator, 0);
  const y = output(operator);
  requireType(operator, x, "int8");
  requireType(operator, y, "int8", "int16");
  requireShape(operator, y, x.shape);
  const to = perTensor(operator, y);
  const bits = y.type === "int8" ? 8 : 16;
  if (to.zeroPoint !== -(2 ** (bits - 1)) || Math.abs(to.scale * 2 ** bits - 1) > 0.001) {
    throw malformed(
      operator,
      `the output's quantisation is not 2^-${bits} with zero point ${-(2 ** (bits - 1))}`,
    );
  }
  const beta = operator.options.fields.beta;
  if (typeof beta !== "number" || !(beta > 0 && Number.isFinite(beta)))
    throw malformed(operator, `beta is ${beta}`);
  // PreprocessSoftmaxScaling and CalculateInputRadius in quantization_util.cc.
  const real = Math.min(beta * perTensor(operator, x).scale * 2 ** (31 - integerBits), 2 ** 31 - 1);
  const multiplier = quantizeMultiplier(real);
  if (multiplier.shift < 0) throw malformed(operator, "the input's scale is too small for a softmax");
  const radius = Math.floor(((2 ** integerBits - 1) * 2 ** (31 - integerBits)) / 2 ** multiplier.shift);
  const depth = x.shape.at(-1) ?? 1;
  return {
    inputs: [x],
    outputs: [y],
    ...(y.type === "int8" ? { inPlace: [x] } : {}),
    macs: 0,
    parameters: 0,
    rows: x.elements / depth,
    depth,
    multiplier,
    diffMin: -radius,
  };
}

export const softmax = defineOperator({
  name: "SOFTMAX",
  limits: ["over the last dimension", "output of scale 2⁻⁸ and zero point −128, or int16 of 2⁻¹⁶ and −32768"],
  lower,
  forms: [plain],
});
