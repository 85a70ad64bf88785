import { once } from "node:events";
import { createConnection, createServer, type Socket } from "node:net";
import { PassThrough, Readable } from "node:stream";
import { describe, expect, it } from "vitest";
import { type LiveOptions, liveFrames } from "../../host/frames/live.js";
import { refusal, seededRandom, tensorOf } from "./material.js";

const tensor = tensorOf("int8", [1, 2], 1, 0);
const csv: LiveOptions = { name: "stdin", format: "csv" };

/** A stream that gives these pieces. */
const pieces = (...parts: (string | Uint8Array)[]) =>
  Readable.from(parts.map((part) => (typeof part === "string" ? Buffer.from(part) : part)));

async function all(live: ReturnType<typeof liveFrames>): Promise<number[][]> {
  const frames: number[][] = [];
  for await (const { inputs } of live) frames.push(Array.from(new Int8Array(inputs[0] ?? [])));
  return frames;
}

/** Lets everything that is due happen: the pump reads what it can. */
async function settle(): Promise<void> {
  for (let turn = 0; turn < 20; turn++) await new Promise((resolve) => setImmediate(resolve));
}

describe("live frames", () => {
  it.each<[string, LiveOptions["format"], string]>([
    ["CSV", "csv", "x,y,label\n1,2,a\r\n# note\n\n3,4,b\n5,6,c"],
    ["JSON lines", "jsonl", '[1,2]\n\n{"values":[3,4],"label":"b"}\r\n{"input":"BQY="}'],
    ["raw tensors", "raw", "\x01\x02\x03\x04\x05\x06"],
  ])("come from %s, wherever the pieces are cut", async (_, format, text) => {
    const bytes = Buffer.from(text);
    const wanted = [
      [1, 2],
      [3, 4],
      [5, 6],
    ];
    for (let length = 1; length <= bytes.length; length++) {
      const cut: Uint8Array[] = [];
      for (let from = 0; from < bytes.length; from += length) cut.push(bytes.subarray(from, from + length));
      const live = liveFrames(Readable.from(cut), [tensor], { name: "stdin", format });
      expect(await all(live)).toEqual(wanted);
      expect(live.counts).toEqual({ received: 3, dropped: 0, malformed: 0 });
    }
  });

  it("have their labels and numbers, and several tensors", async () => {
    const inputs = [tensorOf("int16", [1], 1, 0, "a"), tensorOf("uint8", [1], 1, 0, "b")];
    const live = liveFrames(pieces('{"inputs":[1,2],"label":7}\n{"inputs":[3,4]}\n'), inputs, {
      name: "s",
      format: "jsonl",
    });
    const found = [];
    for await (const frame of live) found.push(frame);
    expect(found).toEqual([
      { index: 0, inputs: [new Uint8Array([1, 0]), new Uint8Array([2])], label: "7", clamped: 0 },
      { index: 1, inputs: [new Uint8Array([3, 0]), new Uint8Array([4])], label: null, clamped: 0 },
    ]);
  });

  it("end with the error of a bad line, its number in it, after the good ones before", async () => {
    const live = liveFrames(pieces("1,2\n3,4\n5,six\n7,8\n"), [tensor], csv);
    const found: number[] = [];
    const wrong = await refusal(async () => {
      for await (const { index } of live) found.push(index);
    });
    expect(wrong.code).toBe("WAMLET_INVALID_FRAMES");
    expect(wrong.message).toContain("Line 3, column 2 of stdin is no number: 'six'");
    expect(found).toEqual([0, 1]);
  });

  it("skip and count bad lines where that is asked for", async () => {
    const text = `1,2\n3\n5,six\n"\n${"9".repeat(200_000)}\n\xff\n7,8\n`;
    const live = liveFrames(pieces(Buffer.from(text, "latin1")), [tensor], { ...csv, malformed: "skip" });
    expect(await all(live)).toEqual([
      [1, 2],
      [7, 8],
    ]);
    expect(live.counts).toEqual({ received: 2, dropped: 0, malformed: 5 });
    expect(live.lastMalformed?.message).toContain("Line 6 of stdin is not UTF-8 text");
  });

  it("tell of a raw source that ends within a frame", async () => {
    const wrong = await refusal(() =>
      all(liveFrames(pieces("abc"), [tensor], { name: "tty", format: "raw" })),
    );
    expect(wrong.message).toContain("tty ended within a frame: 1 of 2 bytes came");
  });

  it("slow the source down where frames wait: no more are read than there is room for", async () => {
    let given = 0;
    async function* source() {
      for (; given < 1000; given++) yield Buffer.from(`${given % 100},0\n`);
    }
    const live = liveFrames(source(), [tensor], { ...csv, capacity: 3 });
    let taken = 0;
    for await (const { index } of live) {
      expect(index).toBe(taken++);
      await settle();
      // Three wait, one is on its way into the queue, and the source holds the next.
      expect(given).toBeLessThanOrEqual(taken + 5);
      if (taken === 50) break;
    }
    expect(live.counts.dropped).toBe(0);
  });

  it.each([
    ["drop-oldest", [0, 997, 998, 999]],
    ["drop-newest", [0, 1, 2, 3]],
  ] as const)("%s where the board is slower, and count what was dropped", async (whenFull, wanted) => {
    const lines = Array.from({ length: 1000 }, (_, index) => `${index % 100},0\n`);
    const live = liveFrames(pieces(...lines), [tensor], { ...csv, capacity: 3, whenFull });
    const found: number[] = [];
    for await (const { index } of live) {
      found.push(index);
      // The source runs dry while the first frame is still being computed.
      while (found.length === 1 && live.counts.received < 1000) await settle();
    }
    const first = found[0] ?? -1;
    expect(live.counts.received).toBe(1000);
    expect(live.counts.dropped).toBe(1000 - found.length);
    expect(found.length).toBeLessThanOrEqual(5);
    if (whenFull === "drop-oldest") expect(found.slice(-3)).toEqual(wanted.slice(-3));
    else expect(found.slice(0, 4)).toEqual(wanted.map((index) => index + first));
  });

  it("keep no more of an endless line than a frame can need", async () => {
    const block = Buffer.alloc(1 << 20, "1");
    let given = 0;
    async function* source() {
      for (; given < 200; given++) yield block;
      yield Buffer.from("\n5,6\n");
    }
    const before = process.memoryUsage().arrayBuffers;
    let most = 0;
    async function* watched() {
      for await (const piece of source()) {
        most = Math.max(most, process.memoryUsage().arrayBuffers - before);
        yield piece;
      }
    }
    const live = liveFrames(watched(), [tensor], { ...csv, malformed: "skip", header: false });
    expect(await all(live)).toEqual([[5, 6]]);
    expect(live.counts.malformed).toBe(1);
    expect(most).toBeLessThan(100 << 20);
  });

  it("stop when the taker does, or when they are aborted, although the source says nothing", async () => {
    const quiet = new PassThrough();
    quiet.write("1,2\n3,4\n");
    for await (const { index } of liveFrames(quiet, [tensor], csv)) if (index === 1) break;
    const stop = new AbortController();
    const silent = new PassThrough();
    const ended = all(liveFrames(silent, [tensor], { ...csv, signal: stop.signal }));
    await settle();
    stop.abort();
    expect(await ended).toEqual([]);
    expect(await all(liveFrames(pieces("1,2\n"), [tensor], { ...csv, signal: stop.signal }))).toEqual([]);
    quiet.destroy();
    silent.destroy();
  });

  it("pass a source's failure on, after the frames that came", async () => {
    async function* failing() {
      yield Buffer.from("1,2\n");
      throw Object.assign(new Error("gone"), { code: "ECONNRESET" });
    }
    const found: number[] = [];
    const wrong = await refusal(async () => {
      for await (const { index } of liveFrames(failing(), [tensor], csv)) found.push(index);
    });
    expect(wrong).toMatchObject({ code: "WAMLET_FILE_UNREADABLE" });
    expect(wrong.message).toContain("ECONNRESET");
    expect(found).toEqual([0]);
  });

  it("refuse what cannot be before anything is read", async () => {
    const two = [tensor, tensorOf("int8", [1], 1, 0, "second")];
    expect((await refusal(() => liveFrames(pieces(), two, csv))).code).toBe("WAMLET_WRONG_SHAPE");
    expect((await refusal(() => liveFrames(pieces(), [tensor], { ...csv, capacity: 0 }))).code).toBe(
      "WAMLET_USAGE",
    );
  });

  it("come over a TCP socket, which is slowed down and not buffered", async () => {
    const random = seededRandom(5);
    const total = 20_000;
    const lines = Array.from({ length: total }, () => `${Math.floor(random() * 100)},1\n`);
    const text = Buffer.from(lines.join(""));
    const server = createServer((socket: Socket) => socket.end(text));
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    const address = server.address();
    if (address === null || typeof address === "string") throw new Error("no port");
    const socket = createConnection(address.port, "127.0.0.1");
    const live = liveFrames(socket, [tensor], { ...csv, name: "tcp" });
    let [count, sum] = [0, 0];
    for await (const { inputs } of live) {
      count++;
      sum += inputs[0]?.[0] ?? 0;
      if (count === 1) {
        await settle();
        // One piece of the socket at most has been looked into.
        expect(live.counts.received).toBeLessThanOrEqual(6);
      }
    }
    expect(count).toBe(total);
    expect(sum).toBe(lines.reduce((all, line) => all + Number.parseInt(line, 10), 0));
    socket.destroy();
    server.close();
  });
});
