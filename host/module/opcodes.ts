/**
 * The opcodes that Wamlet knows: core WebAssembly 1.0, sign extension, non-trapping conversion and bulk memory,
 * which is what AssemblyScript emits and WAMR runs. For each its immediates, its stack signature and the class
 * that it counts as. Opcodes behind the prefix 0xfc have the code 0xfc00 | sub-opcode.
 */
import type { OpcodeClass } from "./opcode_class.js";

export type ValueType = "i32" | "i64" | "f32" | "f64";

export type Immediate =
  | "none"
  | "blockType"
  | "label"
  | "labelTable"
  | "function"
  | "callIndirect"
  | "local"
  | "global"
  | "memoryArgument"
  | "memory"
  | "i32"
  | "i64"
  | "f32"
  | "f64"
  | "memoryInit"
  | "dataSegment"
  | "memoryCopy";

/** The proposal an opcode came with; the bits of `runtimeFeatures` that it requires. */
export type Extension = "core" | "signExtension" | "nontrappingConversion" | "bulkMemory";

export interface Opcode {
  readonly code: number;
  readonly name: string;
  readonly immediate: Immediate;
  readonly pops: readonly ValueType[];
  readonly pushes: readonly ValueType[];
  /** null where the class depends on the place (branches, locals) or nothing is executed. */
  readonly class: OpcodeClass | null;
  readonly extension: Extension;
}

/** Codes that the walkers treat by name. */
export const code = {
  unreachable: 0x00,
  nop: 0x01,
  block: 0x02,
  loop: 0x03,
  if: 0x04,
  else: 0x05,
  end: 0x0b,
  br: 0x0c,
  brIf: 0x0d,
  brTable: 0x0e,
  return: 0x0f,
  call: 0x10,
  callIndirect: 0x11,
  drop: 0x1a,
  select: 0x1b,
  localGet: 0x20,
  localSet: 0x21,
  localTee: 0x22,
  globalGet: 0x23,
  globalSet: 0x24,
  memorySize: 0x3f,
  memoryGrow: 0x40,
  i32Const: 0x41,
  i64Const: 0x42,
  f32Const: 0x43,
  f64Const: 0x44,
  i64ExtendI32U: 0xad,
  i64Add: 0x7c,
  i64Sub: 0x7d,
  i64LtS: 0x53,
  memoryInit: 0xfc08,
  dataDrop: 0xfc09,
  memoryCopy: 0xfc0a,
  memoryFill: 0xfc0b,
} as const;

const table = new Map<number, Opcode>();

/** `ii>i`: pops two i32, pushes one; i, l, f, d stand for i32, i64, f32, f64. */
function signature(text: string): { pops: ValueType[]; pushes: ValueType[] } {
  const letters: Readonly<Record<string, ValueType>> = { i: "i32", l: "i64", f: "f32", d: "f64" };
  const [pops = "", pushes = ""] = text.split(">");
  const types = (part: string) => [...part].map((letter) => letters[letter] as ValueType);
  return { pops: types(pops), pushes: types(pushes) };
}

/** Consecutive opcodes from `first`: names separated by blanks, of one signature, immediate and class. */
function define(
  first: number,
  names: string,
  stack = ">",
  opcodeClass: OpcodeClass | null = null,
  immediate: Immediate = "none",
  extension: Extension = "core",
): void {
  names.split(" ").forEach((name, index) => {
    const value = first + index;
    table.set(value, {
      code: value,
      name,
      immediate,
      ...signature(stack),
      class: opcodeClass,
      extension,
    });
  });
}

// Control. What these pop and push depends on their type; fast_interpreter.ts knows.
define(0x00, "unreachable nop");
define(0x02, "block loop if", ">", null, "blockType");
define(0x05, "else");
define(0x0b, "end");
define(0x0c, "br br_if", ">", null, "label");
define(0x0e, "br_table", ">", "branchTable", "labelTable");
define(0x0f, "return");
define(0x10, "call", ">", null, "function");
define(0x11, "call_indirect", ">", null, "callIndirect");
define(0x1a, "drop");
define(0x1b, "select", ">", "select");
define(0x20, "local.get local.set local.tee", ">", null, "local");
define(0x23, "global.get global.set", ">", "globalAccess", "global");

// Memory
define(0x28, "i32.load", "i>i", "load32", "memoryArgument");
define(0x29, "i64.load", "i>l", "load64", "memoryArgument");
define(0x2a, "f32.load", "i>f", "load32", "memoryArgument");
define(0x2b, "f64.load", "i>d", "load64", "memoryArgument");
define(0x2c, "i32.load8_s i32.load8_u", "i>i", "load8", "memoryArgument");
define(0x2e, "i32.load16_s i32.load16_u", "i>i", "load16", "memoryArgument");
define(0x30, "i64.load8_s i64.load8_u", "i>l", "load8", "memoryArgument");
define(0x32, "i64.load16_s i64.load16_u", "i>l", "load16", "memoryArgument");
define(0x34, "i64.load32_s i64.load32_u", "i>l", "load32", "memoryArgument");
define(0x36, "i32.store", "ii>", "store", "memoryArgument");
define(0x37, "i64.store", "il>", "store", "memoryArgument");
define(0x38, "f32.store", "if>", "store", "memoryArgument");
define(0x39, "f64.store", "id>", "store", "memoryArgument");
define(0x3a, "i32.store8 i32.store16", "ii>", "store", "memoryArgument");
define(0x3c, "i64.store8 i64.store16 i64.store32", "il>", "store", "memoryArgument");
define(0x3f, "memory.size", ">i", null, "memory");
define(0x40, "memory.grow", "i>i", null, "memory");

