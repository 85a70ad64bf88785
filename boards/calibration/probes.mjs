/**
 * The micro-benchmarks of `npm run calibrate`: for each class of opcodes a few bodies, of which more or fewer copies
 * stand in a loop. Operands are locals and constants, which cost nothing in WAMR's fast interpreter, and a result goes
 * to a local that nobody reads, which folds into most opcodes. What else a body executes is counted by the host and
 * taken off at its own price, so a class comes after those that its bodies use.
 */

/** Locals of every probe; `$w` and `$l` take results of 32 and 64 bits. */
export const locals = {
  $x: ["i32", 1_234_567],
  $y: ["i32", 89],
  $one: ["i32", 1],
  $zero: ["i32", 0],
  // Addresses inside linear memory, aligned to 8.
  $from: ["i32", 64],
  $to: ["i32", 2048],
  $w: ["i32", 0],
  $p: ["i64", 123_456_789_012n],
  $q: ["i64", 3_456n],
  $l: ["i64", 0n],
  $f: ["f32", 1.5],
  $g: ["f32", 2.25],
  $h: ["f32", -0.0031],
  $r: ["f32", 0],
  $d: ["f64", 1.5],
  $e: ["f64", -0.0031],
  $s: ["f64", 0],
};

const each = (opcodes, body) => opcodes.map(body);
const i32 = (opcode) => `(local.set $w (${opcode} (local.get $x) (local.get $y)))`;
const i64 = (opcode) => `(local.set $l (${opcode} (local.get $p) (local.get $q)))`;
const test64 = (opcode) => `(local.set $w (${opcode} (local.get $p) (local.get $q)))`;
const load = (opcode, into) => `(local.set ${into} (${opcode} (local.get $from)))`;
const store = (opcode, what) => `(${opcode} (local.get $to) (local.get ${what}))`;

/** The price of a class is the mean of its bodies'. */
export const opcodeProbes = {
  copy: ["(local.set $w (local.get $x))", "(local.set $w (i32.const 5))"],
  i32Arithmetic: each(
    ["i32.add", "i32.sub", "i32.mul", "i32.and", "i32.or", "i32.xor", "i32.shl", "i32.shr_s", "i32.shr_u"],
    i32,
  ),
  i64Arithmetic: each(
    ["i64.add", "i64.sub", "i64.and", "i64.or", "i64.xor", "i64.shl", "i64.shr_s", "i64.shr_u"],
    i64,
  ),
  i64Multiply: each(["i64.mul"], i64),
  i32Division: each(["i32.div_s", "i32.div_u", "i32.rem_s", "i32.rem_u"], i32),
  i64Division: each(["i64.div_s", "i64.div_u", "i64.rem_s", "i64.rem_u"], i64),
  // With soft float it depends on the operands: two pairs.
  f32Arithmetic: ["f32.add", "f32.sub", "f32.mul"].flatMap((opcode) => [
    `(local.set $r (${opcode} (local.get $f) (local.get $g)))`,
    `(local.set $r (${opcode} (local.get $f) (local.get $h)))`,
  ]),
  f64Arithmetic: each(
    ["f64.add", "f64.sub", "f64.mul"],
    (opcode) => `(local.set $s (${opcode} (local.get $d) (local.get $e)))`,
  ),
  compare: [
    ...each(["i32.eq", "i32.ne", "i32.lt_s", "i32.lt_u", "i32.gt_s", "i32.le_s", "i32.ge_s"], i32),
    ...each(["i64.lt_s", "i64.gt_s"], test64),
    "(local.set $w (i32.eqz (local.get $x)))",
  ],
  select: ["(local.set $w (select (local.get $x) (local.get $y) (local.get $one)))"],
  convert: [
    "(local.set $l (i64.extend_i32_s (local.get $x)))",
    "(local.set $l (i64.extend_i32_u (local.get $x)))",
    "(local.set $w (i32.wrap_i64 (local.get $p)))",
    "(local.set $w (i32.extend8_s (local.get $x)))",
    "(local.set $w (i32.extend16_s (local.get $x)))",
  ],
  load8: [load("i32.load8_s", "$w"), load("i32.load8_u", "$w")],
  load16: [load("i32.load16_s", "$w"), load("i32.load16_u", "$w")],
  load32: [load("i32.load", "$w")],
  load64: [load("i64.load", "$l")],
  store: [
    store("i32.store8", "$x"),
    store("i32.store16", "$x"),
    store("i32.store", "$x"),
    store("i64.store", "$p"),
  ],
  globalAccess: ["(global.set $state (global.get $state))"],
  branchNotTaken: ["(block $out (br_if $out (local.get $zero)))"],
  branchTaken: ["(block $out (br_if $out (local.get $one)))"],
  branchTable: ["(block $out (block $in (br_table $in $out (local.get $one))))"],
  call: ["(local.set $w (call $callee (local.get $x) (local.get $y)))"],
  importCall: ["(call $layer (i32.const 0))"],
};

/** Bytes moved in one call; between the two lies the price of a byte, what is left is that of the call. */
export const moveLengths = [64, 1024];

export const moveProbes = {
  memoryInit: (bytes) => `(memory.init $weights (local.get $to) (i32.const 0) (i32.const ${bytes}))`,
  memoryCopy: (bytes) => `(memory.copy (local.get $to) (local.get $from) (i32.const ${bytes}))`,
};

/** What stands in a table beside its figures. */
export const notes = {
  i32Division: "one pair of operands, 1234567 and 89",
  i64Division: "one pair of operands, 123456789012 and 3456",
  convert: "integer conversions; those of floats cost as f32Arithmetic",
  branchTaken: "br_if, as loops have it; br is cheaper",
  call: "with two parameters and one result; its return included",
  importCall: "wamlet.layer, two readings of the counter included",
  memoryInit: "aligned to 4 on both sides",
  memoryCopy: "aligned to 4 on both sides",
  hostCall: "of an infer that only returns, from the agent's reading of the counter to the next",
};
