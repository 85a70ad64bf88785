/**
 * An instance of a module in V8 that behaves as WAMR's would: it counts what it executes, stops when its opcodes are
 * used up, and notices what V8 does not. V8 gives whole pages of 64 KiB, so a write above the plan, which traps on a
 * board, passes here; canary bytes above the plan betray it.
 */
import {
  addCounts,
  type CountingPlan,
  collectCounts,
  type ExecutionCounts,
  noCounts,
  subtractCounts,
} from "../module/execution_counts.js";
import { outOfFuel, setFuel } from "../module/fuel.js";
import { instrumentForCounting } from "../module/instrument.js";
import { type WasmExports, type WasmMemory, webAssembly } from "../module/webassembly.js";

export interface GuardedInstanceOptions {
  readonly payload: Uint8Array;
  readonly linearMemoryBytes: number;
  /** Opcodes that one call may execute. */
  readonly opcodeBudget: number;
  /** Layers of a profiling build, else 0. */
  readonly layers: number;
}

export type InferenceReport =
  | {
      readonly type: "ran";
      readonly returned: number;
      readonly counts: ExecutionCounts;
      readonly layers: readonly ExecutionCounts[];
    }
  | { readonly type: "trapped"; readonly text: string }
  | { readonly type: "ran-away" }
  | { readonly type: "out-of-bounds"; readonly address: number | null };

const PAGE_BYTES = 65536;
/** Neither 0 nor 0xFF, which kernels write most. */
const CANARY = 0xa5;
/** V8's words for what is out of its own pages, in loads and stores as in memory.init and its kin. */
const OUT_OF_BOUNDS = "memory access out of bounds";

export class GuardedInstance {
  readonly #options: GuardedInstanceOptions;
  readonly #plan: CountingPlan;
  readonly #exports: WasmExports;
  readonly #memory: WasmMemory;
  /** What lies above the plan while nobody writes there. */
  readonly #canaries: Uint8Array;
  /** Counts when the last layer ended. */
  #layerStart = noCounts;
  #layers: ExecutionCounts[] = [];

  /**
   * Compiles and instantiates.
   * @throws WamletError where the payload breaks the ABI; Error where V8 refuses it or its memory is not what the
   *   manifest says
   */
  constructor(options: GuardedInstanceOptions) {
    this.#options = options;
    const { wasm, plan, abi } = instrumentForCounting(options.payload, { fuel: true });
    this.#plan = plan;
    const imports = { wamlet: { layer: (index: number) => this.#endLayer(index) } };
    this.#exports = new webAssembly.Instance(new webAssembly.Module(wasm), imports).exports;
    this.#memory = this.#exports.memory as WasmMemory;
    const { linearMemoryBytes } = options;
    const expectedBytes = Math.ceil(linearMemoryBytes / PAGE_BYTES) * PAGE_BYTES;
    const { byteLength } = this.#memory.buffer;
    if (abi.linearMemoryBytes !== linearMemoryBytes || byteLength !== expectedBytes) {
      throw new Error(
        `The manifest says ${linearMemoryBytes} bytes of linear memory, the module has ${abi.linearMemoryBytes} in ` +
          `${byteLength / PAGE_BYTES} pages.`,
      );
    }
    this.#bytes().fill(CANARY, linearMemoryBytes);
    this.#canaries = this.#bytes().slice(linearMemoryBytes);
    // State starts as `reset` leaves it, not as zeros: a zero point is rarely 0.
    if (!("reset" in this.#exports)) return;
    const report = this.#call("reset");
    if (report.type !== "ran") throw new Error(`its reset did not end well: ${report.type}`);
  }

  write(offset: number, bytes: Uint8Array): void {
    this.#bytes().set(bytes, offset);
  }

  /** A copy of bytes of linear memory. */
  read(offset: number, length: number): Uint8Array {
    return this.#bytes().slice(offset, offset + length);
  }

  infer(): InferenceReport {
    return this.#call("infer");
  }

  reset(): InferenceReport {
    return this.#call("reset");
  }

  #call(name: "infer" | "reset"): InferenceReport {
    const before = collectCounts(this.#exports, this.#plan);
    this.#layerStart = before;
    this.#layers = Array.from({ length: this.#options.layers }, () => noCounts);
    setFuel(this.#exports, this.#options.opcodeBudget);
    let returned: number;
    try {
      returned = (this.#exports[name] as () => number | undefined)() ?? 0;
    } catch (error) {
      if (outOfFuel(this.#exports)) return { type: "ran-away" };
      const text = error instanceof Error ? error.message : String(error);
      return text === OUT_OF_BOUNDS ? { type: "out-of-bounds", address: null } : { type: "trapped", text };
    }
    const address = this.#damagedCanary();
    if (address !== undefined) return { type: "out-of-bounds", address };
    const counts = subtractCounts(collectCounts(this.#exports, this.#plan), before);
    return { type: "ran", returned, counts, layers: this.#layers };
  }

  #endLayer(index: number): void {
    const now = collectCounts(this.#exports, this.#plan);
    const sum = this.#layers[index];
    if (sum === undefined)
      throw new Error(`layer ${index} ended where the manifest has ${this.#layers.length}`);
    this.#layers[index] = addCounts(sum, subtractCounts(now, this.#layerStart));
    this.#layerStart = now;
  }

  #damagedCanary(): number | undefined {
    const canaries = this.#bytes().subarray(this.#options.linearMemoryBytes);
    if (Buffer.compare(canaries, this.#canaries) === 0) return undefined;
    return this.#options.linearMemoryBytes + canaries.findIndex((byte) => byte !== CANARY);
  }

  #bytes(): Uint8Array {
    return new Uint8Array(this.#memory.buffer);
  }
}
