import { describe, expect, it } from "vitest";
import {
  collectCounts,
  type ExecutionCounts,
  noCounts,
  subtractCounts,
} from "../../host/module/execution_counts.js";
import { type InstrumentedModule, instrumentForCounting } from "../../host/module/instrument.js";
import { opcodeClasses } from "../../host/module/opcode_class.js";
import { type WasmExports, type WasmMemory, webAssembly } from "../../host/module/webassembly.js";
import { abiModule } from "./build_module.js";
import { interpret } from "./interpreter.js";
import { randomModule } from "./random_module.js";

interface Run {
  readonly result: unknown;
  readonly memory: Uint8Array;
  readonly exports: WasmExports;
}

function run(wasm: Uint8Array, layer: (index: number) => void = () => {}): Run {
  const { exports } = instantiate(wasm, layer);
  const result = infer(exports);
  return { result, memory: new Uint8Array((exports.memory as WasmMemory).buffer), exports };
}

function instantiate(wasm: Uint8Array, layer: (index: number) => void = () => {}) {
  return new webAssembly.Instance(new webAssembly.Module(wasm), {
    wamlet: { layer: (index) => layer(index ?? 0) },
  });
}

const infer = (exports: WasmExports): unknown => (exports.infer as () => unknown)();

function counted(
  wasm: Uint8Array,
  module: InstrumentedModule = instrumentForCounting(wasm, { fuel: false }),
) {
  const { exports } = run(module.wasm);
  return collectCounts(exports, module.plan);
}

/** Classes with a count, as a plain object. */
function classesOf(counts: ExecutionCounts): Record<string, number> {
  return Object.fromEntries(
    opcodeClasses.flatMap((name) => (counts.classes[name] === 0 ? [] : [[name, counts.classes[name]]])),
  );
}

/**
 * Where the first slot of the stack was in use before, WAMR copies a function's result into it: it never gives the
 * first slot back, so the result lies in the second.
 */
const resultCopy = 1;

describe("counting by hand", () => {
  it("counts a do-while loop: body times iterations, one branch not taken", () => {
    const counts = counted(
      abiModule(`(func (export "infer") (result i32) (local $i i32) (local $sum i32)
        (loop $again
          (local.set $sum (i32.add (local.get $sum) (i32.load8_s (local.get $i))))
          (local.set $i (i32.add (local.get $i) (i32.const 1)))
          (br_if $again (i32.lt_s (local.get $i) (i32.const 10))))
        (local.get $sum))`),
    );
    // The result is a local, which is copied into the function's result slot.
    expect(classesOf(counts)).toEqual({
      i32Arithmetic: 20,
      compare: 10,
      load8: 10,
      copy: 1,
      branchTaken: 9,
      branchNotTaken: 1,
    });
    expect(counts.opcodes).toBe(51);
  });

  it("counts a for loop as AssemblyScript writes it with one counter a turn", () => {
    const module = instrumentForCounting(
      abiModule(`(func (export "infer") (result i32) (local $i i32)
        (loop $again
          (if (i32.lt_s (local.get $i) (i32.const 5))
            (then (local.set $i (i32.add (local.get $i) (i32.const 1))) (br $again))))
        (i32.const 0))`),
      { fuel: false },
    );
    expect(classesOf(counted(new Uint8Array(), module))).toEqual({
      compare: 6,
      i32Arithmetic: 5,
      branchNotTaken: 5,
      // Five jumps back, and the last comparison's jump over the then branch.
      branchTaken: 6,
      copy: 1,
    });
    expect(module.plan.counters).toHaveLength(2);
  });

  it("counts the jump at the end of a then branch, with and without an else", () => {
    const text = (condition: number) =>
      abiModule(`(func (export "infer") (result i32) (local $x i32)
        (if (i32.eqz (i32.const ${condition})) (then (local.set $x (i32.const 1))))
        (if (i32.eqz (i32.const ${condition}))
          (then (local.set $x (i32.const 2))) (else (local.set $x (i32.const 3))))
        (i32.mul (local.get $x) (local.get $x)))`);
    expect(classesOf(counted(text(0)))).toEqual({
      compare: 2,
      branchNotTaken: 2,
      branchTaken: 2,
      copy: 2 + resultCopy,
      i32Arithmetic: 1,
    });
    expect(classesOf(counted(text(1)))).toEqual({
      compare: 2,
      branchTaken: 2,
      copy: 1 + resultCopy,
      i32Arithmetic: 1,
    });
  });

  it("counts a br_table as one opcode wherever it leads", () => {
    const text = (index: number) =>
      abiModule(`(func (export "infer") (result i32) (local $x i32)
        (block $default (block $one (block $zero
          (br_table $zero $one $default (i32.add (i32.const 0) (i32.const ${index}))))
          (local.set $x (i32.add (local.get $x) (i32.const 1))))
        (local.set $x (i32.sub (local.get $x) (i32.const 1))))
        (i32.mul (local.get $x) (local.get $x)))`);
    const arithmetic = [4, 3, 2, 2].map((count) => ({
      i32Arithmetic: count,
      branchTable: 1,
      copy: resultCopy,
    }));
    expect([0, 1, 2, 9].map((index) => classesOf(counted(text(index))))).toEqual(arithmetic);
  });

  it("counts calls, and what the called function executes each time", () => {
    const counts = counted(
      abiModule(`
        (func $square (param $x i32) (result i32) (i32.mul (local.get $x) (local.get $x)))
        (func (export "infer") (result i32)
          (i32.add (call $square (i32.const 3)) (call $square (i32.const 4))))`),
    );
    expect(classesOf(counts)).toEqual({ i32Arithmetic: 3, call: 2, copy: resultCopy });
  });

  it("counts calls and bytes of memory.init, memory.copy and memory.fill", () => {
    const counts = counted(
      abiModule(
        `(func (export "infer") (result i32) (local $i i32)
          (loop $again
            (memory.init $weights (i32.const 64) (i32.const 0) (local.get $i))
            (memory.copy (i32.const 128) (i32.const 64) (i32.const 7))
            (br_if $again (i32.lt_s (local.tee $i (i32.add (local.get $i) (i32.const 1))) (i32.const 5))))
          (memory.fill (i32.const 0) (i32.const 1) (i32.const 100))
          (i32.const 0))`,
        { weights: "abcdefgh" },
      ),
    );
    expect(counts.memoryInit).toEqual({ calls: 5, bytes: 0 + 1 + 2 + 3 + 4 });
    expect(counts.memoryCopy).toEqual({ calls: 5, bytes: 35 });
    expect(counts.memoryFill).toEqual({ calls: 1, bytes: 100 });
    expect(counts.classes.bulk).toBe(11);
  });

  it("charges nothing for local.get, constants, nop, drop and a set that folds", () => {
    const counts = counted(
      abiModule(`(func (export "infer") (result i32) (local $x i32) (local $y i64)
        (nop)
        (drop (local.get $x))
        (local.set $x (i32.load (i32.const 0)))
        (local.set $y (i64.extend_i32_s (local.get $x)))
        (i32.wrap_i64 (local.get $y)))`),
    );
    expect(classesOf(counts)).toEqual({ load32: 1, convert: 2 });
  });

  it("charges a copy for a set of a constant, of a select and of a sign extension", () => {
    const counts = counted(
      abiModule(`(func (export "infer") (result i32) (local $x i32)
        (local.set $x (i32.const 200))
        (local.set $x (i32.extend8_s (local.get $x)))
        (local.set $x (select (local.get $x) (i32.const 1) (local.get $x)))
        (i32.mul (local.get $x) (local.get $x)))`),
    );
    expect(classesOf(counts)).toEqual({
      copy: 3 + resultCopy,
      convert: 1,
      select: 1,
      i32Arithmetic: 1,
    });
  });
});

