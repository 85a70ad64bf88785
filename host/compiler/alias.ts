/** The form without code: input and output are the same bytes in one place, under two shapes. */
import type { KernelForm, LoweredLayer } from "./layer.js";

/** Applies wherever `lower` says that the output is an alias of an input. */
export const alias: KernelForm<LoweredLayer> = {
  name: "alias",
  when: "nothing moves: no code, input and output share one place",
  applies: (layer) => layer.alias !== undefined,
  cost: () => ({ opcodes: 0, bytesMoved: 0 }),
  scratch: () => [],
  weights: () => [],
  emit: () => [],
};
