/**
 * From counts to the modelled cost on a board: opcodes by class and bytes moved × the architecture's measured cost
 * table gives instructions; × cycles per instruction of the descriptor gives cycles. Both are models and are to be
 * labelled `modelled` wherever they are shown.
 */
import type { Board, CostTable } from "../descriptor/board.js";
import { WamletError } from "../errors.js";
import type { ExecutionCounts } from "./execution_counts.js";
import { opcodeClasses } from "./opcode_class.js";

/**
 * Instructions that the counted opcodes take. memory.init and memory.copy are priced by call and byte (their class
 * `bulk` has no price of its own), memory.fill as memory.copy. The host's call of `infer` is not included: add
 * `costs.call` once per inference.
 * @throws WamletError WAMLET_INVALID_DESCRIPTOR where the table has no price for a class that was executed
 */
export function modelInstructions(counts: ExecutionCounts, costs: CostTable): number {
  let instructions = 0;
  for (const name of opcodeClasses) {
    const count = counts.classes[name];
    if (name === "bulk" || count === 0) continue;
    const price = costs.opcode[name];
    if (price === undefined) {
      throw new WamletError(
        "WAMLET_INVALID_DESCRIPTOR",
        `The cost table ${costs.name} has no price for opcodes of the class ${name}.`,
        `Add "${name}" to the table's "opcode" object, with the instructions that one such opcode takes.`,
      );
    }
    instructions += count * price;
  }
  const { memoryInit, memoryCopy, memoryFill } = counts;
  instructions += memoryInit.calls * costs.memoryInit.call + memoryInit.bytes * costs.memoryInit.byte;
  for (const move of [memoryCopy, memoryFill]) {
    instructions += move.calls * costs.memoryCopy.call + move.bytes * costs.memoryCopy.byte;
  }
  return instructions;
}

/** Cycles that the counted opcodes take on a board: instructions × its cycles per instruction. */
export function modelCycles(
  counts: ExecutionCounts,
  board: Pick<Board, "cost" | "cyclesPerInstruction">,
): number {
  return modelInstructions(counts, board.cost) * board.cyclesPerInstruction.value;
}
