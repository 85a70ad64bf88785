/**
 * How a record of fields is described: one table gives the types, the encoder, the decoder and the check
 * of docs/PROTOCOL.md. A field that holds its default (0, false, "", no bytes, no entries) is left out.
 */
import { WamletError } from "../errors.js";
import { type Field, FieldWriter, fieldInteger, fieldText, readFields } from "../module/tlv.js";

/** One field: its tag and how its value becomes bytes and back. */
export interface FieldType<Value> {
  readonly tag: number;
  /** As docs/PROTOCOL.md names it: `integer`, `text`… */
  readonly kind: string;
  readonly meaning: string;
  /** Of records: their fields. */
  readonly record?: RecordType;
  /** Of every occurrence of the tag, in their order; none gives the default. */
  read(found: readonly Field[]): Value;
  // A method, so that a table may hold fields of all types: each is only given values that it read or declared.
  write(writer: FieldWriter, value: Value): void;
}

/** A record's fields by name. */
export type RecordType = Readonly<Record<string, FieldType<unknown>>>;

/** The TypeScript type that a table of fields describes. */
export type RecordOf<Fields extends RecordType> = {
  readonly [Name in keyof Fields]: Fields[Name] extends FieldType<infer Value> ? Value : never;
};

/** An unsigned integer below 2⁵³; absent is 0. */
export function integer(tag: number, meaning: string): FieldType<number> {
  return {
    tag,
    kind: "integer",
    meaning,
    read: (found) => last(found, fieldInteger, 0),
    write: (writer, value) => value !== 0 && writer.integer(tag, value),
  };
}

/** True or false, the integer 1 or 0; absent is false. */
export function flag(tag: number, meaning: string): FieldType<boolean> {
  return {
    tag,
    kind: "flag",
    meaning,
    read: (found) => last(found, fieldInteger, 0) !== 0,
    write: (writer, value) => value && writer.integer(tag, 1),
  };
}

/** One of a few names, sent as its index; absent is the first. */
export function choice<const Name extends string>(
  tag: number,
  names: readonly Name[],
  meaning: string,
): FieldType<Name> {
  return {
    tag,
    kind: `choice of ${names.map((name, index) => `${index} ${name}`).join(", ")}`,
    meaning,
    read: (found) => {
      const index = last(found, fieldInteger, 0);
      const name = names[index];
      if (name === undefined) throw malformed(`field ${tag} is ${index}, which names nothing`);
      return name;
    },
    write: (writer, value) => value !== names[0] && writer.integer(tag, names.indexOf(value)),
  };
}

/** UTF-8; absent is empty. */
export function text(tag: number, meaning: string): FieldType<string> {
  return {
    tag,
    kind: "text",
    meaning,
    read: (found) => last(found, fieldText, ""),
    write: (writer, value) => value !== "" && writer.text(tag, value),
  };
}

/** Raw bytes, a view into the message; absent is empty. */
export function bytes(tag: number, meaning: string): FieldType<Uint8Array> {
  return {
    tag,
    kind: "bytes",
    meaning,
    read: (found) => last(found, (field) => field.value, empty),
    write: (writer, value) => value.length > 0 && writer.bytes(tag, value),
  };
}

/** Unsigned LEB128 integers, packed one after another; absent is none. */
export function integers(tag: number, meaning: string): FieldType<readonly number[]> {
  return {
    tag,
    kind: "integers",
    meaning,
    read: (found) => last(found, (field) => unpack(field.value), []),
    write: (writer, value) => value.length > 0 && writer.bytes(tag, pack(value)),
  };
}

/** Records, one field each, in order; absent is none. */
export function records<Fields extends RecordType>(
  tag: number,
  fields: Fields,
  meaning: string,
): FieldType<readonly RecordOf<Fields>[]> {
  return {
    tag,
    kind: "records",
    meaning,
    record: fields,
    read: (found) => found.map((field) => decodeRecord(fields, field.value)),
    write: (writer, value) => {
      for (const record of value) writer.bytes(tag, encodeRecord(fields, record));
    },
  };
}

/** A record's bytes, its fields in the order of the table. */
export function encodeRecord<Fields extends RecordType>(
  fields: Fields,
  record: RecordOf<Fields>,
): Uint8Array {
  const writer = new FieldWriter();
  for (const [name, field] of Object.entries(fields)) field.write(writer, record[name]);
  return writer.finish();
}

/**
 * The record in these bytes; tags that the table does not name are skipped.
 * @throws WamletError WAMLET_INVALID_PACKET
 */
export function decodeRecord<Fields extends RecordType>(fields: Fields, value: Uint8Array): RecordOf<Fields> {
  const found = readFields(value);
  const entries = Object.entries(fields).map(([name, field]) => [
    name,
    field.read(found.filter(({ tag }) => tag === field.tag)),
  ]);
  return Object.fromEntries(entries) as RecordOf<Fields>;
}

/** Packs non-negative integers below 2⁵³ as unsigned LEB128. */
export function pack(values: readonly number[]): Uint8Array {
  const packed: number[] = [];
  for (const value of values) {
    let rest = value;
    for (; rest > 0x7f; rest = Math.floor(rest / 128)) packed.push((rest % 128) | 0x80);
    packed.push(rest);
  }
  return Uint8Array.from(packed);
}

/** @throws WamletError WAMLET_INVALID_PACKET where the last integer is cut off or exceeds 2⁵³ − 1 */
export function unpack(packed: Uint8Array): number[] {
  const values: number[] = [];
  let value = 0;
  let factor = 1;
  for (const byte of packed) {
    value += (byte & 0x7f) * factor;
    if (value > Number.MAX_SAFE_INTEGER || factor > 2 ** 49) throw malformed("a packed integer is too large");
    if (byte > 0x7f) {
      factor *= 128;
      continue;
    }
    values.push(value);
    value = 0;
    factor = 1;
  }
  if (factor !== 1) throw malformed("the last packed integer is cut off");
  return values;
}

const empty = new Uint8Array(0);

function last<Value>(found: readonly Field[], read: (field: Field) => Value, absent: Value): Value {
  const field = found[found.length - 1];
  return field === undefined ? absent : read(field);
}

function malformed(what: string): WamletError {
  return new WamletError(
    "WAMLET_INVALID_PACKET",
    `Malformed message: ${what}.`,
    "The sender speaks another protocol version; update both sides to the same release.",
  );
}
