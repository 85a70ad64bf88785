/** The kernel form of any function from int8 to int8: a table of its 256 results. Kernel: lookup.ts. */
import type { Tensor } from "../model/graph.js";
import type { KernelForm, LoweredLayer } from "./layer.js";

/** @param result the operator's result for one quantised input, already clamped to int8 */
export function lookupForm<L extends LoweredLayer>(
  name: string,
  result: (layer: L, value: number) => number,
): KernelForm<L> {
  return {
    name,
    when: "int8 to int8",
    applies: (layer) => layer.inputs[0]?.type === "int8" && layer.outputs[0]?.type === "int8",
    // 256 bytes brought in weigh about as much as eight opcodes (85 + 0.53 a byte against ~20 an opcode).
    cost: (layer) => ({ opcodes: 20 + (layer.outputs[0] as Tensor).elements * 8, bytesMoved: 256 }),
    scratch: () => [{ kind: "weights", bytes: 256 }],
    weights: (layer) => [
      Uint8Array.from({ length: 256 }, (_, byte) => result(layer, (byte << 24) >> 24) & 0xff),
    ],
    emit: (layer, places) => [
      {
        file: "kernels/lookup",
        function: "lookup",
        arguments: [
          ["input", places.address(layer.inputs[0] as Tensor)],
          ["output", places.address(layer.outputs[0] as Tensor)],
          ["elements", (layer.outputs[0] as Tensor).elements],
          ["weights", places.weights[0] as number],
          ["tile", places.scratch[0] as number],
        ],
      },
    ],
  };
}
