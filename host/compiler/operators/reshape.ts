/** RESHAPE: the same bytes under another shape. No code: input and output share one place. */
import type { Operator } from "../../model/graph.js";
import { defineOperator, type KernelForm, type LoweredLayer } from "../layer.js";
import { input, malformed, output } from "../operands.js";

const alias: KernelForm<LoweredLayer> = {
  name: "alias",
  applies: () => true,
  cost: () => ({ opcodes: 0, bytesMoved: 0 }),
  scratch: () => [],
  weights: () => [],
  emit: () => [],
};

function lower(operator: Operator): LoweredLayer {
  const x = input(operator, 0);
  const y = output(operator);
  if (x.type !== y.type || x.elements !== y.elements) {
    throw malformed(operator, `${x.elements} ${x.type} elements become ${y.elements} of ${y.type}`);
  }
  return { inputs: [x], outputs: [y], macs: 0, parameters: 0, alias: x };
}

export const reshape = defineOperator({ name: "RESHAPE", lower, forms: [alias] });
