/** REDUCE_MAX over constant axes; nothing is rescaled. Kernels: reduce_max.ts. */
import type { Operator } from "../../model/graph.js";
import { defineOperator, type KernelForm } from "../layer.js";
import { constantAxes, sameQuantisation } from "../limits.js";
import { requireSameElements } from "../movement.js";
import { lowerReduction, type Reduction, reductionArguments, reductionCost } from "../reduction.js";

const plain: KernelForm<Reduction> = {
  name: "reduce_max_plain",
  applies: () => true,
  cost: (layer) => reductionCost(layer, 19, 9),
  scratch: () => [],
  weights: () => [],
  emit: (layer, places) => [
    { file: "kernels/reduce_max", function: "reduceMax", arguments: reductionArguments(layer, places) },
  ],
};

function lower(operator: Operator): Reduction {
  const layer = lowerReduction(operator);
  requireSameElements(operator, layer.input, layer.output);
  return layer;
}

export const reduceMax = defineOperator({
  name: "REDUCE_MAX",
  limits: [constantAxes, sameQuantisation],
  lower,
  forms: [plain],
});
