/**
 * What an inference would take on the board: a model, and labelled so wherever it is shown. Opcodes and moved bytes,
 * counted exactly, × the architecture's cost table are instructions; × cycles per instruction are cycles; over the
 * clock they are time; × current and voltage they are energy.
 */
import { activeNanojoules } from "../descriptor/active_energy.js";
import type { Board } from "../descriptor/board.js";
import { modelCycles } from "../module/cost.js";
import type { ExecutionCounts } from "../module/execution_counts.js";

export interface ModelledCost {
  readonly cycles: number;
  /** For the clock; `microseconds` is this, rounded. */
  readonly nanoseconds: number;
  readonly microseconds: number;
  readonly nanojoules: number;
}

/** The cost of one inference, the host's call of `infer` included. */
export function modelledCost(counts: ExecutionCounts, board: Board): ModelledCost {
  const call = board.cost.call * board.cyclesPerInstruction.value;
  const cycles = Math.round(modelCycles(counts, board) + call);
  const seconds = cycles / board.clockHertz.value;
  return {
    cycles,
    nanoseconds: Math.round(seconds * 1e9),
    microseconds: Math.round(seconds * 1e6),
    nanojoules: activeNanojoules(board, seconds),
  };
}

/** The cycles of one layer. */
export function modelledLayerCycles(counts: ExecutionCounts, board: Board): number {
  return Math.round(modelCycles(counts, board));
}

/** What INFO says about where counts come from. */
export function countSource(board: Board): string {
  const { value, source } = board.cyclesPerInstruction;
  const assumed = source.startsWith("assumed") ? " (assumed)" : "";
  return `modelled: opcodes × ${board.cost.name} cost table × ${value} cycles per instruction${assumed}`;
}
