/** A NOR flash as it behaves: erasing sets bits by sectors, programming only clears them. */
import { createHash } from "node:crypto";

const sectorBytes = 4096;

export class SimulatedNorFlash {
  readonly content: Uint8Array;
  /** Sectors that were erased, for wear and for "nothing was touched". */
  erasedSectors = 0;

  /** @param bytes a power of two; what was there before is not FF, as on a used board */
  constructor(bytes: number) {
    this.content = new Uint8Array(bytes).fill(0x5a);
  }

  /** Every sector that the range touches. */
  erase(offset: number, bytes: number): boolean {
    if (offset + bytes > this.content.length) return false;
    const first = Math.floor(offset / sectorBytes);
    const end = Math.ceil((offset + bytes) / sectorBytes);
    this.content.fill(0xff, first * sectorBytes, end * sectorBytes);
    this.erasedSectors += end - first;
    return true;
  }

  program(offset: number, data: Uint8Array): boolean {
    if (offset + data.length > this.content.length) return false;
    for (const [index, byte] of data.entries()) {
      this.content[offset + index] = (this.content[offset + index] ?? 0) & byte;
    }
    return true;
  }

  md5(offset: number, bytes: number): Buffer {
    return createHash("md5")
      .update(this.content.subarray(offset, offset + bytes))
      .digest();
  }
}
