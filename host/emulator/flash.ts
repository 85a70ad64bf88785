/**
 * Simulated NOR flash: what the module store stands on. It obeys the rules of the real thing, so that a store
 * which breaks them breaks here: a sector is erased as a whole to 0xFF, programming only clears bits, in whole
 * words, and a word is programmed once between two erases (which flash with error correction demands).
 *
 * Tests cut its power at any operation: the operation that was under way leaves a torn result, and nothing works
 * until the power is back.
 */
import { WamletError } from "../errors.js";
import type { FlashFile } from "./flash_file.js";
import type { FlashGeometry } from "./flash_geometry.js";
import { SeededRandom } from "./seeded_random.js";

/** How far the operation got at which the power went: not begun, somewhere inside, or finished but unreported. */
export type Tear = "before" | "inside" | "after";

export interface PowerCutPlan {
  /** Erases and program calls that still succeed, counted from now. */
  readonly afterOperations: number;
  readonly tear: Tear;
  /** Decides what a write torn inside leaves behind. */
  readonly seed?: number;
}

/** Thrown to whoever was using the flash when its power went; stands for the reset of the whole board. */
export class PowerCut extends Error {
  override readonly name = "PowerCut";
}

const ERASED = 0xff;

/**
 * Typical times of serial NOR flash, W25Q128JV datasheet (tSE 45 ms for 4 KiB, tPP 0.4 ms for 256 bytes); assumed for
 * every board, since descriptors do not give them.
 */
const ERASE_NANOSECONDS_PER_BYTE = 45e6 / 4096;
const PROGRAM_NANOSECONDS_PER_BYTE = 0.4e6 / 256;

export class Flash {
  readonly geometry: FlashGeometry;
  readonly #bytes: Uint8Array;
  readonly #file: FlashFile | undefined;
  #operations = 0;
  #busyNanoseconds = 0;
  #plan: { at: number; tear: Tear; random: SeededRandom } | undefined;
  #powered = true;

  /**
   * @param geometry sectors and words; see `flashGeometry` for a board's
   * @param file where every change is written through to; its content becomes the flash's content
   */
  constructor(geometry: FlashGeometry, file?: FlashFile) {
    this.geometry = geometry;
    this.#file = file;
    this.#bytes = file?.bytes ?? new Uint8Array(geometry.sectorBytes * geometry.sectors).fill(ERASED);
  }

  get totalBytes(): number {
    return this.#bytes.length;
  }

  /** Erases and program calls so far. */
  get operations(): number {
    return this.#operations;
  }

  /** Virtual time that all operations so far would have taken. */
  get busyNanoseconds(): number {
    return this.#busyNanoseconds;
  }

  /** A copy of `length` bytes from `offset`. */
  read(offset: number, length: number): Uint8Array {
    this.#check(offset, length, 1);
    if (!this.#powered) throw new PowerCut("The flash is read without power.");
    return this.#bytes.slice(offset, offset + length);
  }

  /** Sets a whole sector to 0xFF. */
  erase(sector: number): void {
    const { sectorBytes } = this.geometry;
    const offset = sector * sectorBytes;
    this.#check(offset, sectorBytes, sectorBytes);
    const view = this.#bytes.subarray(offset, offset + sectorBytes);
    this.#busyNanoseconds += sectorBytes * ERASE_NANOSECONDS_PER_BYTE;
    this.#operate(
      () => view.fill(ERASED),
      (random) => {
        // Cells rise at different speeds: any subset of the bits may have got there.
        for (let index = 0; index < view.length; index++)
          view[index] = (view[index] as number) | random.next();
      },
      offset,
      sectorBytes,
    );
  }

  /**
   * Programs whole words, which must be erased.
   * @param offset a multiple of the word size
   * @param bytes whole words; 0xFF leaves a byte erased
   */
  program(offset: number, bytes: Uint8Array): void {
    const { wordBytes } = this.geometry;
    this.#check(offset, bytes.length, wordBytes);
    const view = this.#bytes.subarray(offset, offset + bytes.length);
    if (view.some((byte) => byte !== ERASED)) {
      throw misuse(`${bytes.length} bytes at ${offset} are programmed where something stands already`);
    }
    this.#busyNanoseconds += bytes.length * PROGRAM_NANOSECONDS_PER_BYTE;
    this.#operate(
      () => view.set(bytes),
      (random) => {
        const words = random.below(bytes.length / wordBytes) * wordBytes;
        view.set(bytes.subarray(0, words));
        for (let index = words; index < words + wordBytes; index++) {
          view[index] = (bytes[index] as number) | random.next();
        }
      },
      offset,
      bytes.length,
    );
  }

  /** For tests: lets the power go at a later operation. */
  planPowerCut(plan: PowerCutPlan): void {
    this.#plan = {
      at: this.#operations + plan.afterOperations,
      tear: plan.tear,
      random: new SeededRandom(plan.seed ?? 1),
    };
  }

  /** For tests: the power is back, what was written is still there, and no cut is planned any more. */
  powerOn(): void {
    this.#powered = true;
    this.#plan = undefined;
  }

  /** For tests: a cell that lost its charge, or gained one. */
  flipBit(offset: number, bit: number): void {
    this.#check(offset, 1, 1);
    this.#bytes[offset] = (this.#bytes[offset] as number) ^ (1 << (bit & 7));
    this.#writeThrough(offset, 1);
  }

  #operate(whole: () => void, torn: (random: SeededRandom) => void, offset: number, length: number): void {
    if (!this.#powered) throw new PowerCut("The flash is written without power.");
    const plan = this.#plan;
    if (plan !== undefined && this.#operations >= plan.at) {
      this.#powered = false;
      if (plan.tear === "inside") torn(plan.random);
      if (plan.tear === "after") whole();
      this.#writeThrough(offset, length);
      throw new PowerCut(`The power went at flash operation ${this.#operations} (${plan.tear}).`);
    }
    this.#operations++;
    whole();
    this.#writeThrough(offset, length);
  }

  #writeThrough(offset: number, length: number): void {
    const { sectorBytes } = this.geometry;
    const last = Math.floor((offset + Math.max(length, 1) - 1) / sectorBytes);
    for (let sector = Math.floor(offset / sectorBytes); sector <= last; sector++)
      this.#file?.writeSector(sector);
  }

  #check(offset: number, length: number, alignment: number): void {
    if (!Number.isInteger(offset) || !Number.isInteger(length) || offset < 0 || length < 0) {
      throw misuse(`offset ${offset} and length ${length} are no byte counts`);
    }
    if (offset + length > this.#bytes.length) {
      throw misuse(`${length} bytes at ${offset} reach past the end at ${this.#bytes.length}`);
    }
    if (offset % alignment !== 0 || length % alignment !== 0) {
      throw misuse(`${length} bytes at ${offset} are not aligned to ${alignment}`);
    }
  }
}

function misuse(what: string): WamletError {
  return new WamletError(
    "WAMLET_INTERNAL",
    `Flash misused: ${what}.`,
    "This is a fault in Wamlet itself; please report it with the command that led here.",
  );
}
