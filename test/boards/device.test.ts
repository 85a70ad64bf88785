/** The agent on every board, through the real session: what docs/BOARDS.md promises of a board. */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import type { Answer } from "../../host/board/answer.js";
import { type BoardSession, openBoard } from "../../host/board/board_session.js";
import { compile } from "../../host/compiler/compile.js";
import { incrementModule, layerImport, type TestModule, testModule } from "../emulator/module_fixtures.js";
import {
  conformanceFolder,
  conformanceMissing,
  modelIndex,
  operatorCases,
  readConformance,
} from "../reference/conformance.js";
import { badCable, boardsMissing, boardsUnderTest } from "./board_under_test.js";
import { rogueModule } from "./rogue_module.js";

const code = (name: string) => expect.objectContaining({ code: name });
const noInference = '(func (export "infer") (result i32) (i32.const 0))';

async function answersOf(stream: AsyncIterable<Answer>): Promise<Answer[]> {
  const answers: Answer[] = [];
  for await (const answer of stream) answers.push(answer);
  return answers;
}

function frames(count: number, bytes: number): Uint8Array[][] {
  return Array.from({ length: count }, (_, index) => [new Uint8Array(bytes).fill(index)]);
}

/** A module of several flash sectors. @param bytes of its weights, a multiple of 4 */
function largeModule(bytes: number): TestModule {
  const weights = "\\5a\\a5\\00\\11".repeat(bytes / 4);
  const infer = `(data "${weights}") (func (export "infer") (result i32)
    (i32.store8 (i32.const 4) (i32.add (i32.load8_u (i32.const 0)) (i32.const 1))) (i32.const 0))`;
  return testModule("large", infer, { outputBytes: 1 });
}

const large = largeModule(32_000);

