/** EQUAL, NOT_EQUAL, GREATER, GREATER_EQUAL, LESS, LESS_EQUAL with broadcasting. Kernels: compare.ts. */
import type { Operator, Tensor } from "../../model/graph.js";
import { type Elementwise, elementwiseArguments, elementwiseCost, lowerElementwise } from "../elementwise.js";
import { type QuantizedMultiplier, quantizeMultiplier } from "../fixed_point.js";
import { defineOperator, type KernelForm, type OperatorCompiler } from "../layer.js";
import { broadcasting } from "../limits.js";
import { perTensor, unsupported } from "../operands.js";

interface Comparison extends Elementwise {
  /** Bit 0: true where left is less, bit 1: where both are equal, bit 2: where left is greater. */
  readonly truth: number;
  readonly leftZeroPoint: number;
  readonly rightZeroPoint: number;
  readonly leftMultiplier: QuantizedMultiplier;
  readonly rightMultiplier: QuantizedMultiplier;
}

const plain: KernelForm<Comparison> = {
  name: "compare_plain",
  applies: () => true,
  cost: (layer) => elementwiseCost(layer, 40),
  scratch: () => [],
  weights: () => [],
  emit: (layer, places) => [
    {
      file: "kernels/compare",
      function: "compare",
      arguments: [
        ...elementwiseArguments(layer, places),
        ["truth", layer.truth],
        ["leftZeroPoint", layer.leftZeroPoint],
        ["leftMultiplier", layer.leftMultiplier.multiplier],
        ["leftShift", -layer.leftMultiplier.shift],
        ["rightZeroPoint", layer.rightZeroPoint],
        ["rightMultiplier", layer.rightMultiplier.multiplier],
        ["rightShift", -layer.rightMultiplier.shift],
      ],
    },
  ],
};

/** An operand's own scale is its multiplier (ComparisonsPrepare), which TFLite wants below 1. */
function scaleMultiplier(operator: Operator, tensor: Tensor): QuantizedMultiplier {
  const multiplier = quantizeMultiplier(perTensor(operator, tensor).scale);
  if (multiplier.shift <= 0) return multiplier;
  throw unsupported(
    operator,
    `tensor '${tensor.name}' has a scale of 1 or more, which TensorFlow Lite cannot compare`,
    "Scale the compared values down in the model.",
  );
}

function comparison(name: string, truth: number): OperatorCompiler {
  return defineOperator<Comparison>({
    name,
    limits: [broadcasting, "scales below 1, as TensorFlow Lite has it"],
    forms: [plain],
    lower(operator) {
      const layer = lowerElementwise(operator, ["int8"], "bool");
      return {
        ...layer,
        truth,
        leftZeroPoint: perTensor(operator, layer.left).zeroPoint,
        rightZeroPoint: perTensor(operator, layer.right).zeroPoint,
        leftMultiplier: scaleMultiplier(operator, layer.left),
        rightMultiplier: scaleMultiplier(operator, layer.right),
      };
    },
  });
}

export const less = comparison("LESS", 0b001);
export const equal = comparison("EQUAL", 0b010);
export const lessEqual = comparison("LESS_EQUAL", 0b011);
export const greater = comparison("GREATER", 0b100);
export const notEqual = comparison("NOT_EQUAL", 0b101);
export const greaterEqual = comparison("GREATER_EQUAL", 0b110);
