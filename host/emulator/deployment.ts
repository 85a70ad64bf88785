/**
 * One deploy under way: takes the payload's bytes in order and carries them to flash, sector by sector. A payload
 * sector is erased just before its first word, so that a resumed deploy never meets what a power cut left there;
 * its progress mark is programmed once it is complete.
 */
import type { Manifest } from "../module/manifest.js";
import type { Flash } from "./flash.js";
import { Refusal } from "./refusal.js";
import { markOffset, payloadOffset, type StoreLayout } from "./store_layout.js";

export class Deployment {
  /** Bytes received, of `manifest.payloadBytes`. */
  #received: number;
  /** Received bytes that do not fill a word yet. */
  #rest = new Uint8Array(0);

  /**
   * @param slot whose record is already written
   * @param name what the module is called on this board
   * @param completeSectors payload sectors that an earlier attempt completed
   */
  constructor(
    readonly flash: Flash,
    readonly layout: StoreLayout,
    readonly slot: number,
    readonly name: string,
    readonly manifest: Manifest,
    completeSectors: number,
  ) {
    this.#received = Math.min(completeSectors * layout.sectorBytes, manifest.payloadBytes);
  }

  /** Where the next byte belongs. */
  get offset(): number {
    return this.#received;
  }

  get complete(): boolean {
    return this.#received === this.manifest.payloadBytes;
  }

  /**
   * Takes the next bytes of the payload.
   * @throws Refusal wrong-offset where they do not follow on, or reach past the payload's end
   */
  write(offset: number, bytes: Uint8Array): void {
    const { payloadBytes } = this.manifest;
    if (offset !== this.#received || offset + bytes.length > payloadBytes) {
      throw new Refusal(
        "wrong-offset",
        [this.#received, offset],
        `Bytes ${offset} to ${offset + bytes.length} of ${this.name} came where byte ${this.#received} of ` +
          `${payloadBytes} is next.`,
        "Begin the deploy again: the board says from which byte it goes on.",
      );
    }
    const { sectorBytes } = this.layout;
    let position = 0;
    while (position < bytes.length) {
      const untilSectorEnd = sectorBytes - (this.#received % sectorBytes);
      const piece = bytes.subarray(position, position + untilSectorEnd);
      this.#writeInSector(piece);
      position += piece.length;
    }
  }

  #writeInSector(piece: Uint8Array): void {
    const { sectorBytes, wordBytes, slot } = { ...this.layout, slot: this.slot };
    const start = payloadOffset(this.layout, slot);
    if (this.#received % sectorBytes === 0) this.flash.erase((start + this.#received) / sectorBytes);
    const programmed = this.#received - this.#rest.length;
    this.#received += piece.length;

    const pending = concatenate(this.#rest, piece);
    const wholeBytes = this.complete ? pending.length : pending.length - (pending.length % wordBytes);
    const words = new Uint8Array(Math.ceil(wholeBytes / wordBytes) * wordBytes).fill(0xff);
    words.set(pending.subarray(0, wholeBytes));
    if (words.length > 0) this.flash.program(start + programmed, words);
    this.#rest = pending.slice(wholeBytes);

    if (this.#received % sectorBytes === 0 || this.complete) {
      const sector = Math.ceil(this.#received / sectorBytes) - 1;
      this.flash.program(markOffset(this.layout, slot, sector), new Uint8Array(wordBytes));
    }
  }
}

function concatenate(first: Uint8Array, second: Uint8Array): Uint8Array {
  const whole = new Uint8Array(first.length + second.length);
  whole.set(first);
  whole.set(second, first.length);
  return whole;
}
