/** SQUARED_DIFFERENCE: (left − right)² with broadcasting. Kernels: squared_difference.ts. */
import type { Operator } from "../../model/graph.js";
import {
  type CommonScale,
  commonScale,
  type Elementwise,
  elementwiseArguments,
  elementwiseCost,
  lowerElementwise,
} from "../elementwise.js";
import { shifts } from "../fixed_point.js";
import { defineOperator, type KernelForm } from "../layer.js";
import { broadcasting } from "../limits.js";

interface SquaredDifference extends Elementwise, CommonScale {}

/** TFLite's left shift of both operands: 255² · 2¹⁴ still fits 32 bits. */
const headroom = 7;

const plain: KernelForm<SquaredDifference> = {
  name: "squared_difference_plain",
  applies: () => true,
  cost: (layer) => elementwiseCost(layer, 49),
  scratch: () => [],
  weights: () => [],
  emit(layer, places) {
    const outputShift = shifts(layer.outputMultiplier.shift);
    return [
      {
        file: "kernels/squared_difference",
        function: "squaredDifference",
        arguments: [
          ...elementwiseArguments(layer, places),
          ["leftZeroPoint", layer.leftZeroPoint],
          ["leftMultiplier", layer.leftMultiplier.multiplier],
          ["leftShift", -layer.leftMultiplier.shift],
          ["rightZeroPoint", layer.rightZeroPoint],
          ["rightMultiplier", layer.rightMultiplier.multiplier],
          ["rightShift", -layer.rightMultiplier.shift],
          ["outputZeroPoint", layer.outputZeroPoint],
          ["outputMultiplier", layer.outputMultiplier.multiplier],
          ["outputLeft", outputShift.left],
          ["outputRight", outputShift.right],
        ],
      },
    ];
  },
};

function lower(operator: Operator): SquaredDifference {
  const layer = lowerElementwise(operator, ["int8"]);
  const scales = commonScale(operator, layer, (left, right, to) => {
    const twiceLargest = 2 * Math.max(left, right);
    return [
      left / twiceLargest,
      right / twiceLargest,
      (twiceLargest * twiceLargest) / (2 ** (2 * headroom) * to),
    ];
  });
  return { ...layer, ...scales };
}

export const squaredDifference = defineOperator({
  name: "SQUARED_DIFFERENCE",
  limits: [broadcasting],
  lower,
  forms: [plain],
});
