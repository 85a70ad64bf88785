import { describe, expect, it } from "vitest";
import { consoleText } from "../../host/wire/console_text.js";
import { encodeFrame, type FrameKind } from "../../host/wire/frame.js";
import { ReceiveBuffer } from "../../host/wire/receive_buffer.js";
import { seeded } from "./random.js";

const bytes = (...parts: (string | number[] | Uint8Array)[]) =>
  Buffer.concat(parts.map((part) => Buffer.from(part as string)));
const panic = "Guru Meditation Error: Core  0 panic'ed (LoadProhibited). Exception was unhandled.\r\n";

/** A frame as it lies between two delimiters. */
function stuffed(kind: FrameKind, payload: Uint8Array): Uint8Array {
  return encodeFrame({ kind, session: 0x5a, sequence: 3, ack: 2, window: 4000, payload }).slice(0, -1);
}

describe("console text", () => {
  it("shows a whole panic that holds one noise byte, and the byte as its number", () => {
    expect(consoleText(bytes(panic, [0x07], "Backtrace: 0x400d1234:0x3ffb5be0\r\n"))).toBe(
      `${panic}\\x07Backtrace: 0x400d1234:0x3ffb5be0\r\n`,
    );
    expect(consoleText(bytes("Rebooting...\r\n", [0xff, 0xc3, 0x7f]))).toBe(
      "Rebooting...\r\n\\xff\\xc3\\x7f",
    );
  });

  it("keeps colours, tabs, line ends and letters of every language", () => {
    const text = "\x1b[0;31mE (40) heap:\tno memory – größer\x1b[0m\r\n温度\n";
    expect(consoleText(bytes(text))).toBe(text);
  });

  it("shows a panic that begins in the middle of a frame", () => {
    const half = stuffed(
      "data",
      Uint8Array.from({ length: 300 }, (_, index) => index % 7),
    ).slice(0, 200);
    const run = bytes(half, "\r\n", panic, "Rebooting...\r\n");
    expect(consoleText(run)).toBe(`${panic}Rebooting...\r\n`);
    const buffer = new ReceiveBuffer(4096);
    buffer.push(bytes(run, [0]));
    expect(buffer.next()).toEqual({ type: "console", text: `${panic}Rebooting...\r\n` });
  });

  it("leaves half a frame whose payload is text where it waits for its other half", () => {
    const log = stuffed("log", bytes([2], "the battery is nearly empty, stopping soon"));
    const buffer = new ReceiveBuffer(4096);
    buffer.push(log.slice(0, 40));
    expect(buffer.flushText()).toBeNull();
    buffer.push(bytes(log.slice(40), [0]));
    expect(buffer.next()).toMatchObject({ type: "frame", frame: { kind: "log" } });
  });

  it("shows nothing of damaged frames", () => {
    const random = seeded(91);
    for (let round = 0; round < 2000; round++) {
      const payload = Uint8Array.from({ length: random() % 600 }, () => random());
      const frame = stuffed("data", payload);
      const place = 2 + (random() % (frame.length - 2));
      frame[place] = (frame[place] ?? 0) ^ (1 + (random() % 255));
      const shown = consoleText(frame);
      if (shown !== null) expect.unreachable(`${JSON.stringify(shown)} of frame ${round}`);
    }
  });
});
