import { describe, expect, it } from "vitest";
import { collectCounts } from "../../host/module/execution_counts.js";
import { outOfFuel, setFuel } from "../../host/module/fuel.js";
import { instrumentForCounting } from "../../host/module/instrument.js";
import { webAssembly } from "../../host/module/webassembly.js";
import { abiModule } from "./build_module.js";
import { randomModule } from "./random_module.js";

function instantiate(wasm: Uint8Array) {
  const module = instrumentForCounting(wasm, { fuel: true });
  const { exports } = new webAssembly.Instance(new webAssembly.Module(module.wasm));
  return { exports, module, infer: exports.infer as () => number };
}

describe("fuel", () => {
  it.each([
    ["of one branch", "(loop $again (br $again)) (i32.const 0)"],
    ["of a condition", "(loop $again (br_if $again (i32.const 1))) (i32.const 0)"],
    ["of a table", "(loop $again (br_table $again $again (i32.const 0))) (i32.const 0)"],
    ["inside a loop", "(loop $outer (loop $inner (br $inner)) (br $outer)) (i32.const 0)"],
  ])("stops an endless loop %s and says that it was one", (_, body) => {
    const { exports, infer } = instantiate(abiModule(`(func (export "infer") (result i32) ${body})`));
    setFuel(exports, 100_000);
    expect(infer).toThrow(webAssembly.RuntimeError);
    expect(outOfFuel(exports)).toBe(true);
  });

  it("stops a program that never ends by calling", () => {
    const calls = (name: string) => `(call ${name}) `.repeat(10);
    const chain = Array.from({ length: 12 }, (_, level) =>
      level === 0 ? "(func $f0)" : `(func $f${level} ${calls(`$f${level - 1}`)})`,
    );
    const { exports, infer } = instantiate(
      abiModule(`${chain.join("\n")} (func (export "infer") (result i32) (call $f11) (i32.const 0))`),
    );
    setFuel(exports, 100_000);
    expect(infer).toThrow(webAssembly.RuntimeError);
    expect(outOfFuel(exports)).toBe(true);
  });

  it("tells an ordinary trap from a runaway", () => {
    const { exports, infer } = instantiate(
      abiModule(`(func (export "infer") (result i32) (i32.load (i32.const 70000)))`),
    );
    setFuel(exports, 100_000);
    expect(infer).toThrow(webAssembly.RuntimeError);
    expect(outOfFuel(exports)).toBe(false);
  });

  it("never charges more than was executed, so that a budget of the true count suffices", () => {
    for (let seed = 0; seed < 80; seed++) {
      const wasm = randomModule(seed);
      const plenty = instantiate(wasm);
      setFuel(plenty.exports, 1e9);
      plenty.infer();
      const { opcodes } = collectCounts(plenty.exports, plenty.module.plan);
      const exact = instantiate(wasm);
      // At least one opcode is charged even for a function that executes none.
      setFuel(exact.exports, opcodes + 1);
      expect(exact.infer, `seed ${seed}`).not.toThrow();
      expect(outOfFuel(exact.exports)).toBe(false);
    }
  });

  it("counts the same with fuel as without", () => {
    for (let seed = 0; seed < 50; seed++) {
      const wasm = randomModule(seed);
      const fuelled = instantiate(wasm);
      setFuel(fuelled.exports, 1e9);
      fuelled.infer();
      const plain = instrumentForCounting(wasm, { fuel: false });
      const { exports } = new webAssembly.Instance(new webAssembly.Module(plain.wasm));
      (exports.infer as () => number)();
      expect(collectCounts(fuelled.exports, fuelled.module.plan)).toEqual(collectCounts(exports, plain.plan));
    }
  });
});
