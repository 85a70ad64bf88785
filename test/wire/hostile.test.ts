/** Damaged frames, messages and greetings, and what they do to a link. */
import cobs from "cobs";
import crc32 from "crc-32";
import { describe, expect, it } from "vitest";
import { WamletError } from "../../host/errors.js";
import { decodeFrame, encodeFrame, type Frame } from "../../host/wire/frame.js";
import { decodeReady, decodeSyn, encodeReady, encodeSyn } from "../../host/wire/greeting.js";
import { Link } from "../../host/wire/link.js";
import { decodeMessage, encodeMessage, type Message, message } from "../../host/wire/message.js";
import { ReceiveBuffer } from "../../host/wire/receive_buffer.js";
import { rounds as count, mutated as damaged, patience } from "../fuzz/mutations.js";
import { describeSurvival } from "../fuzz/survival.js";
import { seeded } from "./random.js";

const messages: readonly Message[] = [
  message("deploy-begin", { request: 2, manifest: new Uint8Array(90).fill(7), name: "digits" }),
  message("modules", {
    request: 3,
    total: 1,
    modules: [
      {
        name: "digits",
        version: "1",
        payloadBytes: 9000,
        sha256: new Uint8Array(32).fill(9),
        slot: 2,
        active: true,
        state: "faulted",
      },
    ],
  }),
  message("loaded", {
    request: 4,
    handle: 1,
    inputs: [{ offset: 0, bytes: 64 }],
    outputs: [],
    name: "digits",
  }),
  message("result", { frame: 9, data: new Uint8Array(40), layers: [1, 200, 70_000], count: 2 ** 40 }),
  message("error", { request: 5, code: 22, text: "größer", numbers: [1, 2] }),
  message("reset", { request: 6, target: "board" }),
];

const frames: readonly Frame[] = messages.map((value, index) => ({
  kind: "data",
  session: 1 + index,
  sequence: 255 - index,
  ack: index,
  window: 4032,
  payload: encodeMessage(value),
}));

/** Runs `read`, which may only succeed or throw a WamletError of this code. */
function survives(read: () => unknown): boolean {
  try {
    read();
    return true;
  } catch (error) {
    expect(error).toBeInstanceOf(WamletError);
    expect((error as WamletError).code).toBe("WAMLET_INVALID_PACKET");
    return false;
  }
}

const mutated = (bytes: Uint8Array, random: () => number) => damaged(bytes, (end) => random() % end);

describe("mutated packets", () => {
  it(
    "are never taken for a frame, and never hurt",
    () => {
      const random = seeded(21);
      for (let round = 0; round < count; round++) {
        const frame = frames[round % frames.length] as Frame;
        const whole = encodeFrame(frame).subarray(0, -1);
        const changed = mutated(whole, random);
        const taken = survives(() => decodeFrame(changed));
        // What still decodes is the very frame: an edit may have undone another.
        if (taken) expect(decodeFrame(changed)).toEqual(frame);
      }
    },
    patience(count),
  );

  it(
    "leave a link whole, with bounded memory, on either side",
    () => {
      const random = seeded(23);
      const common = { bufferBytes: 2048, maxPayload: 1024 };
      const host = new Link({
        ...common,
        role: "host",
        baudRate: 115_200,
        silence: 1e9,
        patience: 1e9,
        random,
      });
      const device = new Link({ ...common, role: "device", bootId: 1 });
      host.start(0);
      device.start(0);
      const pass = (from: Link, to: Link, change: boolean, now: number) => {
        for (let bytes = from.output(now); bytes !== null; bytes = from.output(now)) {
          to.receive(change && random() % 3 === 0 ? mutated(bytes, random) : bytes, now);
          while (to.next() !== null);
        }
      };
      for (let round = 0; round < count; round++) {
        const now = round * 20;
        host.tick(now);
        if (host.isOpen && host.unsent < 4)
          host.send(encodeMessage(messages[round % messages.length] as Message));
        pass(host, device, true, now);
        pass(device, host, true, now);
        expect(host.underWay).toBeLessThanOrEqual(host.window);
      }
      const delivered = host.queuedBytes;
      for (let round = 0; round < 100 && host.queuedBytes > 0; round++) {
        const now = count * 20 + round * 1000;
        host.tick(now);
        pass(host, device, false, now);
        pass(device, host, false, now);
      }
      expect(delivered).toBeLessThan(20_000);
      expect(host.queuedBytes).toBe(0);
    },
    patience(count),
  );
});

/** The frame around bytes whose CRC is right, as an attacker would make it. */
function withChecksum(content: Uint8Array): Uint8Array {
  const raw = Buffer.alloc(content.length + 4);
  raw.set(content);
  raw.writeInt32LE(crc32.buf(content), content.length);
  return Uint8Array.from(cobs.encode(raw));
}

describeSurvival({
  name: "frames with a right CRC",
  file: Uint8Array.from([3, 1, 0, 0, 0, 16, ...encodeMessage(messages[2] as Message)]),
  read: (bytes) => decodeFrame(withChecksum(bytes)),
});

for (const value of messages) {
  describeSurvival({ name: `${value.type} messages`, file: encodeMessage(value), read: decodeMessage });
}

const greeting = { minVersion: 1, maxVersion: 1, maxPayload: 4096, nonce: 7 };
describeSurvival({ name: "SYN", file: encodeSyn(greeting), wholeOnly: true, read: decodeSyn });
describeSurvival({
  name: "READY",
  file: encodeReady({ ...greeting, version: 1, bootId: 9 }),
  wholeOnly: true,
  read: decodeReady,
});

describe("truncated packets", () => {
  it("are no frame, at whichever byte they end", () => {
    for (const frame of frames) {
      const whole = encodeFrame(frame).subarray(0, -1);
      for (let end = 0; end < whole.length; end++) {
        expect(survives(() => decodeFrame(whole.subarray(0, end)))).toBe(false);
      }
    }
  });
});

describe("a receive buffer", () => {
  it("hands out every frame whole, however the bytes are cut", () => {
    const random = seeded(24);
    const line = Buffer.concat(frames.map(encodeFrame));
    for (let round = 0; round < 200; round++) {
      const buffer = new ReceiveBuffer(1024);
      const found: Frame[] = [];
      for (let start = 0; start < line.length; ) {
        const end = start + 1 + (random() % 60);
        buffer.push(line.subarray(start, end));
        start = end;
        for (let arrival = buffer.next(); arrival !== null; arrival = buffer.next()) {
          if (arrival.type === "frame") found.push(arrival.frame);
        }
      }
      expect(found).toEqual(frames);
    }
  });

  it("takes no more than it has room for, and goes on after the next delimiter", () => {
    const buffer = new ReceiveBuffer(700);
    buffer.push(new Uint8Array(10_000).fill(0x55));
    expect(buffer.length).toBe(700);
    expect(buffer.dropped).toBe(9300);
    expect(buffer.next()?.type).toBe("console");
    buffer.push(encodeFrame(frames[0] as Frame));
    expect(buffer.next()).toEqual({ type: "frame", frame: frames[0] });
    expect(buffer.next()).toBeNull();
  });

  it(
    "hands out random bytes without ever holding more than its size",
    () => {
      const random = seeded(25);
      const buffer = new ReceiveBuffer(512);
      for (let round = 0; round < count; round++) {
        buffer.push(Uint8Array.from({ length: random() % 100 }, () => random() & 0xff));
        expect(buffer.length).toBeLessThanOrEqual(512);
        while (buffer.next() !== null);
      }
    },
    patience(count),
  );
});
