/** Where the compiler put each tensor: the module's own plan, and which tensors share its buffers. */

import type { BoundForm } from "../../host/compiler/layer.js";
import { operatorCompiler } from "../../host/compiler/operators/table.js";
import { assignStorage, type Buffer, placeOf } from "../../host/compiler/storage.js";
import type { Graph } from "../../host/model/graph.js";
import type { WamletModule } from "../../host/module/layout.js";

/**
 * Offsets in linear memory by tensor index. The forms are those that the module says it was built of; with them the
 * storage is a function of the graph, and the offsets are the plan's.
 * @throws Error where the module's plan has other buffers: then nothing could be said of its tensors
 */
export function placesOf(graph: Graph, { description }: WamletModule): ReadonlyMap<number, number> {
  const layers = graph.operators.map((operator) =>
    operatorCompiler(operator).bind(operator, { board: null }),
  );
  const forms = layers.map((layer, index): BoundForm => {
    const kernel = description.layers[index]?.kernel;
    const form = layer.forms.find(({ name }) => name === kernel);
    if (!form) throw new Error(`layer ${index} has no form ${kernel}`);
    return form;
  });
  const { buffers } = description.memory;
  const planned = textOf(buffers);
  // Outputs lie over inputs where that takes less memory.
  const storage = [true, false]
    .map((overlaid) => assignStorage(graph, layers, forms, overlaid))
    .find((one) => textOf(one.buffers) === planned);
  if (!storage) throw new Error(`the plan is another:\n${planned}`);
  const offsets = buffers.map(({ offset }) => offset);
  return new Map(
    [...storage.ofTensor.keys()].map((index) => [index, placeOf(storage, offsets, { index })] as const),
  );
}

const textOf = (buffers: readonly Buffer[]): string =>
  buffers.map(({ name, bytes, first, last }) => `${name}, ${bytes} bytes, ${first}-${last}`).join("\n");
