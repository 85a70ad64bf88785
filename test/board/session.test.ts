import { describe, expect, it } from "vitest";
import type { Answer } from "../../host/board/answer.js";
import { openBoard } from "../../host/board/board_session.js";
import { encodeManifest } from "../../host/module/manifest_codec.js";
import { busyModule, incrementModule, layerImport, testModule } from "../emulator/module_fixtures.js";
import { deployed, virtualBoard } from "./virtual_boards.js";

/** A module larger than a chunk, so that its deploy takes a while on the line. */
const large = testModule(
  "large",
  `(data "${"\\5a\\a5\\00\\11".repeat(8000)}")
    (func (export "infer") (result i32)
      (i32.store8 (i32.const 4) (i32.add (i32.load8_u (i32.const 0)) (i32.const 1))) (i32.const 0))`,
  { outputBytes: 1 },
);

async function answersOf(stream: AsyncIterable<Answer>): Promise<Answer[]> {
  const answers: Answer[] = [];
  for await (const answer of stream) answers.push(answer);
  return answers;
}

function frames(count: number, bytes: number): Uint8Array[][] {
  return Array.from({ length: count }, (_, index) => [new Uint8Array(bytes).fill(index)]);
}

const code = (name: string) => expect.objectContaining({ code: name });

describe("a session with a board", () => {
  it("knows what the board is", async () => {
    const { session } = await virtualBoard();
    expect(session.info).toMatchObject({ board: "esp32", protocolVersion: 1, countUnit: "cycles" });
    expect(session.info.storeFreeSlots).toBe(session.info.storeSlots);
    expect(await session.refresh()).toEqual(session.info);
  });

  it("deploys, lists, activates, loads, runs, counts and removes", async () => {
    const { session } = await virtualBoard();
    const module = incrementModule("one", 20);
    const { name, payloadBytes, resumedAt, bytesPerSecond } = await session.deploy(module, {
      activate: true,
    });
    expect({ name, payloadBytes, resumedAt }).toEqual({
      name: "one",
      payloadBytes: module.payload.length,
      resumedAt: 0,
    });
    expect(bytesPerSecond).toBeGreaterThan(0);
    await session.deploy(incrementModule("two", 8), { name: "second" });
    const stored = await session.modules();
    expect(stored.map(({ name, active, state }) => [name, active, state])).toEqual([
      ["one", true, "complete"],
      ["second", false, "complete"],
    ]);
    expect(stored[0]?.sha256).toEqual(module.manifest.payloadSha256);

    const loaded = await session.load();
    expect(loaded.name).toBe("one");
    const answer = await loaded.infer([new Uint8Array(20).fill(41)]);
    expect(answer.outputs).toEqual([new Uint8Array(20).fill(42)]);
    expect(answer).toMatchObject({ frame: 0, energySource: "modelled", layers: null });
    expect(answer.count.unit).toBe("cycles");
    expect(answer.count.source).toContain("modelled");
    expect(answer.count.value).toBeGreaterThan(0);
    expect(answer.microseconds).toBeGreaterThan(0);
    expect(answer.nanojoules).toBeGreaterThan(0);
    await loaded.infer([new Uint8Array(20)]);
    const totals = await loaded.counters();
    expect(totals.inferences).toBe(2);
    expect(totals.count).toBe(answer.count.value * 2);

    await loaded.unload();
    await session.activate("second");
    await session.remove("one");
    expect((await session.modules()).map(({ name }) => name)).toEqual(["second"]);
  });

  it("carries inputs and outputs far larger than the board's buffer", async () => {
    const { session } = await virtualBoard();
    const loaded = await deployed(session, incrementModule("wide", 9000, { heapBase: 20_480 }));
    const input = Uint8Array.from({ length: 9000 }, (_, index) => (index * 37) & 0xff);
    const answers = await answersOf(loaded.stream([[input], [input.map((value) => value ^ 0x55)]]));
    expect(answers.map(({ outputs }) => outputs)).toEqual([
      [input.map((value) => value + 1)],
      [input.map((value) => (value ^ 0x55) + 1)],
    ]);
  });

  it("counts by layer where the module is a profiling build, and says how to get one", async () => {
    const { session } = await virtualBoard();
    const plain = await deployed(session, incrementModule("plain", 4));
    await expect(plain.infer([new Uint8Array(4)], { layers: true })).rejects.toEqual(
      code("WAMLET_NO_LAYERS"),
    );
    await expect(plain.infer([new Uint8Array(4)], { layers: true })).rejects.toMatchObject({
      hint: expect.stringContaining("--profile"),
    });
    expect((await plain.infer([new Uint8Array(4)])).outputs).toEqual([new Uint8Array(4).fill(1)]);

    const infer = `(func (export "infer") (result i32)
      (call $layer (i32.const 0)) (drop (i32.load (i32.const 8))) (call $layer (i32.const 1)) (i32.const 0))`;
    const profiled = await deployed(
      session,
      testModule("profiled", infer, { imports: layerImport, manifest: { layers: 2 } }),
    );
    const { layers, count } = await profiled.infer([new Uint8Array(4)], { layers: true });
    expect(layers?.length).toBe(2);
    expect(layers?.reduce((sum, layer) => sum + layer, 0)).toBeLessThanOrEqual(count.value);
    expect((await profiled.infer([new Uint8Array(4)])).layers).toBeNull();
  });

  it("refuses a frame of the wrong size before it is on the line", async () => {
    const { session, board } = await virtualBoard();
    const loaded = await deployed(session, incrementModule("inc", 16));
    const carried = board.incoming.carried;
    await expect(loaded.infer([new Uint8Array(15)])).rejects.toEqual(code("WAMLET_WRONG_SHAPE"));
    await expect(loaded.infer([])).rejects.toEqual(code("WAMLET_WRONG_SHAPE"));
    expect(board.incoming.carried).toBe(carried);
  });

  it("turns the board's refusals into typed errors with figures", async () => {
    const { session } = await virtualBoard();
    await expect(session.load("ghost")).rejects.toEqual(code("WAMLET_UNKNOWN_MODULE"));
    await expect(session.load()).rejects.toEqual(code("WAMLET_UNKNOWN_MODULE"));
    await expect(session.remove("x".repeat(5000))).rejects.toEqual(code("WAMLET_BOARD_REFUSED"));
    const huge = testModule("huge", '(func (export "infer") (result i32) (i32.const 0))', {
      manifest: { linearMemoryBytes: 4096 * 1000 },
    });
    await expect(session.deploy(huge)).rejects.toEqual(code("WAMLET_DOES_NOT_FIT"));
    await expect(session.deploy(huge)).rejects.toMatchObject({ message: expect.stringContaining("4096000") });
  });

  it("reports a trap as the answer to its frame, after the answers before it", async () => {
    const { session } = await virtualBoard();
    const trap = `(func (export "infer") (result i32)
      (if (i32.eq (i32.load8_u (i32.const 0)) (i32.const 3)) (then unreachable)) (i32.const 0))`;
    const loaded = await deployed(session, testModule("trap", trap));
    const seen: number[] = [];
    const run = async () => {
      for await (const { frame } of loaded.stream(frames(6, 4))) seen.push(frame);
    };
    await expect(run()).rejects.toEqual(code("WAMLET_MODULE_TRAPPED"));
    expect(seen).toEqual([0, 1, 2]);
    expect((await session.modules())[0]?.state).toBe("faulted");
    const other = await deployed(session, incrementModule("other", 4));
    expect((await other.infer([new Uint8Array(4)])).outputs).toEqual([new Uint8Array(4).fill(1)]);
  });

  it("survives a reset: what is stored stays, what was loaded is gone and says so", async () => {
    const { session } = await virtualBoard();
    const before = session.info.bootId;
    const loaded = await deployed(session, incrementModule("inc", 4));
    await session.reset();
    expect(session.info.bootId).not.toBe(before);
    await expect(loaded.infer([new Uint8Array(4)])).rejects.toEqual(code("WAMLET_BOARD_RESTARTED"));
    await expect(loaded.counters()).rejects.toEqual(code("WAMLET_BOARD_RESTARTED"));
    const again = await session.load();
    expect((await again.infer([new Uint8Array(4)])).outputs).toEqual([new Uint8Array(4).fill(1)]);
  });

  it("sends the board's log up to the wanted level", async () => {
    const lines: string[] = [];
    const { session } = await virtualBoard("emulator:esp32", { onLog: (_, text) => lines.push(text) });
    await session.deploy(incrementModule("quiet", 4));
    expect(lines).toEqual([]);
    await session.logLevel("information");
    await session.deploy(incrementModule("told", 4));
    await session.refresh();
    expect(lines.some((line) => line.includes("told"))).toBe(true);
  });
});

