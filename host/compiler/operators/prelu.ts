/** PRELU: x, or alpha · x below zero, with an alpha per channel or element. Kernels: prelu.ts. */
import type { Operator } from "../../model/graph.js";
import { type Elementwise, elementwiseArguments, elementwiseCost, lowerElementwise } from "../elementwise.js";
import { type QuantizedMultiplier, quantizeMultiplier, shifts } from "../fixed_point.js";
import { defineOperator, type KernelForm } from "../layer.js";
import { broadcasting } from "../limits.js";
import { perTensor, requireShape } from "../operands.js";

interface Prelu extends Elementwise {
  readonly inputZeroPoint: number;
  readonly alphaZeroPoint: number;
  readonly outputZeroPoint: number;
  readonly identity: QuantizedMultiplier;
  readonly slope: QuantizedMultiplier;
}

const plain: KernelForm<Prelu> = {
  name: "prelu_plain",
  applies: () => true,
  cost: (layer) => elementwiseCost(layer, 31),
  scratch: () => [],
  weights: () => [],
  emit(layer, places) {
    const identity = shifts(layer.identity.shift);
    const slope = shifts(layer.slope.shift);
    return [
      {
        file: "kernels/prelu",
        function: "prelu",
        arguments: [
          ...elementwiseArguments(layer, places),
          ["inputZeroPoint", layer.inputZeroPoint],
          ["alphaZeroPoint", layer.alphaZeroPoint],
          ["outputZeroPoint", layer.outputZeroPoint],
          ["identityMultiplier", layer.identity.multiplier],
          ["identityLeft", identity.left],
          ["identityRight", identity.right],
          ["slopeMultiplier", layer.slope.multiplier],
          ["slopeLeft", slope.left],
          ["slopeRight", slope.right],
        ],
      },
    ];
  },
};

function lower(operator: Operator): Prelu {
  const layer = lowerElementwise(operator, ["int8"]);
  requireShape(operator, layer.output, layer.left.shape);
  const from = perTensor(operator, layer.left);
  const alpha = perTensor(operator, layer.right);
  const to = perTensor(operator, layer.output);
  return {
    ...layer,
    inputZeroPoint: from.zeroPoint,
    alphaZeroPoint: alpha.zeroPoint,
    outputZeroPoint: to.zeroPoint,
    identity: quantizeMultiplier(from.scale / to.scale),
    slope: quantizeMultiplier((from.scale * alpha.scale) / to.scale),
  };
}

export const prelu = defineOperator({
  name: "PRELU",
  limits: ["alpha broadcasts to the input", broadcasting],
  lower,
  forms: [plain],
});
