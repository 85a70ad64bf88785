/**
 * A view of FlatBuffers tables that trusts nothing: every position, vtable, offset, vector and string is
 * checked against the file and its natural alignment before it is read. Accessors that flatc generates trust
 * their input, so a truncated or altered file would give them zeros, huge loops or nonsense; here it gives a
 * WamletError that says where. Wire format: https://flatbuffers.dev/internals/.
 *
 * Offsets may be shared, so a small file can describe a huge tree. Reading is therefore paid from a budget
 * that is proportional to the file: a hostile file ends in an error after linear time, not in a hang.
 */

import { ByteBuffer } from "flatbuffers";
import { WamletError } from "../errors.js";

/** Bytes that may be read per byte of the file; files in the wild read each byte at most a few times. */
const BUDGET_PER_BYTE = 16;

/** Room for what is read of tiny files, whose tables share almost everything. */
const BUDGET_BASE = 4096;

/** The file and what may still be read of it; shared by all its tables. */
interface Source {
  readonly buffer: ByteBuffer;
  readonly length: number;
  budget: number;
}

/** How every structural damage is reported. */
export function invalidModel(
  message: string,
  hint = "Export the model again; the file is damaged.",
): WamletError {
  return new WamletError("WAMLET_INVALID_MODEL", message, hint);
}

/** Where an element of a table starts, checked; 0 where the table leaves the field out. */
type FieldPosition = number;

/** One table of the file, with a name such as `operators[3]` that error messages repeat. */
export class CheckedTable {
  private constructor(
    private readonly source: Source,
    private readonly position: number,
    private readonly vtable: number,
    private readonly vtableBytes: number,
    /** What this table is, for messages. */
    readonly where: string,
  ) {}

  /**
   * The root table of a FlatBuffers file.
   * @param bytes the whole file; its identifier (bytes 4 to 7) is the caller's to check
   * @throws WamletError WAMLET_INVALID_MODEL where the file is too short or its root lies outside
   */
  static root(bytes: Uint8Array, where: string): CheckedTable {
    const source: Source = {
      buffer: new ByteBuffer(bytes),
      length: bytes.length,
      budget: BUDGET_BASE + BUDGET_PER_BYTE * bytes.length,
    };
    requireInside(source, 0, 4, 4, where);
    return CheckedTable.at(source, source.buffer.readUint32(0), where);
  }

  private static at(source: Source, position: number, where: string): CheckedTable {
    requireInside(source, position, 4, 4, where);
    const vtable = position - source.buffer.readInt32(position);
    requireInside(source, vtable, 4, 2, `${where} (vtable)`);
    const vtableBytes = source.buffer.readUint16(vtable);
    const tableBytes = source.buffer.readUint16(vtable + 2);
    if (vtableBytes < 4 || vtableBytes % 2 !== 0 || tableBytes < 4) {
      throw invalidModel(`The model's ${where} has a malformed vtable at byte ${vtable}.`);
    }
    requireInside(source, vtable, vtableBytes, 2, `${where} (vtable)`);
    requireInside(source, position, tableBytes, 4, where);
    return new CheckedTable(source, position, vtable, vtableBytes, where);
  }

  /** Whether the file states this field. */
  has(field: number): boolean {
    return this.entry(field) !== 0;
  }

  bool(field: number, absent = false): boolean {
    const at = this.scalar(field, 1);
    return at === 0 ? absent : this.source.buffer.readUint8(at) !== 0;
  }

  int8(field: number, absent = 0): number {
    const at = this.scalar(field, 1);
    return at === 0 ? absent : this.source.buffer.readInt8(at);
  }

  uint8(field: number, absent = 0): number {
    const at = this.scalar(field, 1);
    return at === 0 ? absent : this.source.buffer.readUint8(at);
  }

  int32(field: number, absent = 0): number {
    const at = this.scalar(field, 4);
    return at === 0 ? absent : this.source.buffer.readInt32(at);
  }

  uint32(field: number, absent = 0): number {
    const at = this.scalar(field, 4);
    return at === 0 ? absent : this.source.buffer.readUint32(at);
  }

  float32(field: number, absent = 0): number {
    const at = this.scalar(field, 4);
    return at === 0 ? absent : this.source.buffer.readFloat32(at);
  }

  uint64(field: number, absent = 0n): bigint {
    const at = this.scalar(field, 8);
    return at === 0 ? absent : this.source.buffer.readUint64(at);
  }

