/** MAXIMUM and MINIMUM of two operands with broadcasting; nothing is rescaled. Kernels: maximum_minimum.ts. */
import type { Operator } from "../../model/graph.js";
import { type Elementwise, elementwiseArguments, elementwiseCost, lowerElementwise } from "../elementwise.js";
import { defineOperator, type KernelForm } from "../layer.js";
import { broadcasting, sameQuantisation } from "../limits.js";
import { requireSameElements } from "../movement.js";

interface Extreme extends Elementwise {
  /** 0 for the larger, 1 for the smaller. */
  readonly smaller: number;
}

const plain: KernelForm<Extreme> = {
  name: "maximum_minimum_plain",
  applies: () => true,
  cost: (layer) => elementwiseCost(layer, 11),
  scratch: () => [],
  weights: () => [],
  emit: (layer, places) => [
    {
      file: "kernels/maximum_minimum",
      function: "maximumMinimum",
      arguments: [...elementwiseArguments(layer, places), ["smaller", layer.smaller]],
    },
  ],
};

function lower(operator: Operator, smaller: number): Extreme {
  const layer = lowerElementwise(operator, ["int8"]);
  for (const operand of layer.inputs) requireSameElements(operator, operand, layer.output);
  return { ...layer, smaller };
}

export const maximum = defineOperator<Extreme>({
  name: "MAXIMUM",
  limits: [broadcasting, sameQuantisation],
  lower: (operator) => lower(operator, 0),
  forms: [plain],
});

export const minimum = defineOperator<Extreme>({
  name: "MINIMUM",
  limits: [broadcasting, sameQuantisation],
  lower: (operator) => lower(operator, 1),
  forms: [plain],
});