describe("a deploy that is cut off", () => {
  it("goes on where it stopped after an interruption", async () => {
    const { session } = await virtualBoard();
    const control = new AbortController();
    const onProgress = ({ bytes }: { bytes: number }) => bytes > 20_000 && control.abort();
    await expect(session.deploy(large, { onProgress, signal: control.signal })).rejects.toEqual(
      code("WAMLET_INTERRUPTED"),
    );
    expect((await session.modules())[0]?.state).toBe("partial");
    const { resumedAt } = await session.deploy(large, { activate: true });
    expect(resumedAt).toBeGreaterThan(8000);
    const loaded = await session.load();
    expect((await loaded.infer([new Uint8Array(4)])).outputs).toEqual([Uint8Array.of(1)]);
  });

  it("goes on where it stopped after the board lost power", async () => {
    const test = await virtualBoard();
    let cut = false;
    const onProgress = ({ bytes }: { bytes: number }) => {
      if (bytes < 20_000 || cut) return;
      cut = true;
      test.board.holdInReset();
      test.board.releaseReset();
    };
    await expect(test.session.deploy(large, { onProgress })).rejects.toEqual(code("WAMLET_BOARD_RESTARTED"));
    const { resumedAt, payloadBytes } = await test.session.deploy(large);
    expect(resumedAt).toBeGreaterThan(8000);
    expect(resumedAt).toBeLessThan(payloadBytes);
    expect((await test.session.modules())[0]?.sha256).toEqual(large.manifest.payloadSha256);
  });

  it("says what went wrong with a chunk, not what followed from it", async () => {
    const { session } = await virtualBoard();
    const { manifest } = large;
    const short = { ...manifest, payloadBytes: manifest.payloadBytes - 3000 };
    const deploy = session.deploy({ ...large, manifest: short, manifestBytes: encodeManifest(short) });
    await expect(deploy).rejects.toMatchObject({ message: expect.stringContaining("expected byte") });
    expect((await session.deploy(large)).payloadBytes).toBe(large.payload.length);
  });

  it("never takes for stored what was damaged on the way", async () => {
    const { session } = await virtualBoard();
    const payload = large.payload.slice();
    payload[20_000] = (payload[20_000] ?? 0) ^ 1;
    await expect(session.deploy({ ...large, payload })).rejects.toEqual(code("WAMLET_HASH_MISMATCH"));
    expect((await session.modules()).some(({ state }) => state === "complete")).toBe(false);
  });

  it("tells progress that only grows and ends at the whole", async () => {
    const { session } = await virtualBoard();
    const told: number[] = [];
    await session.deploy(large, { onProgress: ({ bytes }) => told.push(bytes) });
    expect(told).toEqual([...told].sort((one, other) => one - other));
    expect(told.at(-1)).toBe(large.payload.length);
  });
});

