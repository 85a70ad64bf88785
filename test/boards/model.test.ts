/** What the host models, held against what an emulated board measures: RAM to 5 %, instructions to 10 %. */
import { describe, expect, it, onTestFinished } from "vitest";
import { openBoard } from "../../host/board/board_session.js";
import type { Optimization } from "../../host/compiler/aims.js";
import { type CompiledModule, compile } from "../../host/compiler/compile.js";
import { loadBoard } from "../../host/descriptor/load_board.js";
import { modelledCost } from "../../host/emulator/modelled_cost.js";
import { ModuleRunner } from "../../host/emulator/module_runner.js";
import type { ExecutionCounts } from "../../host/module/execution_counts.js";
import {
  conformanceFolder,
  conformanceMissing,
  modelIndex,
  readConformance,
} from "../reference/conformance.js";
import { boardsMissing, boardsUnderTest } from "./board_under_test.js";

/** `speed` makes many large functions: most frames, most blocks of the pool. */
const models: readonly { name: string; optimize: Optimization }[] = [
  { name: "hello_world_int8", optimize: "balanced" },
  { name: "micro_speech_quantized", optimize: "balanced" },
  { name: "kws_ref_model", optimize: "balanced" },
  { name: "kws_ref_model", optimize: "speed" },
  { name: "ad01_int8", optimize: "balanced" },
  { name: "vww_96_int8", optimize: "balanced" },
  { name: "vww_96_int8", optimize: "speed" },
  { name: "pretrainedResnet_quant", optimize: "balanced" },
];

interface Modelled {
  readonly module: CompiledModule;
  readonly input: Uint8Array;
  readonly counts: ExecutionCounts;
}

const modelled = new Map<string, Promise<Modelled>>();

/** Compiled and counted once for all boards. */
function modelOf(name: string, optimize: Optimization): Promise<Modelled> {
  const key = `${name} ${optimize}`;
  const known = modelled.get(key) ?? countModel(name, optimize);
  modelled.set(key, known);
  return known;
}

async function countModel(name: string, optimize: Optimization): Promise<Modelled> {
  const index = modelIndex(name);
  const module = await compile(readConformance(`models/${name}/${index.model}`), { optimize });
  const input = readConformance(`models/${name}/${index.cases[0]?.input}`);
  const runner = await ModuleRunner.load(module.payload, module.manifest);
  try {
    runner.write(module.manifest.inputs[0]?.offset ?? 0, input);
    return { module, input, counts: (await runner.infer()).counts };
  } finally {
    await runner.close();
  }
}

/** Boards that count instructions, of one processor that is known. */
const counting = boardsUnderTest.filter(({ name }) => name.startsWith("qemu-"));
const missing = conformanceFolder === null ? conformanceMissing : boardsMissing;

describe.skipIf(counting.length === 0 || conformanceFolder === null)(`models (else ${missing})`, () => {
  for (const { name: boardName, start } of counting) {
    describe(boardName, { timeout: 600_000 }, () => {
      const board = loadBoard(boardName);

      it("has the pool that its descriptor says, to 1 %", async () => {
        const running = await start();
        onTestFinished(() => running.close());
        const session = await openBoard(running.url, { connectTimeout: 60_000 });
        onTestFinished(() => session.close());
        const free = session.info.memoryTotalBytes - session.info.memoryUsedBytes;
        expect(board.memory.poolBytes.value).toBeLessThanOrEqual(free);
        expect(board.memory.poolBytes.value).toBeGreaterThan(0.99 * free);
      });

      for (const { name, optimize } of models) {
        it(`${name} for ${optimize}: RAM within 5 % of the high water, instructions within 10 % of those counted`, async () => {
          const { module, input, counts } = await modelOf(name, optimize);
          // A board of its own for each: high water is since the start.
          const running = await start();
          onTestFinished(() => running.close());
          const session = await openBoard(running.url, { connectTimeout: 60_000 });
          onTestFinished(() => session.close());
          await session.deploy(module);
          const loaded = await session.load(module.manifest.name);
          const { count } = await loaded.infer([input]);
          const { memoryHighWaterBytes } = await session.refresh();
          const { linearMemoryBytes, runtimeBytes } = module.manifest;
          const account = (linearMemoryBytes + runtimeBytes) / memoryHighWaterBytes;
          expect(Math.abs(account - 1), `RAM ${account}`).toBeLessThan(0.05);
          const cost = modelledCost(counts, board).cycles / count.value;
          expect(Math.abs(cost - 1), `instructions ${cost}`).toBeLessThan(0.1);
        });
      }

      for (const name of ["hello_world_int8", "kws_ref_model"]) {
        it(`${name}: a profiling build keeps to its account, too`, async () => {
          const { input } = await modelOf(name, "balanced");
          const index = modelIndex(name);
          const module = await compile(readConformance(`models/${name}/${index.model}`), { profile: true });
          const running = await start();
          onTestFinished(() => running.close());
          const session = await openBoard(running.url, { connectTimeout: 60_000 });
          onTestFinished(() => session.close());
          await session.deploy(module);
          const loaded = await session.load(module.manifest.name);
          expect(loaded.description.runtimeBytes).toBeLessThanOrEqual(module.manifest.runtimeBytes);
          expect(loaded.description.runtimeBytes).toBeGreaterThan(module.manifest.runtimeBytes - 16);
          const { layers } = await loaded.infer([input], { layers: true });
          expect(layers).toHaveLength(module.manifest.layers);
        });
      }
    });
  }
});
