/** Where the compiler put each tensor: the module's own plan, and which tensors share its buffers. */

import type { BoundForm } from "../../host/compiler/layer.js";
import { operatorCompiler } from "../../host/compiler/operators/table.js";
import { assignStorage } from "../../host/compiler/storage.js";
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
  const storage = assignStorage(graph, layers, forms);
  const { buffers } = description.memory;
  const shape = ({ name, bytes, first, last }: (typeof storage.buffers)[number]) =>
    `${name}, ${bytes} bytes, ${first}-${last}`;
  const planned = buffers.map(shape).join("\n");
  if (planned !== storage.buffers.map(shape).join("\n")) throw new Error(`the plan is another:\n${planned}`);
  return new Map(
    [...storage.ofTensor].map(([tensor, buffer]) => [tensor, buffers[buffer]?.offset ?? Number.NaN]),
  );
}
