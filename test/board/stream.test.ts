import { describe, expect, it } from "vitest";
import { busyModule, incrementModule, testModule } from "../emulator/module_fixtures.js";
import { deployed, virtualBoard } from "./virtual_boards.js";

const code = (name: string) => expect.objectContaining({ code: name });

/** Writes the sum of a 490-byte frame: large input, small output. */
const sum = testModule(
  "sum",
  `(func (export "infer") (result i32) (local $i i32) (local $sum i32)
    (loop $next
      (local.set $sum (i32.add (local.get $sum) (i32.load8_u (local.get $i))))
      (br_if $next (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 1))) (i32.const 490))))
    (i32.store (i32.const 492) (local.get $sum))
    (i32.const 0))`,
  { inputBytes: 490, manifest: { outputs: [{ offset: 492, bytes: 4 }] } },
);

function frame(index: number): Uint8Array[] {
  return [Uint8Array.from({ length: 490 }, (_, place) => (index * 31 + place) & 0xff)];
}

function* count(frames: number, told: (index: number) => void = () => {}): Generator<Uint8Array[]> {
  for (let index = 0; index < frames; index++) {
    told(index);
    yield frame(index);
  }
}

describe("a stream of frames", () => {
  it("keeps at least 90 % of the line on input where the line is the limit", async () => {
    const { session, board } = await virtualBoard("emulator:esp32?baud=115200");
    const loaded = await deployed(session, sum);
    const start = board.clock.now;
    let answers = 0;
    for await (const answer of loaded.stream(count(150))) {
      const expected = frame(answer.frame)[0]?.reduce((total, value) => total + value, 0) ?? 0;
      expect(new DataView(answer.outputs[0]?.buffer ?? new ArrayBuffer(4)).getUint32(0, true)).toBe(expected);
      answers += 1;
    }
    const seconds = (board.clock.now - start) / 1e9;
    expect(answers).toBe(150);
    const share = (150 * 490) / (seconds * 11_520);
    expect(share).toBeGreaterThan(0.9);
    expect(share).toBeLessThan(1);
  });

  it("keeps the board computing at least 95 % of the time where computing is the limit", async () => {
    const { session, board } = await virtualBoard("emulator:esp32?baud=115200");
    const loaded = await deployed(session, busyModule("busy", 400_000, { inputBytes: 490 }));
    const start = board.clock.now;
    let microseconds = 0;
    for await (const answer of loaded.stream(count(40))) microseconds += answer.microseconds;
    const share = microseconds / ((board.clock.now - start) / 1000);
    expect(share).toBeGreaterThan(0.95);
    expect(share).toBeLessThanOrEqual(1);
  });

  it("takes frames no further ahead than the consumer follows, and in bounded number", async () => {
    const { session } = await virtualBoard();
    const loaded = await deployed(session, incrementModule("inc", 490));
    let taken = 0;
    let consumed = 0;
    let ahead = 0;
    const source = count(1000, (index) => {
      taken = index + 1;
    });
    for await (const _ of loaded.stream(source)) {
      consumed += 1;
      if (consumed % 250 === 0) await new Promise((resolve) => setTimeout(resolve, 50));
      ahead = Math.max(ahead, taken - consumed);
    }
    expect(consumed).toBe(1000);
    expect(ahead).toBeLessThanOrEqual(260);
  });

  it("takes frames from a slow producer as they come", async () => {
    const { session } = await virtualBoard();
    const loaded = await deployed(session, incrementModule("inc", 490));
    async function* slow() {
      for (const inputs of count(10)) {
        await new Promise((resolve) => setTimeout(resolve, 2));
        yield inputs;
      }
    }
    const seen: number[] = [];
    const sent: number[] = [];
    for await (const answer of loaded.stream(slow(), { onSent: (index) => sent.push(index) }))
      seen.push(answer.frame);
    expect(seen).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
    expect(sent).toEqual(seen);
  });

  it("has nothing to say about no frames", async () => {
    const { session } = await virtualBoard();
    const loaded = await deployed(session, incrementModule("inc", 4));
    for await (const answer of loaded.stream([])) expect.unreachable(`answer ${answer.frame}`);
  });

  it("stops at once when it is aborted, and the board stays usable", async () => {
    const { session } = await virtualBoard();
    const loaded = await deployed(session, sum);
    const control = new AbortController();
    let seen = 0;
    const run = async () => {
      for await (const _ of loaded.stream(count(1e6), { signal: control.signal })) {
        seen += 1;
        if (seen === 20) control.abort();
      }
    };
    await expect(run()).rejects.toEqual(code("WAMLET_INTERRUPTED"));
    expect(seen).toBe(20);
    const { outputs } = await loaded.infer([new Uint8Array(490).fill(1)]);
    expect(outputs).toEqual([Uint8Array.of(490 & 0xff, 490 >> 8, 0, 0)]);
  });

  it("stops its source when the consumer leaves", async () => {
    const { session } = await virtualBoard();
    const loaded = await deployed(session, sum);
    let left = false;
    function* source() {
      try {
        yield* count(1e6);
      } finally {
        left = true;
      }
    }
    for await (const answer of loaded.stream(source())) if (answer.frame === 5) break;
    await loaded.infer(frame(0));
    await expect.poll(() => left).toBe(true);
  });

  it("passes on what goes wrong in its source, after the answers before it", async () => {
    const { session } = await virtualBoard();
    const loaded = await deployed(session, sum);
    function* source() {
      yield* count(3);
      throw new Error("the file ended in the middle of a frame");
    }
    const seen: number[] = [];
    const run = async () => {
      for await (const answer of loaded.stream(source())) seen.push(answer.frame);
    };
    await expect(run()).rejects.toThrow("in the middle of a frame");
    expect(seen).toEqual([0, 1, 2]);
  });

  it("ends with WAMLET_BOARD_RESTARTED when the board loses power, and the session goes on", async () => {
    const { session, board } = await virtualBoard();
    const loaded = await deployed(session, sum);
    const run = async () => {
      for await (const answer of loaded.stream(count(1000))) {
        if (answer.frame !== 30) continue;
        board.holdInReset();
        board.releaseReset();
      }
    };
    await expect(run()).rejects.toEqual(code("WAMLET_BOARD_RESTARTED"));
    const again = await session.load();
    expect((await again.infer(frame(0))).outputs.length).toBe(1);
  });

  it("does not mix the chunks of frames that are sent at the same time", async () => {
    const { session } = await virtualBoard();
    const loaded = await deployed(session, incrementModule("wide", 5000, { heapBase: 12_288 }));
    const inputs = Array.from({ length: 8 }, (_, index) => new Uint8Array(5000).fill(index * 3));
    const answers = await Promise.all(inputs.map((input) => loaded.infer([input])));
    expect(answers.map(({ outputs }) => outputs[0])).toEqual(
      inputs.map((input) => input.map((value) => value + 1)),
    );
  });
});
