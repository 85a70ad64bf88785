/**
 * Tag–length–value fields: the one encoding of manifests and of protocol messages. A reader skips tags that it
 * does not know, so either side may be newer than the other (docs/PROTOCOL.md, "Fields").
 *
 *     field := tag: u8, length: unsigned LEB128 (at most 5 bytes), value: length bytes
 *
 * Integers are unsigned, little-endian, in as few bytes as they need (0 has none, at most 8).
 */
import { WamletError } from "../errors.js";

export interface Field {
  readonly tag: number;
  readonly value: Uint8Array;
}

/** Appends fields; `finish()` gives the bytes. */
export class FieldWriter {
  readonly #bytes: number[] = [];

  /** @param value raw bytes */
  bytes(tag: number, value: Uint8Array): this {
    this.#bytes.push(tag & 0xff);
    let length = value.length;
    while (length > 0x7f) {
      this.#bytes.push((length & 0x7f) | 0x80);
      length >>>= 7;
    }
    this.#bytes.push(length);
    for (const byte of value) this.#bytes.push(byte);
    return this;
  }

  /** @param value a non-negative integer, at most 2⁶⁴ − 1 */
  integer(tag: number, value: number | bigint): this {
    let rest = BigInt(value);
    if (rest < 0n || rest >= 1n << 64n)
      throw new RangeError(`field ${tag}: ${value} is no unsigned 64-bit integer`);
    const little: number[] = [];
    for (; rest > 0n; rest >>= 8n) little.push(Number(rest & 0xffn));
    return this.bytes(tag, Uint8Array.from(little));
  }

  /** @param value text, as UTF-8 */
  text(tag: number, value: string): this {
    return this.bytes(tag, new TextEncoder().encode(value));
  }

  finish(): Uint8Array {
    return Uint8Array.from(this.#bytes);
  }
}

/**
 * Splits bytes into fields. The values are views, not copies.
 * @throws WamletError WAMLET_INVALID_PACKET where a length runs past the end
 */
export function readFields(bytes: Uint8Array): Field[] {
  const fields: Field[] = [];
  let position = 0;
  while (position < bytes.length) {
    const tag = bytes[position++] as number;
    let length = 0;
    let shift = 0;
    for (;;) {
      const byte = bytes[position++];
      if (byte === undefined || shift > 28)
        throw malformed(`the length of field ${tag} is cut off or too long`);
      length += (byte & 0x7f) * 2 ** shift;
      if (byte < 0x80) break;
      shift += 7;
    }
    if (length > bytes.length - position) {
      throw malformed(`field ${tag} says ${length} bytes where ${bytes.length - position} are left`);
    }
    fields.push({ tag, value: bytes.subarray(position, position + length) });
    position += length;
  }
  return fields;
}

/**
 * A field's value as an unsigned integer.
 * @throws WamletError WAMLET_INVALID_PACKET beyond 8 bytes or beyond 2⁵³ − 1
 */
export function fieldInteger(field: Field): number {
  const value = fieldBigInteger(field);
  if (value > BigInt(Number.MAX_SAFE_INTEGER))
    throw malformed(`field ${field.tag} holds ${value}, which is too large`);
  return Number(value);
}

/** A field's value as an unsigned 64-bit integer. */
export function fieldBigInteger(field: Field): bigint {
  if (field.value.length > 8)
    throw malformed(`field ${field.tag} is an integer of ${field.value.length} bytes`);
  let value = 0n;
  for (let index = field.value.length - 1; index >= 0; index--) {
    value = (value << 8n) | BigInt(field.value[index] as number);
  }
  return value;
}

/** A field's value as text; bytes that are no UTF-8 are refused. */
export function fieldText(field: Field): string {
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(field.value);
  } catch {
    throw malformed(`field ${field.tag} is not UTF-8`);
  }
}

function malformed(what: string): WamletError {
  return new WamletError(
    "WAMLET_INVALID_PACKET",
    `Malformed fields: ${what}.`,
    "The sender speaks another protocol or the bytes were damaged; update both sides to the same release.",
  );
}
