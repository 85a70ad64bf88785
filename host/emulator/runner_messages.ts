/** What the virtual board's main thread and the worker that runs a module say to each other. */
import type { ExecutionCounts } from "../module/execution_counts.js";

/** Main thread → worker. */
export type RunnerRequest =
  | {
      readonly type: "load";
      readonly payload: Uint8Array;
      readonly linearMemoryBytes: number;
      /** Opcodes that one call may execute. */
      readonly opcodeBudget: number;
      /** Layers of a profiling build, else 0. */
      readonly layers: number;
    }
  /** Bytes for linear memory; answered by nothing. */
  | { readonly type: "write"; readonly offset: number; readonly bytes: Uint8Array }
  | {
      readonly type: "infer";
      readonly outputs: readonly { readonly offset: number; readonly bytes: number }[];
    }
  /** Calls the module's `reset`. */
  | { readonly type: "reset" };

/** Worker → main thread, one for every request but `write`. */
export type RunnerAnswer =
  | { readonly type: "done" }
  | {
      readonly type: "inferred";
      /** What `infer` returned, 0 for done. */
      readonly returned: number;
      readonly outputs: readonly Uint8Array[];
      readonly counts: ExecutionCounts;
      /** Counts of each layer of a profiling build, in their order. */
      readonly layers: readonly ExecutionCounts[];
    }
  /** The payload cannot be instantiated. */
  | { readonly type: "refused"; readonly text: string }
  | { readonly type: "trapped"; readonly text: string }
  /** It executed more opcodes than its manifest allows. */
  | { readonly type: "ran-away" }
  /** It reached above its plan; the address where it is known. */
  | { readonly type: "out-of-bounds"; readonly address: number | null };