// Constants
define(0x41, "i32.const", ">i", null, "i32");
define(0x42, "i64.const", ">l", null, "i64");
define(0x43, "f32.const", ">f", null, "f32");
define(0x44, "f64.const", ">d", null, "f64");

// Comparisons
const integerComparisons = (type: string) =>
  ["eq", "ne", "lt_s", "lt_u", "gt_s", "gt_u", "le_s", "le_u", "ge_s", "ge_u"]
    .map((name) => `${type}.${name}`)
    .join(" ");
const floatComparisons = (type: string) =>
  ["eq", "ne", "lt", "gt", "le", "ge"].map((name) => `${type}.${name}`).join(" ");
define(0x45, "i32.eqz", "i>i", "compare");
define(0x46, integerComparisons("i32"), "ii>i", "compare");
define(0x50, "i64.eqz", "l>i", "compare");
define(0x51, integerComparisons("i64"), "ll>i", "compare");
define(0x5b, floatComparisons("f32"), "ff>i", "compare");
define(0x61, floatComparisons("f64"), "dd>i", "compare");

// Arithmetic
define(0x67, "i32.clz i32.ctz i32.popcnt", "i>i", "i32Arithmetic");
define(0x6a, "i32.add i32.sub i32.mul", "ii>i", "i32Arithmetic");
define(0x6d, "i32.div_s i32.div_u i32.rem_s i32.rem_u", "ii>i", "i32Division");
define(0x71, "i32.and i32.or i32.xor i32.shl i32.shr_s i32.shr_u i32.rotl i32.rotr", "ii>i", "i32Arithmetic");
define(0x79, "i64.clz i64.ctz i64.popcnt", "l>l", "i64Arithmetic");
define(0x7c, "i64.add i64.sub", "ll>l", "i64Arithmetic");
define(0x7e, "i64.mul", "ll>l", "i64Multiply");
define(0x7f, "i64.div_s i64.div_u i64.rem_s i64.rem_u", "ll>l", "i64Division");
define(0x83, "i64.and i64.or i64.xor i64.shl i64.shr_s i64.shr_u i64.rotl i64.rotr", "ll>l", "i64Arithmetic");
define(0x8b, "f32.abs f32.neg f32.ceil f32.floor f32.trunc f32.nearest f32.sqrt", "f>f", "f32Arithmetic");
define(0x92, "f32.add f32.sub f32.mul f32.div f32.min f32.max f32.copysign", "ff>f", "f32Arithmetic");
define(0x99, "f64.abs f64.neg f64.ceil f64.floor f64.trunc f64.nearest f64.sqrt", "d>d", "f64Arithmetic");
define(0xa0, "f64.add f64.sub f64.mul f64.div f64.min f64.max f64.copysign", "dd>d", "f64Arithmetic");

// Conversions
define(0xa7, "i32.wrap_i64", "l>i", "convert");
define(0xa8, "i32.trunc_f32_s i32.trunc_f32_u", "f>i", "convert");
define(0xaa, "i32.trunc_f64_s i32.trunc_f64_u", "d>i", "convert");
define(0xac, "i64.extend_i32_s i64.extend_i32_u", "i>l", "convert");
define(0xae, "i64.trunc_f32_s i64.trunc_f32_u", "f>l", "convert");
define(0xb0, "i64.trunc_f64_s i64.trunc_f64_u", "d>l", "convert");
define(0xb2, "f32.convert_i32_s f32.convert_i32_u", "i>f", "convert");
define(0xb4, "f32.convert_i64_s f32.convert_i64_u", "l>f", "convert");
define(0xb6, "f32.demote_f64", "d>f", "convert");
define(0xb7, "f64.convert_i32_s f64.convert_i32_u", "i>d", "convert");
define(0xb9, "f64.convert_i64_s f64.convert_i64_u", "l>d", "convert");
define(0xbb, "f64.promote_f32", "f>d", "convert");
define(0xbc, "i32.reinterpret_f32", "f>i", "convert");
define(0xbd, "i64.reinterpret_f64", "d>l", "convert");
define(0xbe, "f32.reinterpret_i32", "i>f", "convert");
define(0xbf, "f64.reinterpret_i64", "l>d", "convert");
define(0xc0, "i32.extend8_s i32.extend16_s", "i>i", "convert", "none", "signExtension");
define(0xc2, "i64.extend8_s i64.extend16_s i64.extend32_s", "l>l", "convert", "none", "signExtension");

// Prefix 0xfc
const saturating = "nontrappingConversion";
define(0xfc00, "i32.trunc_sat_f32_s i32.trunc_sat_f32_u", "f>i", "convert", "none", saturating);
define(0xfc02, "i32.trunc_sat_f64_s i32.trunc_sat_f64_u", "d>i", "convert", "none", saturating);
define(0xfc04, "i64.trunc_sat_f32_s i64.trunc_sat_f32_u", "f>l", "convert", "none", saturating);
define(0xfc06, "i64.trunc_sat_f64_s i64.trunc_sat_f64_u", "d>l", "convert", "none", saturating);
define(0xfc08, "memory.init", "iii>", "bulk", "memoryInit", "bulkMemory");
define(0xfc09, "data.drop", ">", "bulk", "dataSegment", "bulkMemory");
define(0xfc0a, "memory.copy", "iii>", "bulk", "memoryCopy", "bulkMemory");
define(0xfc0b, "memory.fill", "iii>", "bulk", "memory", "bulkMemory");

/** Every opcode by its code. */
export const opcodes: ReadonlyMap<number, Opcode> = table;
