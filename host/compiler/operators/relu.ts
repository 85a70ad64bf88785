/** RELU and RELU6 as operators of their own (fused ones are clamps). Kernels: quantize.ts, lookup.ts. */
import type { Operator } from "../../model/graph.js";
import { quantizeConstant, typeRange } from "../activation.js";
import {
  multiplyByQuantizedMultiplier,
  type QuantizedMultiplier,
  quantizeMultiplier,
} from "../fixed_point.js";
import { defineOperator, type LoweredLayer } from "../layer.js";
import { sameQuantisation } from "../limits.js";
import { lookupForm } from "../lookup.js";
import { input, malformed, output, perTensor, requireShape, requireType } from "../operands.js";
import { requantizeForm } from "../requantize.js";

interface Relu extends LoweredLayer {
  readonly inputZeroPoint: number;
  readonly outputZeroPoint: number;
  readonly multiplier: QuantizedMultiplier;
  readonly minimum: number;
  readonly maximum: number;
}

const forms = [
  requantizeForm<Relu>("relu_plain", null, () => true),
  lookupForm<Relu>("relu_table", (layer, value) => {
    const scaled = multiplyByQuantizedMultiplier(value - layer.inputZeroPoint, layer.multiplier);
    return Math.min(Math.max(scaled + layer.outputZeroPoint, layer.minimum), layer.maximum);
  }),
];

function operands(operator: Operator) {
  const x = input(operator, 0);
  const y = output(operator);
  requireType(operator, x, "int8");
  requireType(operator, y, "int8");
  requireShape(operator, y, x.shape);
  const common = { inputs: [x], outputs: [y], inPlace: [x], macs: 0, parameters: 0 };
  return { common, y, from: perTensor(operator, x), to: perTensor(operator, y) };
}

export const relu = defineOperator<Relu>({
  name: "RELU",
  forms,
  lower(operator) {
    const { common, y, from, to } = operands(operator);
    const range = typeRange(y.type);
    return {
      ...common,
      inputZeroPoint: from.zeroPoint,
      outputZeroPoint: to.zeroPoint,
      // ReluPrepare divides in float32 before it widens.
      multiplier: quantizeMultiplier(Math.fround(from.scale / to.scale)),
      minimum: Math.max(range.minimum, to.zeroPoint),
      maximum: range.maximum,
    };
  },
});

export const relu6 = defineOperator<Relu>({
  name: "RELU6",
  limits: [sameQuantisation],
  forms,
  lower(operator) {
    const { common, y, from, to } = operands(operator);
    if (from.scale !== to.scale || from.zeroPoint !== to.zeroPoint) {
      throw malformed(
        operator,
        "input and output are quantised differently, TensorFlow Lite's RELU6 does not rescale",
      );
    }
    const range = typeRange(y.type);
    return {
      ...common,
      inputZeroPoint: from.zeroPoint,
      outputZeroPoint: from.zeroPoint,
      multiplier: quantizeMultiplier(1),
      minimum: Math.max(range.minimum, from.zeroPoint),
      maximum: Math.min(range.maximum, quantizeConstant(6, from.scale, from.zeroPoint)),
    };
  },
});