describe.skipIf(boardsUnderTest.length === 0)(`boards (else ${boardsMissing})`, () => {
  for (const board of boardsUnderTest) {
    describe(board.name, { timeout: 600_000 }, () => {
      let running: Awaited<ReturnType<typeof board.start>>;
      let session: BoardSession;
      let idleBytes: number;

      beforeAll(async () => {
        running = await board.start();
        session = await openBoard(running.url, { connectTimeout: 60_000 });
        idleBytes = session.info.memoryUsedBytes;
      }, 900_000);
      beforeEach(async () => {
        for (const { name, state } of await session.modules()) {
          if (state !== "partial") await session.remove(name);
        }
      });
      afterAll(async () => {
        await session?.close();
        await running?.close();
      });

      /** Deploys, loads, and gives the memory back afterwards, whatever happens. */
      async function using<Value>(
        module: TestModule | Awaited<ReturnType<typeof compile>>,
        use: (loaded: Awaited<ReturnType<BoardSession["load"]>>) => Promise<Value>,
      ): Promise<Value> {
        const { name } = await session.deploy(module);
        const loaded = await session.load(name);
        try {
          return await use(loaded);
        } finally {
          await loaded.unload();
          await session.remove(name);
        }
      }

      it("says what it is, what it counts, and how much memory it has", async () => {
        const { info } = session;
        expect(info.protocolVersion).toBe(1);
        expect(info.runtimeName).toContain("WAMR");
        expect(info.runtimeVersion).toMatch(/^\d+\.\d+\.\d+$/);
        expect(info.countSource).not.toBe("");
        expect(info.memoryUsedBytes).toBeLessThan(4096);
        expect(info.memoryLargestBlockBytes).toBeGreaterThan(info.memoryTotalBytes - 8192);
      });

      it("deploys, lists, activates, loads, runs, counts and removes", async () => {
        const module = incrementModule("one", 20);
        await session.deploy(module, { activate: true });
        await session.deploy(incrementModule("two", 8), { name: "second" });
        const stored = await session.modules();
        expect(stored.map(({ name, active, state }) => [name, active, state]).sort()).toEqual([
          ["one", true, "complete"],
          ["second", false, "complete"],
        ]);
        const loaded = await session.load();
        const answer = await loaded.infer([new Uint8Array(20).fill(41)]);
        expect(answer.outputs).toEqual([new Uint8Array(20).fill(42)]);
        expect(answer.count.value).toBeGreaterThan(0);
        const second = await loaded.infer([new Uint8Array(20)]);
        const totals = await loaded.counters();
        expect(totals).toMatchObject({ inferences: 2, count: answer.count.value + second.count.value });
        await loaded.unload();
        await session.activate("second");
        await session.remove("one");
        expect((await session.modules()).map(({ name }) => name)).toEqual(["second"]);
      });

      it("accounts for every byte: used memory is what LOADED says a module takes, and all of it comes back", async () => {
        const module = incrementModule("memory", 20);
        await using(module, async (loaded) => {
          const { linearMemoryBytes, runtimeBytes, memoryUsedBytes } = loaded.description;
          expect(linearMemoryBytes).toBe(4096);
          expect(memoryUsedBytes).toBe(idleBytes + linearMemoryBytes + runtimeBytes);
        });
        const after = await session.refresh();
        expect(after.memoryUsedBytes).toBe(idleBytes);
        expect(after.memoryHighWaterBytes).toBeGreaterThan(idleBytes + 4096);
      });

      it("carries inputs and outputs far larger than its buffers, and streams ahead of the answers", async () => {
        const input = Uint8Array.from({ length: 9000 }, (_, index) => (index * 37) & 0xff);
        await using(incrementModule("wide", 9000, { heapBase: 20_480 }), async (loaded) => {
          const inputs = Array.from({ length: 12 }, (_, frame) => [input.map((value) => value ^ frame)]);
          const answers = await answersOf(loaded.stream(inputs));
          expect(answers.map(({ outputs }) => outputs)).toEqual(
            inputs.map(([bytes]) => [bytes?.map((value) => value + 1)]),
          );
        });
      });

      it("counts by layer in a profiling build", async () => {
        const infer = `(func (export "infer") (result i32) (local $i i32)
          (local.set $i (i32.const 20000))
          (loop $next (br_if $next (local.tee $i (i32.sub (local.get $i) (i32.const 1)))))
          (call $layer (i32.const 0)) (drop (i32.load (i32.const 8))) (call $layer (i32.const 1)) (i32.const 0))`;
        const module = testModule("profiled", infer, { imports: layerImport, manifest: { layers: 2 } });
        await using(module, async (loaded) => {
          const { layers, count } = await loaded.infer([new Uint8Array(4)], { layers: true });
          const [first = 0, second = 0] = layers ?? [];
          expect(first).toBeGreaterThan(second);
          expect(first + second).toBeLessThanOrEqual(count.value);
          expect((await loaded.infer([new Uint8Array(4)])).layers).toBeNull();
        });
      });

      it("keeps state between frames until it is reset", async () => {
        const state = `(global $n (mut i64) (i64.const 0))
          (func (export "infer") (result i32)
            (global.set $n (i64.add (global.get $n) (i64.const 1)))
            (i64.store8 (i32.const 4) (global.get $n)) (i32.const 0))
          (func (export "reset") (global.set $n (i64.const 0)))`;
        await using(testModule("state", state, { outputBytes: 1 }), async (loaded) => {
          const answer = async () => (await loaded.infer([new Uint8Array(4)])).outputs[0]?.[0];
          expect([await answer(), await answer()]).toEqual([1, 2]);
          await loaded.resetState();
          expect(await answer()).toBe(1);
          expect((await loaded.counters()).inferences).toBe(1);
        });
      });

      const faults = [
        ["an unreachable", "(unreachable)", "unreachable"],
        ["a store past the end of its memory", "(i32.store (i32.const 4096) (i32.const 1))", "out of bounds"],
        ["a store across the end", "(i32.store (i32.const 4093) (i32.const 1))", "out of bounds"],
        ["a load far away", "(drop (i32.load offset=65532 (i32.const -1)))", "out of bounds"],
        [
          "a fill past the end",
          "(memory.fill (i32.const 4000) (i32.const 1) (i32.const 97))",
          "out of bounds",
        ],
        ["a division by zero", "(drop (i32.div_s (i32.const 1) (i32.load (i32.const 0))))", "divide by zero"],
        ["endless recursion", "(call $self)", "stack"],
      ] as const;
      for (const [what, body, text] of faults) {
        const fault = text === "out of bounds" ? "WAMLET_MODULE_OUT_OF_BOUNDS" : "WAMLET_MODULE_TRAPPED";
        it(`stops a module for ${what}, marks it, and lives on`, async () => {
          const infer = `(func $self ${body}) (func (export "infer") (result i32) (call $self) (i32.const 0))`;
          await session.deploy(rogueModule("fault", infer));
          const loaded = await session.load("fault");
          await expect(loaded.infer([new Uint8Array(4)])).rejects.toMatchObject({
            code: fault,
            message: expect.stringContaining(text),
          });
          await expect(loaded.infer([new Uint8Array(4)])).rejects.toEqual(code(fault));
          expect((await session.modules())[0]?.state).toBe("faulted");
          await loaded.unload();
          await expect(session.load("fault")).rejects.toEqual(code("WAMLET_INVALID_MODULE"));
          expect((await session.refresh()).memoryUsedBytes).toBe(idleBytes);
          await session.remove("fault");
          await using(incrementModule("other", 4), async (other) => {
            expect((await other.infer([new Uint8Array(4)])).outputs).toEqual([new Uint8Array(4).fill(1)]);
          });
        });
      }

      it("stops an endless loop, and takes the next module as if nothing had been", async () => {
        const endless = `(func (export "infer") (result i32) (loop $ever (br $ever)) (i32.const 0))`;
        for (let round = 0; round < 2; round++) {
          await session.deploy(testModule("endless", endless, { manifest: { opcodeBudget: 1000 } }));
          const loaded = await session.load("endless");
          await expect(loaded.infer([new Uint8Array(4)])).rejects.toEqual(code("WAMLET_MODULE_TIMEOUT"));
          await loaded.unload();
          expect((await session.modules())[0]?.state).toBe("faulted");
          expect((await session.refresh()).memoryUsedBytes).toBe(idleBytes);
        }
        await using(incrementModule("other", 4), async (other) => {
          expect((await other.infer([new Uint8Array(4)])).outputs).toEqual([new Uint8Array(4).fill(1)]);
        });
      });

      it("refuses a module whose bounds would not be those of its memory", async () => {
        const { runtimePageBytes } = session.info;
        await session.deploy(rogueModule("odd", noInference, 4104));
        if (4104 % runtimePageBytes === 0) {
          const loaded = await session.load("odd");
          await loaded.unload();
        } else {
          await expect(session.load("odd")).rejects.toMatchObject({
            message: expect.stringContaining("page"),
          });
        }
        expect((await session.refresh()).memoryUsedBytes).toBe(idleBytes);
      });

      it("links nothing but wamlet.layer, and names what else a module asks for", async () => {
        const imports = '(import "env" "abort" (func (param i32)))';
        await session.deploy(rogueModule("foreign", noInference, 4096, imports));
        await expect(session.load("foreign")).rejects.toMatchObject({
          code: "WAMLET_INVALID_MODULE",
          message: expect.stringContaining("env.abort"),
        });
        expect((await session.refresh()).memoryUsedBytes).toBe(idleBytes);
      });

      it("refuses what does not fit before a byte of it is stored, with the figures", async () => {
        const bytes = Math.ceil(session.info.memoryTotalBytes / 4096 + 1) * 4096;
        const huge = testModule("huge", noInference, { manifest: { linearMemoryBytes: bytes } });
        await expect(session.deploy(huge)).rejects.toMatchObject({
          code: "WAMLET_DOES_NOT_FIT",
          message: expect.stringContaining(String(bytes)),
        });
        expect(await session.modules()).toEqual([]);
      });

      it("says when the store is full, and takes the next one once there is room", async () => {
        const { storeSlots } = session.info;
        for (let index = 0; index < storeSlots; index++)
          await session.deploy(incrementModule(`m${index}`, 4));
        await expect(session.deploy(incrementModule("more", 4))).rejects.toEqual(code("WAMLET_STORE_FULL"));
        expect(await session.modules()).toHaveLength(storeSlots);
        await session.remove("m0");
        await session.deploy(incrementModule("more", 4));
        expect((await session.refresh()).storeFreeSlots).toBe(0);
      });

      it("never takes for stored what was damaged on the way", async () => {
        const payload = large.payload.slice();
        payload[20_000] = (payload[20_000] ?? 0) ^ 1;
        await expect(session.deploy({ ...large, payload })).rejects.toEqual(code("WAMLET_HASH_MISMATCH"));
        expect((await session.modules()).some(({ state }) => state === "complete")).toBe(false);
      });

      it("goes on with a deploy that was interrupted", async () => {
        // Far more than the board takes ahead, so that the interruption comes in the middle.
        const bytes = Math.min(16 * session.info.receiveBufferBytes, session.info.storeSlotBytes - 1024);
        const long = largeModule(bytes & ~3);
        const control = new AbortController();
        const onProgress = (done: { bytes: number }) => done.bytes > bytes / 4 && control.abort();
        await expect(session.deploy(long, { onProgress, signal: control.signal })).rejects.toEqual(
          code("WAMLET_INTERRUPTED"),
        );
        const { resumedAt } = await session.deploy(long);
        expect(resumedAt).toBeGreaterThan(4000);
        const loaded = await session.load("large");
        expect((await loaded.infer([new Uint8Array(4)])).outputs).toEqual([Uint8Array.of(1)]);
        await loaded.unload();
      });

      it("survives a restart in the middle of a stream: what is stored stays, what was loaded is gone", async () => {
        await session.deploy(incrementModule("inc", 400), { activate: true });
        const loaded = await session.load();
        const before = session.info.bootId;
        const stream = answersOf(loaded.stream(frames(5000, 400)));
        const broken = expect(stream).rejects.toEqual(code("WAMLET_BOARD_RESTARTED"));
        await session.reset();
        await broken;
        expect(session.info.bootId).not.toBe(before);
        expect(session.info.memoryUsedBytes).toBe(idleBytes);
        const again = await session.load();
        expect((await again.infer([new Uint8Array(400)])).outputs).toEqual([new Uint8Array(400).fill(1)]);
        await again.unload();
      });

      it("stores, loads and removes a thousand modules without losing a byte", async () => {
        const rounds = board.name === "linux" ? 1000 : 50;
        for (let round = 0; round < rounds; round++) {
          await using(incrementModule(`m${round % 7}`, 4 + (round % 5)), async (loaded) => {
            if (round % 100 === 0) await loaded.infer([new Uint8Array(4 + (round % 5))]);
          });
        }
        const after = await session.refresh();
        expect(after.memoryUsedBytes).toBe(idleBytes);
        expect(after.storeFreeSlots).toBe(after.storeSlots);
      });

      it("answers a long stream without drift: a day of one frame a second", async () => {
        // A day of a frame a second on Linux.
        const count = board.name === "linux" ? 86_400 : 500;
        await using(incrementModule("long", 16), async (loaded) => {
          let next = 0;
          for await (const { frame, outputs } of loaded.stream(frames(count, 16))) {
            if (frame !== next || outputs[0]?.[0] !== ((frame + 1) & 0xff)) throw new Error(`frame ${frame}`);
            next++;
          }
          expect(next).toBe(count);
          expect((await loaded.counters()).inferences).toBe(count);
          const { memoryUsedBytes, linearMemoryBytes, runtimeBytes } = loaded.description;
          expect((await session.refresh()).memoryUsedBytes).toBe(memoryUsedBytes);
          expect(memoryUsedBytes).toBe(idleBytes + linearMemoryBytes + runtimeBytes);
        });
      });

      describe.skipIf(conformanceFolder === null)(`exactness (else ${conformanceMissing})`, () => {
        const small = ["hello_world_int8", "micro_speech_quantized", "kws_ref_model", "ad01_int8"];
        for (const name of [...small, "vww_96_int8", "pretrainedResnet_quant"]) {
          it(`${name} answers as TensorFlow Lite Micro does, bit for bit`, async (context) => {
            const index = modelIndex(name);
            const module = await compile(readConformance(`models/${name}/${index.model}`));
            const { linearMemoryBytes, runtimeBytes, payloadBytes } = module.manifest;
            const { memoryTotalBytes, storeSlotBytes } = session.info;
            if (linearMemoryBytes + runtimeBytes > memoryTotalBytes || payloadBytes > storeSlotBytes) {
              context.skip(
                `it needs ${linearMemoryBytes + runtimeBytes} bytes of RAM, ${payloadBytes} of flash`,
              );
            }
            const cases = board.name === "linux" ? index.cases : index.cases.slice(0, 2);
            await using(module, async (loaded) => {
              for (const { input, output } of cases) {
                const { outputs } = await loaded.infer([readConformance(`models/${name}/${input}`)]);
                const expected = readConformance(`models/${name}/${output}`);
                expect(Buffer.concat(outputs).equals(expected), input).toBe(true);
              }
            });
          });
        }

        for (const op of ["add", "conv_2d", "fully_connected", "softmax", "svdf"]) {
          it(`${op}: random models are exact`, async () => {
            const cases = operatorCases().filter((one) => one.op === op);
            expect(cases.length).toBeGreaterThan(0);
            for (const { id, model, input, output, samples, state } of cases.slice(0, 4)) {
              const module = await compile(readConformance(`ops/${model}`), { name: id });
              const inputs = readConformance(`ops/${input}`);
              const frame = inputs.length / samples;
              const answers = await using(module, async (loaded) => {
                const found: Uint8Array[] = [];
                const hasState = (module.manifest.features & 16) !== 0;
                for (let sample = 0; sample < samples; sample++) {
                  if (hasState && state === "fresh") await loaded.resetState();
                  const bytes = inputs.subarray(sample * frame, (sample + 1) * frame);
                  let at = 0;
                  const tensors = module.manifest.inputs.map(({ bytes: length }) => {
                    at += length;
                    return bytes.subarray(at - length, at);
                  });
                  found.push(...(await loaded.infer(tensors)).outputs);
                }
                return found;
              });
              expect(Buffer.concat(answers).equals(readConformance(`ops/${output}`)), id).toBe(true);
            }
          });
        }
      });

      it("gives every answer once, in order, on a line that loses, doubles and damages frames", async (context) => {
        if (!running.url.startsWith("tcp:")) context.skip("only a line of TCP can be made worse");
        await session.close();
        const cable = await badCable(running.url, { loss: 0.01, duplication: 0.01, corruption: 0.01 }, 5);
        try {
          // An emulator that shares two cores with other tests may be slow to answer, and the line loses the greeting at times.
          const bad = await openBoard(cable.url, { connectTimeout: 60_000 });
          await bad.deploy(large);
          await bad.deploy(incrementModule("inc", 64));
          const loaded = await bad.load("inc");
          const answers = await answersOf(loaded.stream(frames(300, 64)));
          expect(answers.map(({ frame }) => frame)).toEqual(Array.from({ length: 300 }, (_, index) => index));
          for (const { frame, outputs } of answers)
            expect(outputs).toEqual([new Uint8Array(64).fill(frame + 1)]);
          expect((await loaded.counters()).inferences).toBe(300);
          expect(bad.lineStatistics.resent).toBeGreaterThan(0);
          await bad.close();
        } finally {
          cable.close();
          session = await openBoard(running.url, { connectTimeout: 60_000 });
        }
      });
    });
  }
});
