/** MUL: elementwise product with broadcasting. Kernels: mul.ts. */
import type { Operator } from "../../model/graph.js";
import { type ClampRange, fusedActivation } from "../activation.js";
import {
  type Elementwise,
  elementwiseArguments,
  elementwiseCost,
  kernelType,
  lowerElementwise,
} from "../elementwise.js";
import { type QuantizedMultiplier, quantizeMultiplier, shifts } from "../fixed_point.js";
import { defineOperator, type KernelForm } from "../layer.js";
import { broadcasting, fusedActivations } from "../limits.js";
import { perTensor } from "../operands.js";

interface Product extends Elementwise {
  readonly leftZeroPoint: number;
  readonly rightZeroPoint: number;
  readonly outputZeroPoint: number;
  readonly multiplier: QuantizedMultiplier;
  readonly clamp: ClampRange;
}

const plain: KernelForm<Product> = {
  name: "mul_plain",
  applies: () => true,
  cost: (layer) => elementwiseCost(layer, 29),
  scratch: () => [],
  weights: () => [],
  emit(layer, places) {
    const { left, right } = shifts(layer.multiplier.shift);
    return [
      {
        file: "kernels/mul",
        function: "mul",
        types: [kernelType(layer.output)],
        arguments: [
          ...elementwiseArguments(layer, places),
          ["leftZeroPoint", layer.leftZeroPoint],
          ["rightZeroPoint", layer.rightZeroPoint],
          ["outputZeroPoint", layer.outputZeroPoint],
          ["multiplier", layer.multiplier.multiplier],
          ["shiftLeft", left],
          ["shiftRight", right],
          ["activationMin", layer.clamp.minimum],
          ["activationMax", layer.clamp.maximum],
        ],
      },
    ];
  },
};

function lower(operator: Operator): Product {
  const layer = lowerElementwise(operator, ["int8", "int16"]);
  const left = perTensor(operator, layer.left);
  const right = perTensor(operator, layer.right);
  const to = perTensor(operator, layer.output);
  return {
    ...layer,
    leftZeroPoint: left.zeroPoint,
    rightZeroPoint: right.zeroPoint,
    outputZeroPoint: to.zeroPoint,
    multiplier: quantizeMultiplier((left.scale * right.scale) / to.scale),
    clamp: fusedActivation(operator, layer.output),
  };
}

export const mul = defineOperator({
  name: "MUL",
  limits: [broadcasting, fusedActivations],
  lower,
  forms: [plain],
});