describe("a session on a bad cable", () => {
  it("deploys and gives every answer once, in order, at 1 % loss, duplication and corruption", async () => {
    const { session } = await virtualBoard("emulator:esp32?loss=0.01&duplication=0.01&corrupt=0.01&seed=5");
    await session.deploy(large);
    const loaded = await deployed(session, incrementModule("inc", 64));
    const answers = await answersOf(loaded.stream(frames(300, 64)));
    expect(answers.map(({ frame }) => frame)).toEqual(Array.from({ length: 300 }, (_, index) => index));
    for (const { frame, outputs } of answers) {
      expect(outputs).toEqual([new Uint8Array(64).fill(frame + 1)]);
    }
    expect((await loaded.counters()).inferences).toBe(300);
    expect(session.lineStatistics.resent).toBeGreaterThan(0);
  });
});

describe("what ends a session", () => {
  it("a board that is silent in the middle of an inference is given up with a hint", async () => {
    const { session, board } = await virtualBoard("emulator:esp32", { timeout: 500 });
    const loaded = await deployed(session, busyModule("busy", 1000));
    board.holdInReset();
    const failed = loaded.infer([new Uint8Array(4)]);
    await expect(failed).rejects.toEqual(code("WAMLET_LINE_TIMEOUT"));
    await expect(failed).rejects.toMatchObject({ hint: expect.stringContaining("--timeout") });
    await expect(session.modules()).rejects.toEqual(code("WAMLET_LINE_TIMEOUT"));
  });

  it("closing fails whatever is under way", async () => {
    const { session } = await virtualBoard();
    const loaded = await deployed(session, incrementModule("inc", 4));
    const running = answersOf(loaded.stream(frames(1000, 4)));
    const failed = expect(running).rejects.toEqual(code("WAMLET_LINE_CLOSED"));
    await session.close();
    await failed;
    await expect(session.modules()).rejects.toEqual(code("WAMLET_LINE_CLOSED"));
  });

  it("opening at another baud rate than the board's finds no agent, and says what to check", async () => {
    const opening = openBoard("emulator:esp32?baud=115200&seed=77", { baudRate: 9600, connectTimeout: 400 });
    await expect(opening).rejects.toEqual(code("WAMLET_LINE_TIMEOUT"));
  });

  it("opening can be interrupted", async () => {
    const opening = openBoard("emulator:esp32?baud=115200&seed=78", {
      baudRate: 9600,
      signal: AbortSignal.timeout(100),
    });
    await expect(opening).rejects.toEqual(code("WAMLET_INTERRUPTED"));
  });
});
