/** RESHAPE, SQUEEZE, EXPAND_DIMS: the same bytes under another shape. No code: input and output share one place. */
import type { Operator } from "../../model/graph.js";
import { alias } from "../alias.js";
import { defineOperator, type LoweredLayer } from "../layer.js";
import { input, malformed, output } from "../operands.js";

/** The new shape is the output tensor's; what the options or a second input say of it is not read. */
function lower(operator: Operator): LoweredLayer {
  const x = input(operator, 0);
  const y = output(operator);
  if (x.type !== y.type || x.elements !== y.elements) {
    throw malformed(operator, `${x.elements} ${x.type} elements become ${y.elements} of ${y.type}`);
  }
  return { inputs: [x], outputs: [y], macs: 0, parameters: 0, alias: x };
}

const define = (name: string) =>
  defineOperator({ name, limits: ["the new shape is the output tensor's"], lower, forms: [alias] });

export const reshape = define("RESHAPE");
export const squeeze = define("SQUEEZE");
export const expandDims = define("EXPAND_DIMS");
