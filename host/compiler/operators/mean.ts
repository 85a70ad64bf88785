/** MEAN and SUM over constant axes. Kernels: mean.ts. */
import type { Operator } from "../../model/graph.js";
import { type QuantizedMultiplier, quantizeMultiplier, shifts } from "../fixed_point.js";
import { defineOperator, type KernelForm } from "../layer.js";
import { constantAxes } from "../limits.js";
import { perTensor } from "../operands.js";
import { lowerReduction, type Reduction, reductionArguments, reductionCost } from "../reduction.js";

interface Mean extends Reduction {
  readonly inputZeroPoint: number;
  readonly outputZeroPoint: number;
  readonly multiplier: QuantizedMultiplier;
}

const plain: KernelForm<Mean> = {
  name: "mean_plain",
  applies: () => true,
  cost: (layer) => reductionCost(layer, 32, 7),
  scratch: () => [],
  weights: () => [],
  emit(layer, places) {
    const { left, right } = shifts(layer.multiplier.shift);
    return [
      {
        file: "kernels/mean",
        function: "mean",
        arguments: [
          ...reductionArguments(layer, places),
          ["offset", layer.count * layer.inputZeroPoint],
          ["multiplier", layer.multiplier.multiplier],
          ["left", left],
          ["right", right],
          ["outputZeroPoint", layer.outputZeroPoint],
        ],
      },
    ];
  },
};

/** QuantizedMeanOrSum in reference/reduce.h: for a mean, 1/count goes into the multiplier, as many bits as fit. */
function lower(operator: Operator, divide: boolean): Mean {
  const layer = lowerReduction(operator);
  const from = perTensor(operator, layer.input);
  const to = perTensor(operator, layer.output);
  const real = quantizeMultiplier(from.scale / to.scale);
  const divisor = divide ? layer.count : 1;
  const extra = Math.min(Math.floor(Math.log2(divisor)), 32, 31 + real.shift);
  return {
    ...layer,
    inputZeroPoint: from.zeroPoint,
    outputZeroPoint: to.zeroPoint,
    multiplier: {
      multiplier: Number((BigInt(real.multiplier) << BigInt(extra)) / BigInt(divisor)),
      shift: real.shift - extra,
    },
  };
}

export const mean = defineOperator({
  name: "MEAN",
  limits: [constantAxes],
  lower: (operator) => lower(operator, true),
  forms: [plain],
});

export const sum = defineOperator({
  name: "SUM",
  limits: [constantAxes],
  lower: (operator) => lower(operator, false),
  forms: [plain],
});
