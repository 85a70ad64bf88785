/** Checks that a graph can run from its first operator to its last, each reading only what is there. */

import { invalidModel } from "./checked_table.js";
import type { Operator, Tensor } from "./graph.js";

const orderHint = "The file is damaged, or was not written by TensorFlow Lite's converter: convert it again.";

/**
 * Every operator reads constants, variables, graph inputs and outputs of earlier operators; every tensor is
 * written once; every graph output has been written.
 * @throws WamletError WAMLET_INVALID_MODEL naming operator and tensor
 */
export function checkOrder(
  operators: readonly Operator[],
  inputs: readonly Tensor[],
  outputs: readonly Tensor[],
): void {
  const written = new Set<Tensor>();
  for (const input of inputs) {
    if (input.data !== null) throw invalidModel(`The graph input '${input.name}' is a constant.`, orderHint);
    if (written.has(input)) throw invalidModel(`The graph input '${input.name}' is listed twice.`, orderHint);
    written.add(input);
  }
  const known = (tensor: Tensor) => tensor.data !== null || tensor.isVariable || written.has(tensor);
  for (const operator of operators) {
    const label = `operator ${operator.index} ${operator.name}`;
    for (const input of operator.inputs) {
      if (input !== null && !known(input)) {
        throw invalidModel(`The ${label} reads tensor '${input.name}' before anything wrote it.`, orderHint);
      }
    }
    for (const output of operator.outputs) {
      if (known(output)) {
        throw invalidModel(
          `The ${label} writes tensor '${output.name}', which already has a value.`,
          orderHint,
        );
      }
      written.add(output);
    }
  }
  for (const output of outputs) {
    if (!known(output)) throw invalidModel(`Nothing writes the graph output '${output.name}'.`, orderHint);
  }
}
