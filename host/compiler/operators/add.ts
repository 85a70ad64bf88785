/** ADD and SUB: elementwise sum and difference with broadcasting. Kernels: add.ts, add_linear.ts. */
import type { Operator } from "../../model/graph.js";
import { fusedActivation } from "../activation.js";
import { addLinear, type Sum } from "../add_linear.js";
import {
  commonScale,
  elementwiseArguments,
  elementwiseCost,
  kernelType,
  lowerElementwise,
} from "../elementwise.js";
import { shifts } from "../fixed_point.js";
import { defineOperator, type KernelForm } from "../layer.js";
import { broadcasting, fusedActivations } from "../limits.js";

const plain: KernelForm<Sum> = {
  name: "add_plain",
  applies: () => true,
  cost: (layer) => elementwiseCost(layer, 50),
  scratch: () => [],
  weights: () => [],
  emit(layer, places) {
    const outputShift = shifts(layer.outputMultiplier.shift);
    return [
      {
        file: "kernels/add",
        function: "add",
        types: [kernelType(layer.output)],
        arguments: [
          ...elementwiseArguments(layer, places),
          ["headroom", layer.headroom],
          ["leftZeroPoint", layer.leftZeroPoint],
          ["leftMultiplier", layer.leftMultiplier.multiplier],
          ["leftShift", -layer.leftMultiplier.shift],
          ["rightZeroPoint", layer.rightZeroPoint],
          ["rightMultiplier", layer.rightMultiplier.multiplier],
          ["rightShift", -layer.rightMultiplier.shift],
          ["rightSign", layer.rightSign],
          ["outputZeroPoint", layer.outputZeroPoint],
          ["outputMultiplier", layer.outputMultiplier.multiplier],
          ["outputLeft", outputShift.left],
          ["outputRight", outputShift.right],
          ["activationMin", layer.clamp.minimum],
          ["activationMax", layer.clamp.maximum],
        ],
      },
    ];
  },
};

/** @param divide the division of two scales in the operator's own precision */
function lower(operator: Operator, rightSign: number, divide: (a: number, b: number) => number): Sum {
  const layer = lowerElementwise(operator, ["int8", "int16"]);
  // TFLite's left shifts: room in 32 bits for the sum of two scaled values.
  const headroom = layer.output.type === "int8" ? 20 : 15;
  const scales = commonScale(operator, layer, (left, right, to) => {
    const twiceLargest = 2 * Math.max(left, right);
    return [
      divide(left, twiceLargest),
      divide(right, twiceLargest),
      divide(twiceLargest, 2 ** headroom * to),
    ];
  });
  return { ...layer, ...scales, rightSign, headroom, clamp: fusedActivation(operator, layer.output) };
}

export const add = defineOperator<Sum>({
  name: "ADD",
  limits: [broadcasting, fusedActivations],
  lower: (operator) => lower(operator, 1, (a, b) => a / b),
  forms: [plain, addLinear],
});

export const sub = defineOperator<Sum>({
  name: "SUB",
  limits: [broadcasting, fusedActivations],
  // CalculateOpDataSub in sub_common.cc divides in float32 where ADD has doubles.
  lower: (operator) => lower(operator, -1, (a, b) => Math.fround(a / b)),
  forms: [plain, addLinear],
});
