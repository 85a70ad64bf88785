/**
 * What an inference executed: opcodes by class and bytes moved, read from the counters that instrument.ts put into a
 * module. Exact and the same in every run. Counts can be subtracted, which gives those of one inference or one layer.
 */
import type { BlockCost, MemoryOperation } from "./block_cost.js";
import { type OpcodeClass, opcodeClasses } from "./opcode_class.js";
import type { WasmExports, WasmGlobal } from "./webassembly.js";

/** Calls of one bulk memory operation and the bytes they moved. */
export interface MoveCounts {
  readonly calls: number;
  readonly bytes: number;
}

export interface ExecutionCounts {
  /** Opcodes as WAMR's fast interpreter executes them, a call and its return as one. */
  readonly opcodes: number;
  readonly classes: Readonly<Record<OpcodeClass, number>>;
  readonly memoryInit: MoveCounts;
  readonly memoryCopy: MoveCounts;
  readonly memoryFill: MoveCounts;
}

/** Where the counts of an instrumented module are found, and what each counter stands for. */
export interface CountingPlan {
  /** Names of the exported counters (i64 globals). */
  readonly counters: readonly string[];
  /** Names of the exported byte counters (i64 globals). */
  readonly bytes: Readonly<Record<MemoryOperation, string>>;
  /**
   * For each counter what one step of it adds: pairs of place and amount, places first the opcode classes in the order
   * of `opcodeClasses`, then the calls of memory.init, copy and fill.
   */
  readonly weights: readonly (readonly { readonly place: number; readonly amount: number }[])[];
}

const memoryOperations: readonly MemoryOperation[] = ["init", "copy", "fill"];

/** What each counter stands for, from the blocks that it counts. */
export function counterWeights(blocks: readonly BlockCost[], counters: number): CountingPlan["weights"] {
  const places = opcodeClasses.length + memoryOperations.length;
  const sums = Array.from({ length: counters }, () => new Map<number, number>());
  for (const { count, classes, memoryCalls } of blocks) {
    const amounts = [...classes, ...memoryOperations.map((operation) => memoryCalls[operation])];
    for (const [counter, coefficient] of count.terms) {
      const sum = sums[counter] as Map<number, number>;
      for (let place = 0; place < places; place++) {
        const amount = amounts[place] as number;
        if (amount !== 0) sum.set(place, (sum.get(place) ?? 0) + coefficient * amount);
      }
    }
  }
  return sums.map((sum) =>
    [...sum]
      .filter(([, amount]) => amount !== 0)
      .sort(([left], [right]) => left - right)
      .map(([place, amount]) => ({ place, amount })),
  );
}

/**
 * Reads the counters of an instance: everything that it executed since it was made. Take the difference of two
 * readings for one inference.
 * @param exports of an instance of the instrumented module
 * @param plan that `instrumentForCounting` gave with it
 */
export function collectCounts(exports: WasmExports, plan: CountingPlan): ExecutionCounts {
  const read = (name: string): number => Number((exports[name] as WasmGlobal).value);
  const totals = new Float64Array(opcodeClasses.length + memoryOperations.length);
  plan.counters.forEach((name, counter) => {
    const weights = plan.weights[counter] ?? [];
    if (weights.length === 0) return;
    const steps = read(name);
    for (const { place, amount } of weights) totals[place] = (totals[place] as number) + steps * amount;
  });
  const move = (operation: MemoryOperation): MoveCounts => ({
    calls: totals[opcodeClasses.length + memoryOperations.indexOf(operation)] as number,
    bytes: read(plan.bytes[operation]),
  });
  return fromClasses(
    opcodeClasses.map((_, place) => totals[place] as number),
    move("init"),
    move("copy"),
    move("fill"),
  );
}

/** Counts of nothing. */
export const noCounts: ExecutionCounts = fromClasses(
  opcodeClasses.map(() => 0),
  { calls: 0, bytes: 0 },
  { calls: 0, bytes: 0 },
  { calls: 0, bytes: 0 },
);

/** What was executed between two readings: `later − earlier`. */
export function subtractCounts(later: ExecutionCounts, earlier: ExecutionCounts): ExecutionCounts {
  return combine(later, earlier, -1);
}

/** The sum of two counts. */
export function addCounts(left: ExecutionCounts, right: ExecutionCounts): ExecutionCounts {
  return combine(left, right, 1);
}

function combine(left: ExecutionCounts, right: ExecutionCounts, sign: number): ExecutionCounts {
  const move = (a: MoveCounts, b: MoveCounts): MoveCounts => ({
    calls: a.calls + sign * b.calls,
    bytes: a.bytes + sign * b.bytes,
  });
  return fromClasses(
    opcodeClasses.map((name) => left.classes[name] + sign * right.classes[name]),
    move(left.memoryInit, right.memoryInit),
    move(left.memoryCopy, right.memoryCopy),
    move(left.memoryFill, right.memoryFill),
  );
}

function fromClasses(
  counts: readonly number[],
  memoryInit: MoveCounts,
  memoryCopy: MoveCounts,
  memoryFill: MoveCounts,
): ExecutionCounts {
  const entries = opcodeClasses.map((name, place) => [name, counts[place] as number]);
  const classes = Object.fromEntries(entries) as Record<OpcodeClass, number>;
  const opcodes = counts.reduce((sum, count) => sum + count, 0);
  return { opcodes, classes, memoryInit, memoryCopy, memoryFill };
}
