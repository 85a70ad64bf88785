/** The one passive data segment: blocks of weights, 4-byte aligned, equal blocks stored once. */
import { createHash } from "node:crypto";

export class WeightSegment {
  readonly #blocks: Uint8Array[] = [];
  readonly #known = new Map<string, number>();
  #bytes = 0;

  /** Adds a block. @returns its offset in the segment */
  add(block: Uint8Array): number {
    const key = createHash("sha256").update(block).digest("hex");
    const known = this.#known.get(key);
    if (known !== undefined) return known;
    const offset = this.#bytes;
    const padded = new Uint8Array(Math.ceil(block.length / 4) * 4);
    padded.set(block);
    this.#blocks.push(padded);
    this.#bytes += padded.length;
    this.#known.set(key, offset);
    return offset;
  }

  /** The segment's bytes, a multiple of 4. */
  bytes(): Uint8Array {
    return Uint8Array.from(Buffer.concat(this.#blocks));
  }
}
