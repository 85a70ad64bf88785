import { describe, expect, it } from "vitest";
import { checkAbi } from "../../host/module/abi.js";
import { runtimeMemory } from "../../host/module/runtime_memory.js";
import { abiModule } from "./build_module.js";

const model = (functions: string, layers = 0) =>
  runtimeMemory(checkAbi(abiModule(functions)).module, { inputs: [{}], layers });
const part = (memory: ReturnType<typeof model>, name: string) =>
  memory.parts.find((found) => found.name === name)?.bytes;

const one = `(func (export "infer") (result i32) (i32.const 0))`;
const two = `(func $f (param i32) (result i32) (i32.mul (local.get 0) (local.get 0)))
  (func (export "infer") (result i32) (call $f (i32.const 3)))`;

describe("RAM that WAMR takes beside linear memory", () => {
  it("names every part with its source, and the total is their sum", () => {
    const memory = model(two);
    expect(memory.totalBytes).toBe(memory.parts.reduce((sum, { bytes }) => sum + bytes, 0));
    for (const { source } of memory.parts) expect(source).toMatch(/WAMR|agent/);
  });

  it("grows with functions, code and frames", () => {
    expect(part(model(two), "functions")).toBeGreaterThan(part(model(one), "functions") ?? 0);
    expect(part(model(two), "register code")).toBeGreaterThan(part(model(one), "register code") ?? 0);
    expect(model(two).stackBytes).toBeGreaterThan(model(one).stackBytes);
  });

  it("knows what the agent keeps for inputs and layers", () => {
    expect(part(model(one), "record")).toBe(344);
    expect(part(model(one, 31), "record")).toBe(344 + 31 * 8);
  });

  it("gives the operand stack that the deepest calls need, tried in WAMR to the byte", () => {
    // In WAMR 92 bytes are enough for this module and 88 are not: 28 for the host's frame, twice 32 for infer's.
    expect(model(one).stackBytes).toBe(96);
  });
});