  /**
   * A string, with control characters replaced: names of the file are printed on terminals.
   * @returns null where the table leaves the field out
   */
  string(field: number, what: string): string | null {
    const vector = this.vector(field, 1, what);
    if (vector === null) return null;
    const end = vector.start + vector.length;
    requireInside(this.source, end, 1, 1, `${this.where}.${what}`);
    if (this.source.buffer.readUint8(end) !== 0) {
      throw invalidModel(`The string ${this.where}.${what} has no terminating zero at byte ${end}.`);
    }
    const utf8 = this.source.buffer.bytes().subarray(vector.start, end);
    return new TextDecoder().decode(utf8).replace(/\p{Cc}/gu, "\u{fffd}");
  }

  /** A table that this one refers to, or null. */
  table(field: number, what: string): CheckedTable | null {
    const at = this.scalar(field, 4);
    if (at === 0) return null;
    return CheckedTable.at(this.source, this.indirect(at, what), `${this.where}.${what}`);
  }

  /** A vector of tables; empty where left out. The tables' names are `what[0]`, `what[1]`… */
  tables(field: number, what: string): CheckedTable[] {
    const vector = this.vector(field, 4, what);
    if (vector === null) return [];
    return Array.from({ length: vector.length }, (_, index) => {
      const target = this.indirect(vector.start + 4 * index, `${what}[${index}]`);
      this.spend(4);
      return CheckedTable.at(this.source, target, `${what}[${index}]`);
    });
  }

  /** A vector of bytes, as numbers; empty where left out. */
  uint8s(field: number, what: string): number[] {
    return this.numbers(field, 1, what, (at) => this.source.buffer.readUint8(at));
  }

  /** A vector of int32; empty where left out. */
  int32s(field: number, what: string): number[] {
    return this.numbers(field, 4, what, (at) => this.source.buffer.readInt32(at));
  }

  /** A vector of float32, each exactly; empty where left out. */
  float32s(field: number, what: string): number[] {
    return this.numbers(field, 4, what, (at) => this.source.buffer.readFloat32(at));
  }

  /** A vector of int64, each as a number (exact up to 2^53); empty where left out. */
  int64s(field: number, what: string): number[] {
    return this.numbers(field, 8, what, (at) => Number(this.source.buffer.readInt64(at)));
  }

  /** A vector of bytes as a view into the file, not a copy; null where left out. */
  bytes(field: number, what: string): Uint8Array | null {
    const vector = this.vector(field, 1, what, false);
    return vector && this.source.buffer.bytes().subarray(vector.start, vector.start + vector.length);
  }

  private numbers(field: number, size: number, what: string, read: (at: number) => number): number[] {
    const vector = this.vector(field, size, what);
    if (vector === null) return [];
    return Array.from({ length: vector.length }, (_, index) => read(vector.start + size * index));
  }

  /** Start and length in elements of a vector, wholly inside the file. */
  private vector(
    field: number,
    size: number,
    what: string,
    copied = true,
  ): { start: number; length: number } | null {
    const at = this.scalar(field, 4);
    if (at === 0) return null;
    const where = `${this.where}.${what}`;
    const lengthAt = this.indirect(at, what);
    requireInside(this.source, lengthAt, 4, 4, where);
    const length = this.source.buffer.readUint32(lengthAt);
    if (length > 0) requireInside(this.source, lengthAt + 4, length * size, size, where);
    this.spend(copied ? length * size : 4);
    return { start: lengthAt + 4, length };
  }

  /** Follows the offset stored at a checked position; offsets of FlatBuffers always point forward. */
  private indirect(at: number, what: string): number {
    const offset = this.source.buffer.readUint32(at);
    if (offset === 0) throw invalidModel(`${this.where}.${what} refers to nothing (offset 0 at byte ${at}).`);
    return at + offset;
  }

  private scalar(field: number, size: number): FieldPosition {
    const entry = this.entry(field);
    if (entry === 0) return 0;
    const at = this.position + entry;
    requireInside(this.source, at, size, size, `${this.where} (field ${field})`);
    this.spend(size);
    return at;
  }

  private entry(field: number): number {
    const slot = 4 + 2 * field;
    return slot + 2 <= this.vtableBytes ? this.source.buffer.readUint16(this.vtable + slot) : 0;
  }

  private spend(bytes: number): void {
    this.source.budget -= bytes;
    if (this.source.budget < 0) {
      throw invalidModel(
        `The model's ${this.where} is described by far more entries than the file has bytes.`,
      );
    }
  }
}

function requireInside(
  source: Source,
  position: number,
  size: number,
  alignment: number,
  where: string,
): void {
  if (position < 0 || position + size > source.length) {
    throw invalidModel(
      `The model's ${where} lies outside the file: bytes ${position} to ${position + size} of ${source.length}.`,
      "The file is cut off or damaged: copy or export it again and compare its size.",
    );
  }
  if (position % alignment !== 0) {
    throw invalidModel(`The model's ${where} at byte ${position} is not aligned to ${alignment} bytes.`);
  }
}
