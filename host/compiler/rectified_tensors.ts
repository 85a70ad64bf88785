/**
 * Which tensors are expected to hold many zeros. A rectifier gives exactly the zero point for whatever is negative, and
 * where the zero point is the lowest value of all, nothing else lies below: about half of a trained network's
 * activations. The result never depends on it, only which kernel is expected to be the quicker.
 */
import type { Graph, Operator, Tensor } from "../model/graph.js";
import { fusedActivation } from "./activation.js";

const int8Lowest = -128;

/** Operators that only pass values on. */
const passing = new Set(["RESHAPE", "SQUEEZE", "EXPAND_DIMS", "MAX_POOL_2D", "PAD"]);
/** Operators with an option `fusedActivation` that may be a rectifier. */
const fusing = new Set(["CONV_2D", "DEPTHWISE_CONV_2D", "FULLY_CONNECTED", "ADD", "MUL", "SUB"]);

function rectifies(operator: Operator, output: Tensor): boolean {
  if (operator.name === "RELU" || operator.name === "RELU6") return true;
  if (!fusing.has(operator.name)) return false;
  const { fusedActivation: activation } = operator.options.fields;
  return (
    (activation === "RELU" || activation === "RELU6") &&
    fusedActivation(operator, output).minimum === int8Lowest
  );
}

/** The int8 outputs of rectifiers whose zero point is −128, and what passes them on. */
export function rectifiedTensors(graph: Graph): ReadonlySet<Tensor> {
  const found = new Set<Tensor>();
  for (const operator of graph.operators) {
    const [output] = operator.outputs;
    const [input] = operator.inputs;
    if (output?.type !== "int8" || output.quantisation?.zeroPoints[0] !== int8Lowest) continue;
    const passed = passing.has(operator.name) && input && found.has(input);
    if (passed || rectifies(operator, output)) found.add(output);
  }
  return found;
}
