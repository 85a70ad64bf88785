/** What a simulated loader does to its flash beyond a single command: writing an image block by block, and a dump. */
import { constants, inflateSync } from "node:zlib";
import {
  romDeflateFailed,
  romWriteFailed,
  type Status,
  stubFlashFailed,
  stubInflateFailed,
  stubTooMuch,
} from "./loader_status.js";
import type { SimulatedNorFlash } from "./simulated_nor_flash.js";
import { slipEncode } from "./slip.js";

/** An image on its way into the flash (the stub's stub_write_flash.c). */
export class ImageWriter {
  failure: Status | null = null;
  readonly #compressed: Uint8Array[] = [];
  #inflated = 0;
  #erasedTo: number;

  /** @param erases whether sectors are erased as they are reached, as the stub does */
  constructor(
    private readonly flash: SimulatedNorFlash,
    private offset: number,
    private remaining: number,
    readonly isCompressed: boolean,
    private readonly erases: boolean,
  ) {
    this.#erasedTo = Math.floor(offset / 4096) * 4096;
  }

  take(block: Uint8Array): void {
    if (!this.isCompressed) {
      this.#program(block);
      return;
    }
    this.#compressed.push(block);
    try {
      const all = inflateSync(Buffer.concat(this.#compressed), { finishFlush: constants.Z_SYNC_FLUSH });
      const fresh = all.subarray(this.#inflated);
      this.#inflated = all.length;
      this.#program(fresh);
    } catch {
      this.failure = this.erases ? stubInflateFailed : romDeflateFailed;
    }
  }

  #program(data: Uint8Array): void {
    if (data.length > this.remaining) {
      this.failure = this.erases ? stubTooMuch : romWriteFailed;
      return;
    }
    const end = this.offset + data.length;
    if (this.erases && end > this.#erasedTo) {
      if (!this.flash.erase(this.#erasedTo, end - this.#erasedTo)) this.failure = stubFlashFailed;
      this.#erasedTo = Math.ceil(end / 4096) * 4096;
    }
    if (!this.flash.program(this.offset, data)) this.failure = this.erases ? stubFlashFailed : romWriteFailed;
    this.offset = end;
    this.remaining -= data.length;
  }
}

/** A dump: packets of data that the host acknowledges, then their MD5. */
export class FlashReader {
  #sent: number;
  #acknowledged: number;

  constructor(
    private readonly flash: SimulatedNorFlash,
    private readonly start: number,
    private readonly bytes: number,
    private readonly block: number,
    private readonly inFlight: number,
  ) {
    this.#sent = start;
    this.#acknowledged = start;
  }

  /** What goes out now. */
  *packets(): Generator<Uint8Array> {
    const end = this.start + this.bytes;
    while (this.#sent < end && this.#sent - this.#acknowledged < this.inFlight * this.block) {
      const next = Math.min(this.#sent + this.block, end);
      yield slipEncode(this.flash.content.subarray(this.#sent, next));
      this.#sent = next;
    }
    if (this.#acknowledged === end) yield slipEncode(this.flash.md5(this.start, this.bytes));
  }

  /** @returns whether the dump goes on; anything but a count ends it (stub_commands.c, handle_flash_read) */
  acknowledge(packet: Uint8Array): boolean {
    if (packet.length !== 4) return false;
    this.#acknowledged = this.start + new DataView(packet.buffer, packet.byteOffset).getUint32(0, true);
    return true;
  }

  get isOver(): boolean {
    return this.#acknowledged >= this.start + this.bytes;
  }
}
