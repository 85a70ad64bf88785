/**
 * The header of an NPY file, versions 1 to 3: magic, version, length, and a Python dictionary literal of
 * three keys (numpy.lib.format in NumPy's manual). Only that literal is understood; nothing is evaluated.
 */

import type { ElementType } from "../element_type.js";
import { WamletError } from "../errors.js";
import type { FileSource } from "./file_source.js";

/** An element type of the file. */
export interface NpyType {
  /** As in the header, without byte order: `f4`. */
  readonly code: string;
  readonly bytes: number;
  /** The tensor type with the same elements; null where no tensor has it. */
  readonly element: ElementType | null;
  /** The element at a byte offset, as a number. */
  readonly read: (view: DataView, offset: number, littleEndian: boolean) => number;
}

export interface NpyHeader {
  readonly type: NpyType;
  readonly littleEndian: boolean;
  /** Outermost dimension first; the empty shape is one element. */
  readonly shape: readonly number[];
  /** Where the elements begin. */
  readonly dataOffset: number;
}

/** The first bytes of every NPY file. */
export const npyMagic: readonly number[] = [0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59];

const types: readonly NpyType[] = [
  { code: "b1", bytes: 1, element: "bool", read: (view, offset) => view.getUint8(offset) },
  { code: "i1", bytes: 1, element: "int8", read: (view, offset) => view.getInt8(offset) },
  { code: "u1", bytes: 1, element: "uint8", read: (view, offset) => view.getUint8(offset) },
  { code: "i2", bytes: 2, element: "int16", read: (view, offset, little) => view.getInt16(offset, little) },
  { code: "u2", bytes: 2, element: null, read: (view, offset, little) => view.getUint16(offset, little) },
  { code: "i4", bytes: 4, element: "int32", read: (view, offset, little) => view.getInt32(offset, little) },
  { code: "u4", bytes: 4, element: null, read: (view, offset, little) => view.getUint32(offset, little) },
  {
    code: "i8",
    bytes: 8,
    element: "int64",
    read: (view, offset, little) => Number(view.getBigInt64(offset, little)),
  },
  {
    code: "f4",
    bytes: 4,
    element: "float32",
    read: (view, offset, little) => view.getFloat32(offset, little),
  },
  { code: "f8", bytes: 8, element: null, read: (view, offset, little) => view.getFloat64(offset, little) },
];

/** NumPy itself refuses headers beyond 10 000 characters. */
const longestHeader = 1 << 16;

/** NumPy's limit is 64 since version 2. */
const mostDimensions = 64;

/**
 * Reads and checks the header; the file must hold exactly the elements that it announces.
 * @throws WamletError WAMLET_INVALID_FRAMES
 */
export function readNpyHeader(source: FileSource): NpyHeader {
  const refuse = (what: string, hint = "Write the file anew with numpy.save.") =>
    new WamletError("WAMLET_INVALID_FRAMES", `${source.name} is no readable NPY file: ${what}.`, hint);

  if (source.size < 10) throw refuse(`it has ${source.size} bytes`);
  const start = source.read(0, Math.min(12, source.size));
  if (npyMagic.some((byte, index) => start[index] !== byte))
    throw refuse("it does not begin with \\x93NUMPY");
  const view = new DataView(start.buffer, start.byteOffset, start.byteLength);
  const version = view.getUint8(6);
  if (version < 1 || version > 3) throw refuse(`its version is ${version}, known are 1 to 3`);
  if (version > 1 && start.length < 12) throw refuse("its header is cut off");
  const headerOffset = version === 1 ? 10 : 12;
  const headerBytes = version === 1 ? view.getUint16(8, true) : view.getUint32(8, true);
  if (headerBytes > longestHeader) throw refuse(`its header claims ${headerBytes} bytes`);
  const dataOffset = headerOffset + headerBytes;
  if (dataOffset > source.size) throw refuse("its header is cut off");

  const literal = new TextDecoder(version === 3 ? "utf-8" : "latin1").decode(
    source.read(headerOffset, headerBytes),
  );
  const header = parseLiteral(literal, refuse);
  const order = header.descriptor.charAt(0);
  const code = header.descriptor.slice(1);
  const type = types.find((candidate) => candidate.code === code);
  if (type === undefined || !(order === "<" || order === ">" || (order === "|" && type.bytes === 1))) {
    throw refuse(
      `its element type is '${header.descriptor}', known are ${types.map(({ code }) => code).join(", ")}`,
      "Convert it, for instance with array.astype(numpy.float32).",
    );
  }
  // With at most one dimension longer than 1, both orders are the same bytes.
  if (header.fortranOrder && header.shape.filter((length) => length > 1).length > 1) {
    throw refuse("it is in Fortran order", "Save numpy.ascontiguousarray(array).");
  }
  const elements = header.shape.reduce((product, length) => product * length, 1);
  const wanted = elements * type.bytes;
  const found = source.size - dataOffset;
  if (wanted !== found) {
    throw refuse(`shape [${header.shape.join(", ")}] of ${code} needs ${wanted} bytes, it holds ${found}`);
  }
  return { type, littleEndian: order !== ">", shape: header.shape, dataOffset };
}

interface Literal {
  readonly descriptor: string;
  readonly fortranOrder: boolean;
  readonly shape: readonly number[];
}

/** `{'descr': '<f4', 'fortran_order': False, 'shape': (360, 8, 8, 1), }`, keys in any order. */
function parseLiteral(text: string, refuse: (what: string) => WamletError): Literal {
  let position = 0;
  const take = (pattern: RegExp): RegExpExecArray | null => {
    pattern.lastIndex = position;
    const match = pattern.exec(text);
    if (match !== null) position = pattern.lastIndex;
    return match;
  };
  const need = (pattern: RegExp, what: string): RegExpExecArray => {
    const match = take(pattern);
    if (match === null) throw refuse(`its header lacks ${what}`);
    return match;
  };

  let descriptor: string | null = null;
  let fortranOrder: boolean | null = null;
  let shape: number[] | null = null;
  need(/\s*\{/y, "the opening brace");
  while (take(/\s*\}\s*$/y) === null) {
    const key = need(/\s*['"](\w+)['"]\s*:\s*/y, "a key")[1];
    if (key === "descr") descriptor = need(/['"]([^'"]*)['"]/y, "a plain element type")[1] ?? "";
    else if (key === "fortran_order") fortranOrder = need(/(True|False)/y, "the order")[1] === "True";
    else if (key === "shape") shape = dimensions(need(/\(([\d\s,L]*)\)/y, "the shape")[1] ?? "", refuse);
    else throw refuse(`its header has the key '${key ?? ""}'`);
    if (take(/\s*,/y) === null) {
      need(/\s*\}\s*$/y, "the closing brace");
      break;
    }
  }
  if (descriptor === null || fortranOrder === null || shape === null) {
    throw refuse("its header lacks descr, fortran_order or shape");
  }
  return { descriptor, fortranOrder, shape };
}

function dimensions(text: string, refuse: (what: string) => WamletError): number[] {
  const parts = text.split(",").map((part) => part.trim());
  if (parts.at(-1) === "") parts.pop();
  if (parts.length > mostDimensions) throw refuse(`it has ${parts.length} dimensions`);
  return parts.map((part) => {
    // Python 2 wrote long integers as 8L.
    const length = /^\d{1,15}L?$/.test(part) ? Number.parseInt(part, 10) : null;
    if (length === null) throw refuse(`'${part}' is no dimension`);
    return length;
  });
}
