/**
 * Classes of opcodes that cost alike: the keys of a board's cost table. A class stands for opcodes *as WAMR's
 * fast interpreter executes them* (fast_interpreter.ts), not as they stand in the file: `local.get` and
 * constants are none, a `local.tee` is one `copy`, a taken and a not taken `br_if` are two classes.
 */

export const opcodeClasses = [
  /** i32 add, sub, mul, and, or, xor, shifts, rotations, clz, ctz, popcnt. */
  "i32Arithmetic",
  /** The same in i64, without the multiplication. */
  "i64Arithmetic",
  "i64Multiply",
  /** i32 div and rem. */
  "i32Division",
  /** i64 div and rem. */
  "i64Division",
  "f32Arithmetic",
  "f64Arithmetic",
  /** Every comparison and eqz, of every type. */
  "compare",
  "select",
  /** wrap, extend, trunc, convert, demote, promote, reinterpret. */
  "convert",
  "load8",
  "load16",
  /** i32.load, f32.load, i64.load32. */
  "load32",
  /** i64.load, f64.load. */
  "load64",
  "store",
  /** local.tee, a local.set that is no fold, and the copies that the loader adds around blocks. */
  "copy",
  /** global.get and global.set. */
  "globalAccess",
  /** br, taken br_if, `if` to its else, the jump at the end of a then branch. */
  "branchTaken",
  /** br_if that falls through, `if` into its then branch. */
  "branchNotTaken",
  "branchTable",
  /** A call of a function of the module, its return included: the return is no class of its own. */
  "call",
  /** A call of `wamlet.layer` in a profiling build. */
  "importCall",
  /** memory.init, memory.copy, memory.fill: priced by call and byte, so a cost table has no entry for them. */
  "bulk",
] as const;

export type OpcodeClass = (typeof opcodeClasses)[number];

/** Place of a class in `opcodeClasses`, for arrays of counts. */
export const opcodeClassIndex: Readonly<Record<OpcodeClass, number>> = Object.fromEntries(
  opcodeClasses.map((name, index) => [name, index]),
) as Record<OpcodeClass, number>;
