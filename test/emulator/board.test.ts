import { SerialPortStream } from "@serialport/stream";
import { afterEach, describe, expect, it } from "vitest";
import { type BoardSession, openBoard } from "../../host/board/board_session.js";
import { loadBoard } from "../../host/descriptor/load_board.js";
import { createEmulatorBinding, emulatorBinding } from "../../host/emulator/binding.js";
import { DuplexStream } from "../../host/transport/duplex_stream.js";
import { busyModule, incrementModule, layerImport, testModule } from "./module_fixtures.js";

const sessions: BoardSession[] = [];
let seed = 1000;

/** A board of its own for each test: another seed is another board. */
async function open(url?: string): Promise<BoardSession> {
  const session = await openBoard(url ?? `emulator:esp32?seed=${seed++}`);
  sessions.push(session);
  return session;
}

afterEach(async () => {
  await Promise.all(sessions.splice(0).map((session) => session.close()));
});

const infer = (body: string) => `(func (export "infer") (result i32) ${body})`;
const bytes = (...values: number[]) => Uint8Array.from(values);

describe("the virtual board", () => {
  it("says what its descriptor says", async () => {
    const { info } = await open();
    const board = loadBoard("esp32");
    expect(info).toMatchObject({
      board: "esp32",
      clockHertz: board.clockHertz.value,
      countUnit: "cycles",
      memoryTotalBytes: board.memory.poolBytes.value,
      memoryLargestBlockBytes: board.memory.largestBlockBytes.value,
      storeSlots: board.store.slots,
      storeFreeSlots: board.store.slots,
    });
    expect(info.countSource).toMatch(/^modelled: .*xtensa.*assumed/);
    expect(info.chip).toContain("virtual");
  });

  it("stores a module, runs it, and says what that would cost, the same every time", async () => {
    const module = incrementModule("inc", 8);
    const runs: unknown[] = [];
    for (let run = 0; run < 2; run++) {
      const board = await open();
      await board.deploy(module, { activate: true });
      const loaded = await board.load();
      const answer = await loaded.infer([bytes(1, 2, 3, 4, 5, 6, 7, 255)]);
      expect(answer.outputs[0]).toEqual(bytes(2, 3, 4, 5, 6, 7, 8, 0));
      runs.push({ ...answer });
      const totals = await loaded.counters();
      expect(totals.inferences).toBe(1);
    }
    expect(runs[1]).toEqual(runs[0]);
  });

  it("keeps what was stored, and what is active, over a reset and a closed port", async () => {
    const url = `emulator:esp32?seed=${seed++}`;
    const board = await open(url);
    await board.deploy(incrementModule("one", 4), { activate: true });
    await board.deploy(incrementModule("two", 4));
    await board.reset();
    expect((await board.modules()).map(({ name, active }) => [name, active])).toEqual([
      ["one", true],
      ["two", false],
    ]);
    await board.close();
    const again = await open(url);
    expect((await again.modules()).length).toBe(2);
    expect((await again.load()).name).toBe("one");
  });

  it("refuses what could never run here, with figures, before a byte is stored", async () => {
    const board = await open();
    const large = incrementModule("large", 4, { heapBase: 200 * 1024 });
    await expect(board.deploy(large)).rejects.toMatchObject({
      code: "WAMLET_DOES_NOT_FIT",
      message: expect.stringMatching(/204800.*131072/),
    });
    const hungry = incrementModule("hungry", 4, {
      heapBase: 100 * 1024,
      manifest: { runtimeBytes: 200_000 },
    });
    await expect(board.deploy(hungry)).rejects.toMatchObject({
      code: "WAMLET_DOES_NOT_FIT",
      message: expect.stringMatching(/302400.*139264/),
    });
    const long = incrementModule("long", 4, { manifest: { payloadBytes: 500_000 } });
    await expect(board.deploy(long)).rejects.toMatchObject({
      code: "WAMLET_DOES_NOT_FIT",
      message: expect.stringMatching(/500000.*389120/),
    });
    const newer = incrementModule("newer", 4, { manifest: { abi: 9 } });
    await expect(board.deploy(newer)).rejects.toMatchObject({ code: "WAMLET_UNSUPPORTED_MODULE" });
    const strange = incrementModule("strange", 4, { manifest: { features: 1 << 20 } });
    await expect(board.deploy(strange)).rejects.toMatchObject({ code: "WAMLET_UNSUPPORTED_MODULE" });
    expect(await board.modules()).toEqual([]);
  });

  it("refuses a second module that no longer fits beside the first, and takes it once that is gone", async () => {
    const board = await open();
    const big = (name: string) => incrementModule(name, 4, { heapBase: 60 * 1024 });
    for (const name of ["a", "b", "c"]) await board.deploy(big(name));
    const first = await board.load("a");
    await board.load("b");
    await expect(board.load("c")).rejects.toMatchObject({ code: "WAMLET_DOES_NOT_FIT" });
    await first.unload();
    expect((await board.load("c")).name).toBe("c");
    const info = await board.refresh();
    expect(info.memoryHighWaterBytes).toBe(info.memoryUsedBytes);
  });

  it("refuses a deploy that its store has no slot for", async () => {
    const board = await open();
    for (const name of ["a", "b", "c", "d"]) await board.deploy(incrementModule(name, 4));
    await expect(board.deploy(incrementModule("e", 4))).rejects.toMatchObject({ code: "WAMLET_STORE_FULL" });
    await board.remove("b");
    expect((await board.deploy(incrementModule("e", 4))).slot).toBe(1);
  });

  it("neither replaces nor removes a module that is loaded", async () => {
    const board = await open();
    await board.deploy(incrementModule("a", 4));
    const loaded = await board.load("a");
    await expect(board.remove("a")).rejects.toMatchObject({ message: expect.stringMatching(/loaded/) });
    await expect(board.deploy(incrementModule("a", 5))).rejects.toMatchObject({
      message: expect.stringMatching(/loaded/),
    });
    await loaded.unload();
    await board.remove("a");
    expect(await board.modules()).toEqual([]);
  });

  it("answers a trap, a runaway and a write out of bounds with their names, and marks the module", async () => {
    const faults = {
      WAMLET_MODULE_TRAPPED: infer("(unreachable)"),
      WAMLET_MODULE_TIMEOUT: infer("(loop $l (br $l)) (i32.const 0)"),
      WAMLET_MODULE_OUT_OF_BOUNDS: infer("(i32.store8 (i32.const 4096) (i32.const 1)) (i32.const 0)"),
    };
    const board = await open();
    for (const [code, text] of Object.entries(faults)) {
      const module = testModule("bad", text);
      await board.deploy(module);
      const loaded = await board.load("bad");
      await expect(loaded.infer([bytes(1, 2, 3, 4)])).rejects.toMatchObject({ code });
      await expect(loaded.infer([bytes(1, 2, 3, 4)])).rejects.toMatchObject({ code });
      expect((await board.modules())[0]).toMatchObject({ state: "faulted" });
      await loaded.unload();
      await board.reset();
      await expect(board.load("bad")).rejects.toMatchObject({ code: "WAMLET_INVALID_MODULE" });
    }
    await board.deploy(incrementModule("good", 4));
    const good = await board.load("good");
    expect((await good.infer([bytes(1, 2, 3, 4)])).outputs[0]).toEqual(bytes(2, 3, 4, 5));
  });

  it("goes on after an inference that reports a failure of its own", async () => {
    const board = await open();
    await board.deploy(testModule("picky", infer("(i32.load (i32.const 0))")));
    const loaded = await board.load("picky");
    await expect(loaded.infer([bytes(3, 0, 0, 0)])).rejects.toMatchObject({
      message: expect.stringContaining("returned 3"),
    });
    expect((await loaded.infer([bytes(0, 0, 0, 0)])).outputs[0]?.length).toBe(4);
  });

  it("counts layers of a profiling build, and says how to get one where it is none", async () => {
    const board = await open();
    const stores = (count: number) => "(i32.store (i32.const 4) (i32.const 1))".repeat(count);
    const layers = Array.from(
      { length: 40 },
      (_, index) => `${stores(index + 1)} (call $layer (i32.const ${index}))`,
    );
    await board.deploy(
      testModule("layered", infer(`${layers.join(" ")} (i32.const 0)`), {
        imports: layerImport,
        manifest: { layers: 40 },
      }),
    );
    const layered = await board.load("layered");
    const answer = await layered.infer([bytes(0, 0, 0, 0)], { layers: true });
    expect(answer.layers?.length).toBe(40);
    expect(
      answer.layers?.every((count, index) => index === 0 || count > (answer.layers?.[index - 1] ?? 0)),
    ).toBe(true);
    await board.deploy(incrementModule("plain", 4));
    const plain = await board.load("plain");
    await expect(plain.infer([bytes(0, 0, 0, 0)], { layers: true })).rejects.toMatchObject({
      code: "WAMLET_NO_LAYERS",
    });
  });

  it("resets a module's state and totals, and refuses that where there is no state", async () => {
    const board = await open();
    const count = "(i32.store (i32.const 8) (i32.add (i32.load (i32.const 8)) (i32.const 1)))";
    const text = `${infer(`${count} (i32.store (i32.const 4) (i32.load (i32.const 8))) (i32.const 0)`)}
      (func (export "reset") (i32.store (i32.const 8) (i32.const 0)))`;
    await board.deploy(testModule("counter", text));
    const counter = await board.load("counter");
    const next = async () => (await counter.infer([bytes(0, 0, 0, 0)])).outputs[0]?.[0];
    expect([await next(), await next()]).toEqual([1, 2]);
    await counter.resetState();
    expect((await counter.counters()).inferences).toBe(0);
    expect(await next()).toBe(1);
    await board.deploy(incrementModule("plain", 4));
    const plain = await board.load("plain");
    await expect(plain.resetState()).rejects.toMatchObject({ code: "WAMLET_UNSUPPORTED_MODULE" });
  });

  it("takes inputs and gives outputs that are many times its receive buffer", async () => {
    const board = await open();
    const size = 20_000;
    await board.deploy(incrementModule("wide", size, { heapBase: 40_960 }));
    const wide = await board.load("wide");
    const input = Uint8Array.from({ length: size }, (_, index) => index % 251);
    const { outputs } = await wide.infer([input]);
    expect(
      Buffer.compare(
        outputs[0] ?? bytes(),
        input.map((byte) => byte + 1),
      ),
    ).toBe(0);
  });

  it("resumes a deploy that a power cut interrupted", async () => {
    const url = `emulator:esp32?seed=${seed++}`;
    const board = await open(url);
    const padding = "(i32.store (i32.const 4) (i32.const 1))".repeat(4000);
    const module = testModule("long", infer(`${padding} (i32.const 0)`));
    expect(module.payload.length).toBeGreaterThan(5 * 4096);
    const flash = emulatorBinding.board(url)?.flash;
    flash?.planPowerCut({ afterOperations: 20, tear: "inside", seed: 7 });
    await expect(board.deploy(module)).rejects.toMatchObject({ code: "WAMLET_BOARD_RESTARTED" });
    const { resumedAt } = await board.deploy(module);
    expect(resumedAt).toBeGreaterThan(0);
    expect(resumedAt % 4096).toBe(0);
    expect((await (await board.load("long")).infer([bytes(0, 0, 0, 0)])).outputs[0]).toEqual(
      bytes(1, 0, 0, 0),
    );
  });
});