describe("counting random modules", () => {
  const seeds = Array.from({ length: 200 }, (_, seed) => seed);

  it("counts exactly what a plain interpreter counts, and answers as the payload does", () => {
    for (const seed of seeds) {
      const wasm = randomModule(seed);
      const plain = run(wasm);
      const module = instrumentForCounting(wasm, { fuel: false });
      const instrumented = run(module.wasm);
      expect(instrumented.result, `seed ${seed}`).toBe(plain.result);
      expect(Buffer.compare(instrumented.memory, plain.memory), `seed ${seed}`).toBe(0);
      const expected = interpret(wasm);
      const counts = collectCounts(instrumented.exports, module.plan);
      expect(expected.result, `seed ${seed}`).toBe(plain.result);
      expect(counts.classes, `seed ${seed}`).toEqual(expected.classes);
      for (const [name, move] of [
        ["init", counts.memoryInit],
        ["copy", counts.memoryCopy],
        ["fill", counts.memoryFill],
      ] as const) {
        expect(move, `seed ${seed}`).toEqual({ calls: expected.calls[name], bytes: expected.bytes[name] });
      }
    }
  });

  it("gives exact counts in the middle of an inference, at every call of wamlet.layer", () => {
    let layers = 0;
    for (const seed of seeds) {
      const wasm = randomModule(seed, true);
      const module = instrumentForCounting(wasm, { fuel: false });
      const readings: ExecutionCounts[] = [];
      const { exports } = instantiate(module.wasm, () => readings.push(collectCounts(exports, module.plan)));
      infer(exports);
      const expected: Record<string, number>[] = [];
      interpret(wasm, ({ classes }) => expected.push(classes));
      expect(
        readings.map(({ classes }) => classes),
        `seed ${seed}`,
      ).toEqual(expected);
      layers += readings.length;
    }
    expect(layers).toBeGreaterThan(100);
  });

  it("gives the same counts in every run, and each inference's own by subtraction", () => {
    const wasm = randomModule(11);
    const module = instrumentForCounting(wasm, { fuel: false });
    expect(instrumentForCounting(wasm, { fuel: false }).wasm).toEqual(module.wasm);
    const { exports } = instantiate(module.wasm);
    expect(collectCounts(exports, module.plan)).toEqual(noCounts);
    infer(exports);
    const first = collectCounts(exports, module.plan);
    infer(exports);
    const both = collectCounts(exports, module.plan);
    expect(subtractCounts(first, noCounts)).toEqual(counted(wasm));
    expect(subtractCounts(both, first).opcodes).toBeGreaterThan(0);
    expect(subtractCounts(both, both)).toEqual(noCounts);
  });
});
