/** How well a stream uses line and processor, in virtual time: nothing here depends on the machine that runs it. */
import { describe, expect, it } from "vitest";
import { openBoard } from "../../host/board/board_session.js";
import { emulatorBinding } from "../../host/emulator/binding.js";
import { busyModule, incrementModule, type TestModule } from "./module_fixtures.js";

let seed = 5000;

interface Usage {
  /** Share of the time that each direction of the line was busy. */
  readonly incoming: number;
  readonly outgoing: number;
  /** Input bytes per second × 10 bits, as a share of the baud rate. */
  readonly payload: number;
  /** Share of the time that the module computed. */
  readonly compute: number;
}

async function stream(board: string, module: TestModule, frames: number): Promise<Usage> {
  const url = `emulator:${board}?seed=${seed++}`;
  const session = await openBoard(url);
  try {
    await session.deploy(module);
    const loaded = await session.load(module.manifest.name);
    const virtual = emulatorBinding.board(url);
    if (virtual === undefined) throw new Error(`${url} is not open`);
    const { clock, incoming, outgoing, baudRate } = virtual;
    const start = clock.now;
    const [carriedIn, carriedOut] = [incoming.carried, outgoing.carried];
    const frame = module.manifest.inputs.map(({ bytes }) => new Uint8Array(bytes).fill(7));
    let microseconds = 0;
    let answered = 0;
    for await (const answer of loaded.stream(Array.from({ length: frames }, () => frame))) {
      microseconds += answer.microseconds;
      answered++;
    }
    expect(answered).toBe(frames);
    const seconds = (clock.now - start) / 1e9;
    const inputBytes = frames * frame.reduce((sum, { length }) => sum + length, 0);
    return {
      incoming: ((incoming.carried - carriedIn) * 10) / baudRate / seconds,
      outgoing: ((outgoing.carried - carriedOut) * 10) / baudRate / seconds,
      payload: (inputBytes * 10) / baudRate / seconds,
      compute: microseconds / 1e6 / seconds,
    };
  } finally {
    await session.close();
  }
}

describe("a stream of frames, in virtual time", () => {
  it.each([
    ["esp32", 500],
    ["esp32", 1000],
    ["esp32", 3000],
    ["rp2040", 1000],
    ["linux", 3000],
  ])(
    "brings input to %s in frames of %i bytes, at 90 percent of the line rate or more",
    async (board, bytes) => {
      const usage = await stream(board, increment(bytes), 150);
      expect(usage.payload).toBeGreaterThanOrEqual(0.9);
    },
  );

  it("keeps the busier direction of the line at 90 percent or more with frames of 64 bytes", async () => {
    const usage = await stream("esp32", increment(64), 300);
    expect(Math.max(usage.incoming, usage.outgoing)).toBeGreaterThanOrEqual(0.9);
  });

  it.each([
    ["esp32", 4, 2_000],
    ["esp32", 64, 20_000],
    ["esp32", 1500, 200_000],
    ["esp32", 2000, 200_000],
    ["nrf52840", 500, 50_000],
  ])(
    "keeps the processor of %s busy at 95 percent or more with frames of %i bytes and %i rounds of work",
    async (board, inputBytes, rounds) => {
      const usage = await stream(board, busyModule("busy", rounds, { inputBytes, heapBase: 8192 }), 60);
      expect(usage.compute).toBeGreaterThanOrEqual(0.95);
    },
  );

  it("waits with a frame that does not fit beside the one that runs, and loses nothing", async () => {
    const usage = await stream(
      "esp32",
      busyModule("busy", 50_000, { inputBytes: 12_000, heapBase: 16_384 }),
      20,
    );
    expect(usage.compute + usage.incoming).toBeGreaterThan(0.9);
  });

  it("takes the same virtual time every time", async () => {
    const { payload, compute } = await stream("esp32", increment(200), 40);
    expect(await stream("esp32", increment(200), 40)).toMatchObject({ payload, compute });
  });
});

function increment(bytes: number): TestModule {
  return incrementModule("increment", bytes, { heapBase: 8192 });
}
