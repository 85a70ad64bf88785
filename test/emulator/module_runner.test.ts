import { describe, expect, it } from "vitest";
import { loadBoard } from "../../host/descriptor/load_board.js";
import { modelledCost } from "../../host/emulator/modelled_cost.js";
import { ModuleRunner } from "../../host/emulator/module_runner.js";
import { busyModule, incrementModule, layerImport, type TestModule, testModule } from "./module_fixtures.js";

async function withRunner<Value>(
  module: TestModule,
  use: (runner: ModuleRunner) => Promise<Value>,
): Promise<Value> {
  const runner = await ModuleRunner.load(module.payload, module.manifest, { watchdogMilliseconds: 20_000 });
  try {
    return await use(runner);
  } finally {
    await runner.close();
  }
}

const infer = (body: string) => `(func (export "infer") (result i32) ${body})`;

describe("a module in its worker", () => {
  it("answers, and counts the same in every run", async () => {
    await withRunner(incrementModule("inc", 16), async (runner) => {
      const input = Uint8Array.from({ length: 16 }, (_, index) => index * 3);
      runner.write(0, input);
      const first = await runner.infer();
      expect(first.outputs[0]).toEqual(input.map((byte) => byte + 1));
      const second = await runner.infer();
      expect(second.counts).toEqual(first.counts);
      expect(first.counts.classes.load8).toBe(16);
      expect(first.counts.classes.branchTaken).toBe(15);
    });
  });

  it("is stopped when it runs away", async () => {
    const endless = testModule("endless", infer("(loop $l (br $l)) (i32.const 0)"));
    await expect(withRunner(endless, (runner) => runner.infer())).rejects.toMatchObject({
      reason: "out-of-time",
      numbers: [10_000_000],
    });
  });

  it("reports a trap", async () => {
    const divides = testModule("trap", infer("(i32.div_u (i32.const 1) (i32.load (i32.const 0)))"));
    await expect(withRunner(divides, (runner) => runner.infer())).rejects.toMatchObject({
      reason: "trapped",
    });
  });

  it("reports what infer returns when that is not 0", async () => {
    const failing = testModule("failing", infer("(i32.const 7)"));
    await expect(withRunner(failing, (runner) => runner.infer())).rejects.toMatchObject({
      reason: "inference-failed",
      numbers: [7],
    });
  });

  it("betrays a byte written above the plan, where V8 itself sees nothing wrong", async () => {
    for (const address of [4096, 5000, 65535]) {
      const writes = testModule(
        "writes",
        infer(`(i32.store8 (i32.const ${address}) (i32.const 1)) (i32.const 0)`),
      );
      await expect(withRunner(writes, (runner) => runner.infer())).rejects.toMatchObject({
        reason: "out-of-bounds",
        numbers: [address],
      });
    }
  });

  it("names an access out of bounds that V8 traps, too, though without its address", async () => {
    for (const access of [
      "(drop (i32.load offset=65532 (i32.const -1)))",
      "(memory.fill (i32.const 65000) (i32.const 1) (i32.const 1000))",
    ]) {
      const reaches = testModule("reaches", infer(`${access} (i32.const 0)`));
      await expect(withRunner(reaches, (runner) => runner.infer())).rejects.toMatchObject({
        reason: "out-of-bounds",
        numbers: [],
      });
    }
  });

  it("refuses a payload whose memory is not what its manifest says", async () => {
    const module = incrementModule("inc", 4);
    const manifest = { ...module.manifest, linearMemoryBytes: 8192 };
    await expect(ModuleRunner.load(module.payload, manifest)).rejects.toMatchObject({
      reason: "load-failed",
    });
    await expect(ModuleRunner.load(new Uint8Array(50), module.manifest)).rejects.toMatchObject({
      reason: "load-failed",
    });
  });

  it("stops a module that the opcode budget does not catch by real time", async () => {
    const slow = busyModule("slow", 2_000_000_000, { manifest: { opcodeBudget: Number.MAX_SAFE_INTEGER } });
    const runner = await ModuleRunner.load(slow.payload, slow.manifest, { watchdogMilliseconds: 200 });
    await expect(runner.infer()).rejects.toMatchObject({ reason: "out-of-time", numbers: [200] });
    await expect(runner.infer()).rejects.toMatchObject({ reason: "trapped" });
  });

  it("counts a profiling build by layer", async () => {
    const module = testModule(
      "layers",
      `(func (export "infer") (result i32)
        (i32.store (i32.const 4) (i32.const 1))
        (call $layer (i32.const 0))
        (i32.store (i32.const 4) (i32.const 2))
        (i32.store (i32.const 4) (i32.const 3))
        (call $layer (i32.const 1))
        (i32.const 0))`,
      { imports: layerImport, manifest: { layers: 2 } },
    );
    await withRunner(module, async (runner) => {
      for (let round = 0; round < 2; round++) {
        const { layers, counts } = await runner.infer();
        expect(layers.map((layer) => layer.classes.store)).toEqual([1, 2]);
        expect(counts.classes.store).toBe(3);
      }
    });
  });

  it("keeps state between inferences until it is reset", async () => {
    const counter = testModule(
      "counter",
      `(func (export "infer") (result i32)
        (i32.store (i32.const 8) (i32.add (i32.load (i32.const 8)) (i32.const 1)))
        (i32.store (i32.const 4) (i32.load (i32.const 8)))
        (i32.const 0))
      (func (export "reset") (i32.store (i32.const 8) (i32.const 0)))`,
    );
    await withRunner(counter, async (runner) => {
      const answers: number[] = [];
      for (const step of ["infer", "infer", "reset", "infer"]) {
        if (step === "reset") await runner.reset();
        else answers.push((await runner.infer()).outputs[0]?.[0] ?? -1);
      }
      expect(answers).toEqual([1, 2, 1]);
    });
  });
});

describe("the modelled cost", () => {
  it("is opcodes × table × cycles per instruction; time by the clock, energy by current and voltage", async () => {
    const board = loadBoard("stm32h743");
    const module = incrementModule("inc", 64);
    await withRunner(module, async (runner) => {
      const { counts } = await runner.infer();
      const cost = modelledCost(counts, board);
      const instructions = Object.entries(counts.classes).reduce(
        (sum, [name, count]) => sum + (name === "bulk" ? 0 : count * (board.cost.opcode[name] ?? 0)),
        board.cost.call,
      );
      expect(cost.cycles).toBe(Math.round(instructions * board.cyclesPerInstruction.value));
      expect(cost.microseconds).toBe(Math.round((cost.cycles / board.clockHertz.value) * 1e6));
      const { volts, activeMilliamperes } = board.power;
      const nanojoules = volts * activeMilliamperes.value * ((cost.cycles / board.clockHertz.value) * 1e6);
      expect(cost.nanojoules).toBe(Math.round(nanojoules));
    });
  });

  it("includes the bytes that bulk memory operations move", async () => {
    const copies = (bytes: number) =>
      testModule(
        "copy",
        infer(`(memory.copy (i32.const 2048) (i32.const 0) (i32.const ${bytes})) (i32.const 0)`),
      );
    const board = loadBoard("esp32c3");
    const cost = (module: TestModule) =>
      withRunner(module, async (runner) => modelledCost((await runner.infer()).counts, board));
    const small = await cost(copies(100));
    const large = await cost(copies(1100));
    const expected = 1000 * board.cost.memoryCopy.byte * board.cyclesPerInstruction.value;
    expect(Math.abs(large.cycles - small.cycles - expected)).toBeLessThanOrEqual(1);
  });
});
