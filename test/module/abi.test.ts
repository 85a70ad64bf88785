import { describe, expect, it } from "vitest";
import { checkAbi } from "../../host/module/abi.js";
import { runtimeFeatures } from "../../host/module/manifest.js";
import { abiModule, assemble, buildModule } from "./build_module.js";

const infer = `(func (export "infer") (result i32) (i32.const 0))`;
const memory = `(memory (export "memory") 1 1)`;
const globals = `(global (export "__heap_base") i32 (i32.const 4096))
  (global (export "__data_end") i32 (i32.const 4096))`;
const rest = `${memory} ${globals}`;

const breach = (message: RegExp) =>
  expect.objectContaining({
    code: "WAMLET_UNSUPPORTED_MODULE",
    message: expect.stringMatching(message),
    hint: expect.stringContaining("docs/MODULE.md"),
  });

describe("the ABI check", () => {
  it("says what a board needs to know", () => {
    const abi = checkAbi(
      abiModule(
        `(func (export "infer") (result i32)
           (memory.init $weights (i32.const 0) (i32.const 0) (i32.const 3))
           (i32.add (i32.extend8_s (i32.const 1)) (i32.trunc_sat_f32_s (f32.const 1))))
         (func (export "reset"))`,
        { heapBase: 8192, weights: "abc" },
      ),
    );
    const { bulkMemory, signExtension, nontrappingConversion, state } = runtimeFeatures;
    expect(abi).toMatchObject({
      linearMemoryBytes: 8192,
      features: bulkMemory | signExtension | nontrappingConversion | state,
      layers: false,
      state: true,
      weights: { bytes: 3 },
    });
  });

  it("knows a profiling build by its one import", () => {
    const code = Uint8Array.of(0x41, 0, 0x10, 0, 0x41, 0, 0x0b);
    const infer = { parameters: [], results: ["i32" as const], locals: [], code };
    const wasm = buildModule({ functions: [infer], weights: new Uint8Array(4), heapBase: 4096, layer: true });
    expect(checkAbi(wasm)).toMatchObject({ layers: true });
    expect(checkAbi(wasm).features & runtimeFeatures.layers).not.toBe(0);
  });

  it.each([
    ["no infer", `(module ${rest})`, /does not export infer/],
    ["an infer of another type", `(module ${rest} (func (export "infer")))`, /infer is no function/],
    ["no memory", `(module ${globals} ${infer})`, /does not export memory/],
    ["no __heap_base", `(module ${memory} ${infer})`, /does not export __heap_base.*__data_end/],
    [
      "a mutable __heap_base",
      `(module ${memory} (global (export "__heap_base") (mut i64) (i64.const 0))
        (global (export "__data_end") i32 (i32.const 0)) ${infer})`,
      /__heap_base is no immutable global/,
    ],
    [
      "a __heap_base that is no multiple of 4096",
      `(module ${memory} (global (export "__heap_base") i32 (i32.const 5000))
        (global (export "__data_end") i32 (i32.const 0)) ${infer})`,
      /__heap_base 5000/,
    ],
    [
      "data beyond __heap_base",
      `(module ${memory} (global (export "__heap_base") i32 (i32.const 4096))
        (global (export "__data_end") i32 (i32.const 4097)) ${infer})`,
      /__data_end 4097/,
    ],
    [
      "a memory below __heap_base",
      `(module ${memory} (global (export "__heap_base") i32 (i32.const 69632))
        (global (export "__data_end") i32 (i32.const 0)) ${infer})`,
      /1 pages ends below/,
    ],
    ["another export", `(module ${rest} ${infer} (func (export "extra")))`, /it exports extra/],
    ["an export named like a property", `(module ${rest} ${infer} (func (export "toString")))`, /toString/],
    ["another import", `(module (import "env" "abort" (func)) ${rest} ${infer})`, /imports env\.abort/],
    ["a start function", `(module ${rest} (func $s) (start $s) ${infer})`, /start function/],
    ["a table", `(module ${rest} (table 1 funcref) ${infer})`, /table/],
    ["active data", `(module ${rest} (data (i32.const 0) "x") ${infer})`, /active data segment/],
    ["two segments", `(module ${rest} (data "x") (data "y") ${infer})`, /2 data segments/],
    [
      "a mutable i32 global",
      `(module ${rest} (global $g (mut i32) (i32.const 0)) ${infer})`,
      /stack pointer/,
    ],
    [
      "memory.grow",
      `(module ${rest} (func (export "infer") (result i32) (memory.grow (i32.const 0))))`,
      /memory\.grow/,
    ],
    ["memory.size", `(module ${rest} (func (export "infer") (result i32) (memory.size)))`, /memory\.size/],
    [
      "data.drop",
      `(module ${rest} (data $d "x") (func (export "infer") (result i32) (data.drop $d) (i32.const 0)))`,
      /data\.drop/,
    ],
    [
      "recursion",
      `(module ${rest} (func $a (call $b)) (func $b (call $a))
        (func (export "infer") (result i32) (call $a) (i32.const 0)))`,
      /circle/,
    ],
  ])("refuses %s, naming it", (_, text, message) => {
    expect(() => checkAbi(assemble(text))).toThrow(breach(message));
  });

  it("names every breach at once", () => {
    const text = `(module ${memory} (func $s) (start $s) (func (export "extra")))`;
    expect(() => checkAbi(assemble(text))).toThrow(
      breach(/start function.*__heap_base.*infer.*exports extra/),
    );
  });

  it("refuses what is no WebAssembly", () => {
    for (const bytes of [new Uint8Array(), Uint8Array.of(0, 0x61, 0x73), new Uint8Array(100)]) {
      expect(() => checkAbi(bytes)).toThrow(expect.objectContaining({ code: "WAMLET_INVALID_MODULE" }));
    }
  });
});
