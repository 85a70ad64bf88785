import { describe, expect, it } from "vitest";
import { checkAbi } from "../../host/module/abi.js";
import { collectCounts } from "../../host/module/execution_counts.js";
import { translateFunction } from "../../host/module/fast_interpreter.js";
import { instrumentForCounting } from "../../host/module/instrument.js";
import type { OpcodeClass } from "../../host/module/opcode_class.js";
import { webAssembly } from "../../host/module/webassembly.js";
import recorded from "./wamr_counts.json" with { type: "json" };

/** Names of WAMR's own opcodes, by what they stand for; the two branches are told apart by count only. */
const groups: readonly [RegExp, OpcodeClass | "branch" | "return" | "prefixed"][] = [
  [/^RETURN$/, "return"],
  [/COPY_STACK|SET_LOCAL|TEE_LOCAL/, "copy"],
  [/^(BR|BR_IF|IF|ELSE)$/, "branch"],
  [/^BR_TABLE$/, "branchTable"],
  [/^CALL$/, "call"],
  [/GLOBAL/, "globalAccess"],
  [/^SELECT/, "select"],
  // memory.init, copy, fill and the non-trapping conversions
  [/^MISC_PREFIX$/, "prefixed"],
  [/LOAD8/, "load8"],
  [/LOAD16/, "load16"],
  [/LOAD32|32_LOAD$/, "load32"],
  [/64_LOAD$/, "load64"],
  [/STORE/, "store"],
  [/EQZ|_(EQ|NE|LT|GT|LE|GE)(_[SU])?$/, "compare"],
  [/WRAP|EXTEND|CONVERT|DEMOTE|PROMOTE|REINTERPRET/, "prefixed"],
  [/^I64_MUL$/, "i64Multiply"],
  [/^I32_/, "i32Arithmetic"],
  [/^I64_/, "i64Arithmetic"],
  [/^F32_/, "f32Arithmetic"],
  [/^F64_/, "f64Arithmetic"],
];

function grouped(opcodes: Readonly<Record<string, number | undefined>>): Record<string, number> {
  const sums: Record<string, number> = {};
  for (const [full, count = 0] of Object.entries(opcodes)) {
    const name = full.replace(/^(WASM|EXT)_OP_/, "");
    const group = groups.find(([pattern]) => pattern.test(name))?.[1] ?? name;
    sums[group] = (sums[group] ?? 0) + count;
  }
  return sums;
}

describe(`opcode counts recorded in WAMR itself (${recorded.modules.length} modules)`, () => {
  it("counts just the opcodes that WAMR dispatched", () => {
    for (const { seed, wasm, result, opcodes } of recorded.modules) {
      const module = instrumentForCounting(Buffer.from(wasm, "base64"), { fuel: false });
      const instance = new webAssembly.Instance(new webAssembly.Module(module.wasm), {
        wamlet: { layer: () => {} },
      });
      expect((instance.exports.infer as () => number)(), `module ${seed}`).toBe(result);
      const { classes } = collectCounts(instance.exports, module.plan);
      const { branchTaken, branchNotTaken, call, importCall, bulk, convert, ...others } = classes;
      const expected = {
        ...others,
        branch: branchTaken + branchNotTaken,
        call: call + importCall,
        prefixed: bulk + convert,
        // The returns of called functions and of infer itself, which are no class.
        return: call + 1,
      };
      const nonZero = Object.fromEntries(Object.entries(expected).filter(([, count]) => count !== 0));
      expect(nonZero, `module ${seed}`).toEqual(grouped(opcodes));
    }
  });

  it("knows the size of every function's register code and frame to the byte", () => {
    for (const { seed, wasm, functions } of recorded.modules) {
      const { module } = checkAbi(Buffer.from(wasm, "base64"));
      const sizes = module.functions.map((body) => {
        const { executed, ...rest } = translateFunction(module, body);
        return rest;
      });
      expect(sizes, `module ${seed}`).toEqual(functions);
    }
  });
});
