/**
 * Walks a function body into instructions. The body must come from a module that `WebAssembly.validate`
 * accepts (abi.ts sees to it); what Wamlet does not know is refused by name all the same.
 */
import { WamletError } from "../errors.js";
import { type ByteReader, malformed } from "./byte_reader.js";
import { type Immediate, type Opcode, opcodes, type ValueType } from "./opcodes.js";

export interface Instruction {
  readonly opcode: Opcode;
  /** Place of the first byte and of the first byte behind, in the file. */
  readonly start: number;
  readonly end: number;
  /** Index of a local, global, function, label or segment; else 0. */
  readonly index: number;
  /** The bits of a constant; null for other opcodes. */
  readonly constant: bigint | null;
  /** Labels of a br_table, the default last; empty for other opcodes. */
  readonly labels: readonly number[];
  /** Result of a block, loop or if; null where it has none. */
  readonly result: ValueType | null;
}

export interface LocalGroup {
  readonly count: number;
  readonly type: ValueType;
}

export interface FunctionBody {
  /** Place of the body (its local declarations) in the file, and of the byte behind it. */
  readonly start: number;
  readonly end: number;
  readonly localGroups: readonly LocalGroup[];
  /** Types of the locals, without the parameters. */
  readonly locals: readonly ValueType[];
  readonly instructions: readonly Instruction[];
}

/** WAMR addresses locals and stack slots by 16-bit offsets; more locals cannot run. */
const mostLocals = 32767;

const valueTypes: ReadonlyMap<number, ValueType> = new Map([
  [0x7f, "i32"],
  [0x7e, "i64"],
  [0x7d, "f32"],
  [0x7c, "f64"],
]);

const noLabels: readonly number[] = [];

/** A value type; references and vectors are refused. */
export function readValueType(reader: ByteReader): ValueType {
  const position = reader.position;
  const byte = reader.u8();
  const type = valueTypes.get(byte);
  if (type === undefined) throw unsupported(`the value type 0x${byte.toString(16)} at byte ${position}`);
  return type;
}

/**
 * Reads one function body: its locals, then its instructions up to the last `end`.
 * @param reader stands on the local declarations and ends with the body
 * @throws WamletError WAMLET_INVALID_MODULE, WAMLET_UNSUPPORTED_MODULE
 */
export function readBody(reader: ByteReader): FunctionBody {
  const start = reader.position;
  const localGroups: LocalGroup[] = [];
  const locals: ValueType[] = [];
  for (let groups = reader.count(2); groups > 0; groups--) {
    const count = reader.u32();
    const type = readValueType(reader);
    if (locals.length + count > mostLocals)
      throw unsupported(`a function with more than ${mostLocals} locals`);
    localGroups.push({ count, type });
    for (let index = 0; index < count; index++) locals.push(type);
  }
  const instructions: Instruction[] = [];
  while (!reader.done) instructions.push(readInstruction(reader));
  return { start, end: reader.position, localGroups, locals, instructions };
}

function readInstruction(reader: ByteReader): Instruction {
  const start = reader.position;
  let value = reader.u8();
  if (value === 0xfc) {
    const sub = reader.u32();
    if (sub > 0xff) throw unsupported(`the opcode 0xfc ${sub} at byte ${start}`);
    value = 0xfc00 | sub;
  }
  const opcode = opcodes.get(value);
  if (opcode === undefined) throw unsupported(`the opcode 0x${value.toString(16)} at byte ${start}`);
  let index = 0;
  let labels = noLabels;
  let result: ValueType | null = null;
  let constant: bigint | null = null;
  if (opcode.immediate === "labelTable") {
    const all: number[] = [];
    for (let count = reader.count(); count >= 0; count--) all.push(reader.u32());
    labels = all;
  } else if (opcode.immediate === "blockType") {
    result = readBlockType(reader);
  } else if (opcode.pops.length === 0 && opcode.class === null && opcode.pushes.length === 1) {
    constant = readConstant(reader, opcode.immediate);
  } else {
    index = readIndex(reader, opcode.immediate);
  }
  return { opcode, start, end: reader.position, index, constant, labels, result };
}

function readBlockType(reader: ByteReader): ValueType | null {
  const position = reader.position;
  const byte = reader.bytes[position];
  if (byte === 0x40) {
    reader.u8();
    return null;
  }
  if (byte !== undefined && (byte & 0xc0) !== 0x40) {
    throw unsupported(`a block with a function type (multi-value) at byte ${position}`);
  }
  return readValueType(reader);
}

function readIndex(reader: ByteReader, immediate: Immediate): number {
  switch (immediate) {
    case "none":
    case "blockType":
    case "labelTable":
      return 0;
    case "label":
    case "function":
    case "local":
    case "global":
    case "dataSegment":
      return reader.u32();
    case "memory":
      return memoryZero(reader);
    case "callIndirect": {
      const type = reader.u32();
      reader.u32();
      return type;
    }
    case "memoryArgument": {
      const position = reader.position;
      const alignment = reader.u32();
      if (alignment > 3) throw unsupported(`a memory access other than to memory 0 at byte ${position}`);
      reader.u32();
      return 0;
    }
    case "memoryInit": {
      const segment = reader.u32();
      memoryZero(reader);
      return segment;
    }
    case "memoryCopy":
      memoryZero(reader);
      return memoryZero(reader);
    case "i32":
    case "i64":
    case "f32":
    case "f64":
      throw malformed(reader.position, "a constant stands where an index belongs");
  }
}

function readConstant(reader: ByteReader, immediate: Immediate): bigint | null {
  switch (immediate) {
    case "i32":
      return BigInt.asUintN(32, BigInt(reader.s32()));
    case "i64":
      return BigInt.asUintN(64, reader.s64());
    case "f32":
    case "f64": {
      const bytes = reader.take(immediate === "f32" ? 4 : 8);
      return bytes.reduceRight((bits, byte) => (bits << 8n) | BigInt(byte), 0n);
    }
    default:
      readIndex(reader, immediate);
      return null;
  }
}

function memoryZero(reader: ByteReader): number {
  const position = reader.position;
  if (reader.u32() !== 0) throw malformed(position, "a memory other than memory 0 is named");
  return 0;
}

/** The typed error for WebAssembly that is beyond the module ABI. */
export function unsupported(what: string): WamletError {
  return new WamletError(
    "WAMLET_UNSUPPORTED_MODULE",
    `The module uses ${what}, which a Wamlet module may not.`,
    "Build it with `wamlet compile`; docs/MODULE.md, chapter ABI, says what a module may use.",
  );
}
