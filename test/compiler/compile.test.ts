/** What the compiler promises beside right answers. */
import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { type CompiledModule, compile } from "../../host/compiler/compile.js";
import { supportedOperators } from "../../host/compiler/operators/table.js";
import { loadBoard } from "../../host/descriptor/load_board.js";
import type { WamletError } from "../../host/errors.js";
import { packagePath } from "../../host/package_root.js";
import { buildModel } from "../model/model_builder.js";

const digits = readFileSync(packagePath("examples/digits/digits.tflite"));
const motion = readFileSync(packagePath("examples/motion/motion.tflite"));

async function failure(promise: Promise<unknown>): Promise<WamletError> {
  return promise.then(
    () => expect.unreachable("it should have been refused"),
    (error: WamletError) => error,
  );
}

/** A model of one operator that maps an int8 vector to one like it. */
function vectorModel(operator: string): Uint8Array {
  const quantisation = { scales: [0.5], zeroPoints: [0] };
  return buildModel({
    tensors: [
      { name: "in", type: "int8", shape: [1, 4], quantisation },
      { name: "out", type: "int8", shape: [1, 4], quantisation },
    ],
    operators: [{ name: operator, inputs: [0], outputs: [1], options: {} }],
    inputs: [0],
    outputs: [1],
  });
}

describe("the compiler", () => {
  it("makes the same bytes of the same model", async () => {
    const [first, second] = [await compile(digits), await compile(digits)];
    expect(Buffer.from(first.bytes).equals(Buffer.from(second.bytes))).toBe(true);
  });

  it("emits a source in which a person finds the memory map and every layer", async () => {
    const { sources, description } = await compile(motion, { optimize: "size" });
    const text = sources["module.ts"] as string;
    expect(text).toContain(`Linear memory: ${description.memory.linearMemoryBytes} bytes`);
    for (const { index, operator } of description.layers)
      expect(text).toContain(`// ${index}: ${operator} →`);
    expect(Object.keys(sources)).toEqual(["module.ts"]);
  });

  it("rounds linear memory up to 4 KiB and no further", async () => {
    const { memory } = (await compile(motion)).description;
    expect(memory.linearMemoryBytes % 4096).toBe(0);
    expect(memory.linearMemoryBytes - memory.planBytes).toBeLessThan(4096);
  });

  it("tells layers apart only in a profiling build", async () => {
    const [plain, profile] = [await compile(digits), await compile(digits, { profile: true })];
    expect([plain.manifest.layers, profile.manifest.layers]).toEqual([0, 11]);
    expect([plain.abi.layers, profile.abi.layers]).toEqual([false, true]);
  });

  it("refuses an operator by name and lists what is supported", async () => {
    const { code, message, hint } = await failure(compile(vectorModel("SIN")));
    expect(code).toBe("WAMLET_UNSUPPORTED_OPERATOR");
    expect(message).toContain("SIN");
    for (const name of supportedOperators) expect(hint).toContain(name);
  });

  it("refuses what does not fit the board, naming each part with its bytes", async () => {
    const board = loadBoard("rp2040");
    const tiny = { ...board, memory: { ...board.memory, poolBytes: { value: 9000, source: "this test" } } };
    const { code, message } = await failure(compile(digits, { board: tiny }));
    expect(code).toBe("WAMLET_DOES_NOT_FIT");
    for (const part of ["RAM pool", "linear memory", "WAMR register code", "of 9000", "too many"]) {
      expect(message).toContain(part);
    }
  });

  it("keeps the module within the largest block by taking smaller tiles", async () => {
    const board = loadBoard("esp32");
    const { planBytes } = (await compile(digits, { optimize: "size" })).description.memory;
    const largest = { value: Math.ceil(planBytes / 4096) * 4096, source: "this test" };
    const module = await compile(digits, {
      board: { ...board, memory: { ...board.memory, largestBlockBytes: largest } },
    });
    expect(module.manifest.linearMemoryBytes).toBeLessThanOrEqual(largest.value);
  });

  it("takes less code for the same aim where the quickest kernels do not fit, before it gives the aim up", async () => {
    const board = loadBoard("esp32");
    const quickest = await compile(digits, { board, optimize: "speed" });
    const taken = quickest.account?.lines.find(({ resource }) => resource === "RAM pool")?.usedBytes ?? 0;
    const poolBytes = { value: taken - 8, source: "this test" };
    const smaller = { ...board, memory: { ...board.memory, poolBytes } };
    const module = await compile(digits, { board: smaller, optimize: "speed" });
    expect(quickest.aim).toEqual({ optimization: "speed", codePrice: 1, flashPrice: 0 });
    expect(module.aim).toEqual({ optimization: "speed", codePrice: 3, flashPrice: 0 });
    expect(module.account?.fits).toBe(true);
  });

  it("takes what quick kernels fit the flash slot, and the plain ones where none do", async () => {
    const board = loadBoard("esp32");
    const inSlot = (slotBytes: number) =>
      compile(digits, { board: { ...board, store: { ...board.store, slotBytes } } });
    const [quickest, smallest] = [await compile(digits), await compile(digits, { optimize: "size" })];
    const opcodes = ({ description }: CompiledModule) =>
      description.layers.reduce((sum, layer) => sum + layer.opcodes, 0);
    const between = await inSlot(Math.round((quickest.payload.length + smallest.payload.length) / 2));
    expect(between.account?.fits).toBe(true);
    expect(between.aim.flashPrice).toBeGreaterThan(0);
    expect(opcodes(between)).toBeLessThan(opcodes(smallest) / 2);
    const least = await inSlot(smallest.payload.length + smallest.manifestBytes.length + 100);
    expect(least.account?.fits).toBe(true);
    expect(least.payload.length).toBe(smallest.payload.length);
  });

  it("refuses names that cannot be deployed, and labels that are not as many as the classes", async () => {
    expect((await failure(compile(digits, { name: "Two words" }))).code).toBe("WAMLET_USAGE");
    expect((await failure(compile(digits, { labels: ["a", "b"] }))).code).toBe("WAMLET_INVALID_LABELS");
  });

  it("can be interrupted, and compiles the next model all the same", async () => {
    const abort = new AbortController();
    const interrupted = failure(compile(digits, { signal: abort.signal }));
    abort.abort();
    expect((await interrupted).code).toBe("WAMLET_INTERRUPTED");
    expect((await compile(motion)).payload.length).toBeGreaterThan(0);
  });

  it("puts nothing of a tensor's name into the code", async () => {
    const quantisation = { scales: [0.5], zeroPoints: [0] };
    const hostile = "x\nexport function infer(): i32 { return 7; } //";
    const model = buildModel({
      tensors: [
        { name: hostile, type: "int8", shape: [1, 4], quantisation },
        { name: hostile, type: "int8", shape: [1, 4], quantisation },
      ],
      operators: [{ name: "RELU", inputs: [0], outputs: [1], options: {} }],
      inputs: [0],
      outputs: [1],
    });
    const { sources } = await compile(model);
    expect((sources["module.ts"] as string).match(/^export function infer/gm)).toHaveLength(1);
  });
});
