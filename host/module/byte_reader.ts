/**
 * A checked cursor over WebAssembly bytes. Whatever is read from outside goes through it, so that a truncated
 * or mutated file ends in a `WamletError` that names the place, never in `undefined` or an endless loop.
 */
import { WamletError } from "../errors.js";

const utf8 = new TextDecoder("utf-8", { fatal: true });

export class ByteReader {
  #position: number;

  /**
   * @param bytes the whole file; positions and error messages count from its start
   * @param start first byte of the range to read
   * @param end one past the last byte of the range
   */
  constructor(
    readonly bytes: Uint8Array,
    start = 0,
    readonly end = bytes.length,
  ) {
    if (start < 0 || start > end || end > bytes.length) {
      throw malformed(
        start,
        `a range of ${end - start} bytes does not lie inside the ${bytes.length} there are`,
      );
    }
    this.#position = start;
  }

  /** Place of the next byte, counted from the start of the file. */
  get position(): number {
    return this.#position;
  }

  get done(): boolean {
    return this.#position >= this.end;
  }

  get left(): number {
    return this.end - this.#position;
  }

  /** One byte. */
  u8(): number {
    if (this.#position >= this.end) throw malformed(this.#position, "the bytes end too early");
    return this.bytes[this.#position++] as number;
  }

  /** Unsigned LEB128 of at most 32 bits. */
  u32(): number {
    let value = 0;
    for (let shift = 0; ; shift += 7) {
      const byte = this.u8();
      if (shift === 28 && byte > 0x0f)
        throw malformed(this.#position - 1, "an unsigned integer exceeds 32 bits");
      value += (byte & 0x7f) * 2 ** shift;
      if (byte < 0x80) return value;
    }
  }

  /** Signed LEB128 of at most 32 bits. */
  s32(): number {
    const start = this.#position;
    const value = this.#signed(32);
    if (value < -0x80000000n || value > 0x7fffffffn)
      throw malformed(start, "a signed integer exceeds 32 bits");
    return Number(value);
  }

  /** Signed LEB128 of at most 64 bits. */
  s64(): bigint {
    const start = this.#position;
    const value = this.#signed(64);
    if (BigInt.asIntN(64, value) !== value) throw malformed(start, "a signed integer exceeds 64 bits");
    return value;
  }

  #signed(bits: number): bigint {
    const longest = Math.ceil(bits / 7);
    let value = 0n;
    for (let index = 0; ; index++) {
      if (index === longest) throw malformed(this.#position, `a signed integer exceeds ${bits} bits`);
      const byte = this.u8();
      value |= BigInt(byte & 0x7f) << BigInt(7 * index);
      if (byte < 0x80) return byte & 0x40 ? value - (1n << BigInt(7 * (index + 1))) : value;
    }
  }

  /** A length-prefixed UTF-8 name. */
  name(): string {
    const start = this.#position;
    try {
      return utf8.decode(this.take(this.u32()));
    } catch (error) {
      if (error instanceof WamletError) throw error;
      throw malformed(start, "a name is not UTF-8");
    }
  }

  /** The next `length` bytes, as a view. */
  take(length: number): Uint8Array {
    if (length > this.left) {
      throw malformed(this.#position, `${length} bytes are announced where ${this.left} are left`);
    }
    const view = this.bytes.subarray(this.#position, this.#position + length);
    this.#position += length;
    return view;
  }

  /** A reader of the next `length` bytes alone; this one goes on behind them. */
  range(length: number): ByteReader {
    const start = this.#position;
    this.take(length);
    return new ByteReader(this.bytes, start, start + length);
  }

  /**
   * A count of items that follow, each of at least `itemBytes`: a count that the bytes left cannot hold is
   * refused here, so that nothing is allocated on a false promise.
   */
  count(itemBytes = 1): number {
    const start = this.#position;
    const count = this.u32();
    if (count * itemBytes > this.left)
      throw malformed(start, `${count} items are announced, which do not fit`);
    return count;
  }

  /** Refuses bytes that are left over. */
  expectEnd(): void {
    if (!this.done) throw malformed(this.#position, `${this.left} bytes are left over`);
  }
}

/** The typed error for bytes that are no WebAssembly. */
export function malformed(position: number, what: string): WamletError {
  return new WamletError(
    "WAMLET_INVALID_MODULE",
    `Malformed WebAssembly at byte ${position}: ${what}.`,
    "The file is damaged or no WebAssembly module; compile the model again with `wamlet compile`.",
  );
}
