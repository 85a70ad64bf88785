/**
 * A core WebAssembly module decoded as far as Wamlet needs it: types, imports, functions, memory, globals,
 * exports, data segments and function bodies, each with its place in the file.
 */
import { ByteReader, malformed } from "./byte_reader.js";
import { type FunctionBody, readBody, readValueType, unsupported } from "./code_reader.js";
import type { ValueType } from "./opcodes.js";
import { readSections, type Section, sectionId } from "./sections.js";

export interface FunctionType {
  readonly parameters: readonly ValueType[];
  readonly results: readonly ValueType[];
}

export interface ImportedFunction {
  readonly module: string;
  readonly name: string;
  readonly type: FunctionType;
}

export interface Global {
  readonly type: ValueType;
  readonly mutable: boolean;
  /** Value of an i32.const initialiser, null for any other. */
  readonly i32: number | null;
}

export type ExportKind = "function" | "table" | "memory" | "global";

export interface Export {
  readonly name: string;
  readonly kind: ExportKind;
  readonly index: number;
}

export interface DataSegment {
  readonly passive: boolean;
  /** Place of the first byte in the file. */
  readonly offset: number;
  readonly bytes: number;
}

export interface ModuleFunction extends FunctionBody {
  readonly type: FunctionType;
}

export interface CoreModule {
  readonly sections: readonly Section[];
  readonly types: readonly FunctionType[];
  readonly imports: readonly ImportedFunction[];
  /** Functions of the module itself; function index = imports + place here. */
  readonly functions: readonly ModuleFunction[];
  /** Pages of 64 KiB; null where there is no memory. */
  readonly memory: { readonly minimum: number; readonly maximum: number | null } | null;
  readonly globals: readonly Global[];
  readonly exports: readonly Export[];
  readonly data: readonly DataSegment[];
}

/**
 * Longest code section that is read. A board holds about twice the code's bytes in RAM, so no real module comes near;
 * a hostile file could otherwise make its analysis slow and large.
 */
export const codeLimit = 256 * 1024;

const exportKinds: readonly ExportKind[] = ["function", "table", "memory", "global"];

/**
 * Decodes a module.
 * @throws WamletError WAMLET_INVALID_MODULE where the bytes are malformed, WAMLET_UNSUPPORTED_MODULE where they
 *   use what Wamlet does not know
 */
export function readCoreModule(bytes: Uint8Array): CoreModule {
  const sections = readSections(bytes);
  const open = (id: number): ByteReader => {
    const found = sections.filter((section) => section.id === id);
    if (found.length > 1) throw malformed(found[1]?.offset ?? 0, `section ${id} occurs twice`);
    const section = found[0];
    if (section === undefined) return new ByteReader(bytes, 0, 0);
    return new ByteReader(bytes, section.bodyOffset, section.bodyOffset + section.body.length);
  };
  /** The items of a section that is a vector. */
  const items = <Item>(id: number, itemBytes: number, read: (reader: ByteReader) => Item): Item[] => {
    const reader = open(id);
    if (reader.done) return [];
    const all: Item[] = [];
    for (let count = reader.count(itemBytes); count > 0; count--) all.push(read(reader));
    reader.expectEnd();
    return all;
  };
  const types = items(sectionId.type, 3, readFunctionType);
  const typeAt = (reader: ByteReader): FunctionType => {
    const position = reader.position;
    const type = types[reader.u32()];
    if (type === undefined) throw malformed(position, "a type is named that does not exist");
    return type;
  };
  const imports = items(sectionId.import, 4, (reader) => {
    const module = reader.name();
    const name = reader.name();
    if (reader.u8() !== 0) throw unsupported(`the import ${module}.${name}, which is no function`);
    return { module, name, type: typeAt(reader) };
  });
  const functionTypes = items(sectionId.function, 1, typeAt);
  const codeBytes = open(sectionId.code).left;
  if (codeBytes > codeLimit) throw unsupported(`${codeBytes} bytes of code where ${codeLimit} are allowed`);
  const bodies = items(sectionId.code, 3, (reader) => readBody(reader.range(reader.u32())));
  if (bodies.length !== functionTypes.length) {
    throw malformed(0, `${functionTypes.length} functions are declared and ${bodies.length} defined`);
  }
  const memories = items(sectionId.memory, 2, readMemory);
  if (memories.length > 1) throw unsupported("more than one memory");
  return {
    sections,
    types,
    imports,
    functions: bodies.map((body, index) => ({ ...body, type: functionTypes[index] as FunctionType })),
    memory: memories[0] ?? null,
    globals: items(sectionId.global, 4, readGlobal),
    exports: items(sectionId.export, 3, (reader) => {
      const name = reader.name();
      const position = reader.position;
      const kind = exportKinds[reader.u8()];
      if (kind === undefined) throw unsupported(`an export of unknown kind at byte ${position}`);
      return { name, kind, index: reader.u32() };
    }),
    data: items(sectionId.data, 2, readDataSegment),
  };
}

function readFunctionType(reader: ByteReader): FunctionType {
  const position = reader.position;
  if (reader.u8() !== 0x60) throw unsupported(`a type that is no function type at byte ${position}`);
  const list = (): ValueType[] => {
    const all: ValueType[] = [];
    for (let count = reader.count(); count > 0; count--) all.push(readValueType(reader));
    return all;
  };
  const parameters = list();
  const results = list();
  if (results.length > 1) throw unsupported("a function with several results (multi-value)");
  return { parameters, results };
}

function readMemory(reader: ByteReader): { minimum: number; maximum: number | null } {
  const flags = reader.u8();
  if (flags > 1) throw unsupported("a shared or 64-bit memory");
  const minimum = reader.u32();
  return { minimum, maximum: flags === 1 ? reader.u32() : null };
}

function readGlobal(reader: ByteReader): Global {
  const type = readValueType(reader);
  const mutable = reader.u8() === 1;
  const value = readInitialiser(reader);
  return { type, mutable, i32: type === "i32" ? value : null };
}

/** A constant expression of one constant; its value where it is an i32. */
function readInitialiser(reader: ByteReader): number | null {
  const position = reader.position;
  let value: number | null = null;
  switch (reader.u8()) {
    case 0x41:
      value = reader.s32();
      break;
    case 0x42:
      reader.s64();
      break;
    case 0x43:
      reader.take(4);
      break;
    case 0x44:
      reader.take(8);
      break;
    case 0x23:
      reader.u32();
      break;
    default:
      throw unsupported(`an initialiser that is no constant at byte ${position}`);
  }
  if (reader.u8() !== 0x0b) throw unsupported(`an initialiser of several instructions at byte ${position}`);
  return value;
}

function readDataSegment(reader: ByteReader): DataSegment {
  const position = reader.position;
  const flags = reader.u32();
  if (flags > 2) throw malformed(position, "a data segment of unknown kind");
  if (flags === 2) reader.u32();
  if (flags !== 1) readInitialiser(reader);
  const bytes = reader.u32();
  const offset = reader.position;
  reader.take(bytes);
  return { passive: flags === 1, offset, bytes };
}
