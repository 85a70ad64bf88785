/** What a block of code executes, and where instrument.ts must write for it: what block_counts.ts finds out. */
import type { LinearExpression } from "./linear_expression.js";
import { type OpcodeClass, opcodeClasses, opcodeClassIndex } from "./opcode_class.js";

/** What a block executes each time, and how often it runs. */
export interface BlockCost {
  /** How often: a sum of counters. */
  readonly count: LinearExpression;
  /** Opcodes of each class, in the order of `opcodeClasses`. */
  readonly classes: Float64Array;
  /** Calls of memory.init, memory.copy and memory.fill. */
  readonly memoryCalls: { init: number; copy: number; fill: number };
}

export type MemoryOperation = "init" | "copy" | "fill";

/** A place in the file where instrumentation is added. */
export type Insertion = { readonly position: number } & (
  | { readonly kind: "counter"; readonly counter: number }
  /** At function entries and loop headers; charges what the block there costs. */
  | { readonly kind: "fuel"; readonly block: BlockCost }
  | { readonly kind: "memory"; readonly operation: MemoryOperation }
);

export function newBlock(count: LinearExpression): BlockCost {
  return {
    count,
    classes: new Float64Array(opcodeClasses.length),
    memoryCalls: { init: 0, copy: 0, fill: 0 },
  };
}

export function addOpcodes(block: BlockCost, opcodeClass: OpcodeClass, times: number): void {
  const place = opcodeClassIndex[opcodeClass];
  block.classes[place] = (block.classes[place] ?? 0) + times;
}