describe("the serialport binding", () => {
  it("lists the boards and refuses what it does not know, with what it does know", async () => {
    const binding = createEmulatorBinding();
    expect((await binding.list()).map(({ path }) => path)).toContain("emulator:esp32");
    const attempt = (path: string) => binding.open({ path, baudRate: 921600 });
    await expect(attempt("emulator:")).rejects.toMatchObject({ code: "WAMLET_INVALID_PORT" });
    await expect(attempt("emulator:esp32?speed=1")).rejects.toMatchObject({ code: "WAMLET_INVALID_PORT" });
    await expect(attempt("emulator:esp32?loss=2")).rejects.toMatchObject({ code: "WAMLET_INVALID_PORT" });
    await expect(attempt("emulator:esp32?pace=slow")).rejects.toMatchObject({ code: "WAMLET_INVALID_PORT" });
    await expect(attempt("emulator:nothing")).rejects.toMatchObject({ code: "WAMLET_UNKNOWN_BOARD" });
  });

  it("lets one have the port at a time, and gives it back when it is closed", async () => {
    const binding = createEmulatorBinding();
    const options = { path: "emulator:esp32", baudRate: 921600 };
    const port = await binding.open(options);
    await expect(binding.open(options)).rejects.toMatchObject({ code: "WAMLET_PORT_BUSY" });
    const reading = port.read(Buffer.alloc(10), 0, 10);
    await reading;
    const waiting = port.read(Buffer.alloc(10), 0, 10).catch((error: unknown) => error);
    await port.close();
    expect(await waiting).toMatchObject({ canceled: true });
    await expect(port.write(Buffer.of(1))).rejects.toThrow(/not open/);
    const again = await binding.open(options);
    expect(await again.get()).toEqual({ cts: true, dsr: true, dcd: false });
    await again.close();
  });

  it("restarts the board by its RTS line, as Espressif's boards are wired", async () => {
    const binding = createEmulatorBinding();
    const port = new SerialPortStream({ binding, path: "emulator:esp32c3", baudRate: 921600 });
    const received: number[] = [];
    port.on("data", (chunk: Buffer) => received.push(...chunk));
    const frames = async (count: number) => {
      while (received.filter((byte) => byte === 0).length < 2 * count)
        await new Promise((resolve) => setImmediate(resolve));
    };
    await frames(1);
    await new Promise<void>((resolve) => port.set({ rts: true, dtr: false }, () => resolve()));
    await new Promise<void>((resolve) => port.set({ rts: false, dtr: false }, () => resolve()));
    await frames(2);
    await new Promise<void>((resolve) => port.close(() => resolve()));
  });

  it("gives noise at another baud rate than the board's", async () => {
    const binding = createEmulatorBinding();
    const port = new SerialPortStream({ binding, path: "emulator:esp32", baudRate: 115200, autoOpen: false });
    await new Promise<void>((resolve) => port.open(() => resolve()));
    const close = () => new Promise<void>((resolve) => port.close(() => resolve()));
    const stream = new DuplexStream(port, "emulator:esp32", 115200, close);
    await expect(openBoard(stream, { connectTimeout: 700 })).rejects.toMatchObject({
      code: "WAMLET_LINE_TIMEOUT",
    });
  });

  it("carries every answer once over a line that loses, doubles and damages frames", async () => {
    const board = await open(`emulator:esp32?loss=0.01&duplication=0.01&corrupt=0.01&seed=${seed++}`);
    await board.deploy(incrementModule("inc", 32));
    const loaded = await board.load("inc");
    const frames = Array.from({ length: 300 }, (_, index) => [new Uint8Array(32).fill(index)]);
    let position = 0;
    for await (const answer of loaded.stream(frames)) {
      expect(answer.outputs[0]?.every((byte) => byte === ((position + 1) & 0xff))).toBe(true);
      position++;
    }
    expect(position).toBe(300);
    expect((await loaded.counters()).inferences).toBe(300);
    expect(board.lineStatistics.resent + board.lineStatistics.damaged).toBeGreaterThan(0);
  });
});

describe("the virtual clock", () => {
  it("gives the same virtual time for the same work", async () => {
    const times: number[] = [];
    for (let run = 0; run < 2; run++) {
      const url = `emulator:esp32?seed=${seed++}`;
      const board = await open(url);
      await board.deploy(busyModule("busy", 20_000));
      const busy = await board.load("busy");
      const clock = emulatorBinding.board(url)?.clock;
      const start = clock?.now ?? 0;
      for await (const _ of busy.stream(Array.from({ length: 50 }, () => [bytes(1, 2, 3, 4)])));
      times.push((clock?.now ?? 0) - start);
    }
    expect(times[0]).toBeGreaterThan(0);
    expect(times[1]).toBe(times[0]);
  });
});
