/**
 * The board's RAM for modules as its descriptor has it: a pool that WAMR takes from, and the largest block in it, which
 * bounds linear memory because that is one allocation. Refuses before anything is stored or loaded.
 */
import type { Board } from "../descriptor/board.js";
import type { Manifest } from "../module/manifest.js";
import { Refusal } from "./refusal.js";

export class MemoryAccount {
  readonly totalBytes: number;
  readonly #largestBlockBytes: number;
  #usedBytes = 0;
  #highWaterBytes = 0;

  constructor(memory: Board["memory"]) {
    this.totalBytes = memory.poolBytes.value;
    this.#largestBlockBytes = memory.largestBlockBytes.value;
  }

  get usedBytes(): number {
    return this.#usedBytes;
  }

  get highWaterBytes(): number {
    return this.#highWaterBytes;
  }

  /** The descriptor's largest block, as long as that much is free at all. */
  get largestBlockBytes(): number {
    return Math.min(this.#largestBlockBytes, this.totalBytes - this.#usedBytes);
  }

  /**
   * Checks that an empty board could load the module.
   * @param runtimeBytes what the runtime takes beside linear memory
   * @throws Refusal block-too-large, not-enough-memory
   */
  checkFits(manifest: Manifest, runtimeBytes: number): void {
    this.#check(manifest, runtimeBytes, this.#largestBlockBytes, this.totalBytes);
  }

  /**
   * Takes the memory of a module beside those that are loaded.
   * @returns a function that gives it back, once
   * @throws Refusal block-too-large, not-enough-memory
   */
  take(manifest: Manifest, runtimeBytes: number): () => void {
    this.#check(manifest, runtimeBytes, this.largestBlockBytes, this.totalBytes - this.#usedBytes);
    const bytes = manifest.linearMemoryBytes + runtimeBytes;
    this.#usedBytes += bytes;
    this.#highWaterBytes = Math.max(this.#highWaterBytes, this.#usedBytes);
    let taken = true;
    return () => {
      if (taken) this.#usedBytes -= bytes;
      taken = false;
    };
  }

  #check(manifest: Manifest, runtimeBytes: number, block: number, pool: number): void {
    const { name, linearMemoryBytes } = manifest;
    if (linearMemoryBytes > block) {
      throw new Refusal(
        "block-too-large",
        [linearMemoryBytes, block],
        `${name} needs ${linearMemoryBytes} bytes of linear memory; the largest block has ${block}.`,
        "Use a smaller model or input, or a board with more RAM; `wamlet inspect` shows what takes the memory.",
      );
    }
    const needed = linearMemoryBytes + runtimeBytes;
    if (needed > pool) {
      throw new Refusal(
        "not-enough-memory",
        [needed, pool],
        `${name} needs ${needed} bytes, ${runtimeBytes} of them for the runtime; the pool has ${pool}.`,
        "Unload other modules, use a smaller model, or a board with more RAM.",
      );
    }
  }
}
