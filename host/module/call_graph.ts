/**
 * Who calls whom. A module must not recurse: only then is the operand stack that it needs known before it runs.
 */
import type { CoreModule } from "./core_module.js";
import { code } from "./opcodes.js";

export interface CallGraph {
  /** Functions that each function calls, imports left out, by place in `module.functions`. */
  readonly callees: readonly ReadonlySet<number>[];
  /** Every function behind all that it calls; null where functions call each other in a circle. */
  readonly calleesFirst: readonly number[] | null;
}

/** The call graph of a module without call_indirect. */
export function callGraph(module: CoreModule): CallGraph {
  const imports = module.imports.length;
  const callees = module.functions.map(({ instructions }) => {
    const called = new Set<number>();
    for (const { opcode, index } of instructions) {
      if (opcode.code === code.call && index >= imports) called.add(index - imports);
    }
    return called;
  });
  const callers: number[][] = callees.map(() => []);
  callees.forEach((called, caller) => {
    for (const callee of called) callers[callee]?.push(caller);
  });
  const waiting = callees.map((called) => called.size);
  const calleesFirst: number[] = [];
  waiting.forEach((count, index) => {
    if (count === 0) calleesFirst.push(index);
  });
  // The list grows while it is walked: a function follows once its last callee is in it.
  for (const callee of calleesFirst) {
    for (const caller of callers[callee] ?? []) {
      const left = (waiting[caller] ?? 0) - 1;
      waiting[caller] = left;
      if (left === 0) calleesFirst.push(caller);
    }
  }
  return { callees, calleesFirst: calleesFirst.length === callees.length ? calleesFirst : null };
}
