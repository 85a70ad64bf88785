/** What a device's link does, step by step: the part of the vectors that an agent's link is held against. */
import { encodeFrame, type Frame, type FrameKind } from "../../host/wire/frame.js";
import { encodeSyn } from "../../host/wire/greeting.js";
import { type DeviceLinkOptions, Link, type LinkEvent } from "../../host/wire/link.js";

export type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json };

/** One thing done to a device's link, and what must come of it. */
export type Step =
  | { readonly do: "start" }
  | { readonly do: "receive"; readonly bytes: string }
  | { readonly do: "next"; readonly event: Json }
  | { readonly do: "send"; readonly payload: string }
  | { readonly do: "log"; readonly level: number; readonly text: string }
  | { readonly do: "output"; readonly bytes: string | null };

export function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString("hex");
}

export const text = (value: string) => new TextEncoder().encode(value);
const nothing = new Uint8Array(0);

/** A frame of session 0x5a. */
export function frame(kind: FrameKind, fields: Partial<Frame> = {}): Frame {
  return { kind, session: 0x5a, sequence: 0, ack: 0, window: 4032, payload: nothing, ...fields };
}

export const syn = encodeSyn({ minVersion: 1, maxVersion: 1, maxPayload: 4096, nonce: 0x11223344 });
export const device: DeviceLinkOptions = {
  role: "device",
  bufferBytes: 1024,
  maxPayload: 1024,
  bootId: 0x01020304,
};

/** Runs a device's link and writes down what it does. */
class Recorder {
  readonly steps: Step[] = [];
  readonly #link = new Link(device);

  start(): this {
    this.#link.start(0);
    this.steps.push({ do: "start" });
    return this;
  }

  receive(...frames: (Frame | Uint8Array)[]): this {
    const bytes = Buffer.concat(
      frames.map((item) => (item instanceof Uint8Array ? item : encodeFrame(item))),
    );
    this.#link.receive(bytes, 0);
    this.steps.push({ do: "receive", bytes: hex(bytes) });
    return this;
  }

  next(): this {
    this.steps.push({ do: "next", event: eventJson(this.#link.next()) });
    return this;
  }

  send(payload: Uint8Array): this {
    this.#link.send(payload);
    this.steps.push({ do: "send", payload: hex(payload) });
    return this;
  }

  log(level: number, line: string): this {
    this.#link.log(level, line);
    this.steps.push({ do: "log", level, text: line });
    return this;
  }

  output(): this {
    const bytes = this.#link.output(0);
    this.steps.push({ do: "output", bytes: bytes === null ? null : hex(bytes) });
    return this;
  }

  /** A session: SYN, READY. */
  open(): this {
    return this.start()
      .output()
      .receive(frame("syn", { window: 65535, payload: syn }))
      .next()
      .next()
      .output();
  }
}

export function eventJson(event: LinkEvent | null): Json {
  if (event === null) return null;
  if (event.type === "message") return { type: "message", payload: hex(event.payload) };
  if (event.type === "open") return { type: "open", session: event.session, maxPayload: event.maxPayload };
  throw new Error(`a device has no event "${event.type}"`);
}

const data = (sequence: number, payload: string, ack = 0) =>
  frame("data", { sequence, ack, payload: text(payload) });

/** What a device's link does, by name of what it shows. */
export function transcripts(): Record<string, readonly Step[]> {
  const large = (sequence: number) =>
    frame("data", { sequence, window: 65535, payload: new Uint8Array(220).fill(sequence) });
  return {
    "READY at boot, then a session": new Recorder().open().output().steps,
    "a repeated SYN is answered and changes nothing": new Recorder()
      .open()
      .receive(data(0, "one"))
      .next()
      .next()
      .receive(frame("syn", { window: 65535, payload: syn }))
      .next()
      .output()
      .output()
      .receive(data(1, "two"))
      .next().steps,
    "SYN of an unknown version is answered with version 0": new Recorder()
      .start()
      .output()
      .receive(
        frame("syn", { payload: encodeSyn({ minVersion: 2, maxVersion: 3, maxPayload: 4096, nonce: 5 }) }),
      )
      .next()
      .output().steps,
    "DATA before any session is answered with READY": new Recorder()
      .start()
      .output()
      .receive(data(0, "lost"))
      .next()
      .output()
      .output().steps,
    "messages in order are acknowledged when nothing is left to do": new Recorder()
      .open()
      .receive(data(0, "one"), data(1, "two"))
      .next()
      .output()
      .next()
      .output()
      .next()
      .output()
      .output().steps,
    "an answer carries the acknowledgement": new Recorder()
      .open()
      .receive(data(0, "ask"))
      .next()
      .send(text("answer"))
      .output()
      .next()
      .output().steps,
    "a quarter of the window is acknowledged at once": new Recorder()
      .open()
      .receive(large(0), large(1))
      .next()
      .output()
      .next()
      .output().steps,
    "a gap is reported once, what follows it is dropped": new Recorder()
      .open()
      .receive(data(0, "one"), data(2, "three"), data(3, "four"))
      .next()
      .next()
      .output()
      .output()
      .receive(data(1, "two"), data(2, "three"), data(3, "four"))
      .next()
      .next()
      .next()
      .next()
      .output().steps,
    "a doubled message is dropped and acknowledged again": new Recorder()
      .open()
      .receive(data(0, "one"))
      .next()
      .next()
      .output()
      .receive(data(0, "one"))
      .next()
      .output()
      .output().steps,
    "POLL is answered with its token; RESEND brings the lost answers again": new Recorder()
      .open()
      .receive(data(0, "ask"))
      .next()
      .send(text("first"))
      .send(text("second"))
      .output()
      .output()
      .receive(frame("poll", { sequence: 1, payload: Uint8Array.of(1) }))
      .next()
      .output()
      .output()
      .receive(frame("resend", { sequence: 1, ack: 0, window: 65535 }))
      .next()
      .output()
      .output()
      .output()
      .receive(frame("ack", { sequence: 1, ack: 2 }))
      .next()
      .output().steps,
    "of several POLLs the last is answered": new Recorder()
      .open()
      .receive(frame("poll", { payload: Uint8Array.of(1) }), frame("poll", { payload: Uint8Array.of(2) }))
      .next()
      .output()
      .output().steps,
    "POLL shows a gap": new Recorder()
      .open()
      .receive(frame("poll", { sequence: 2, payload: Uint8Array.of(3) }))
      .next()
      .output()
      .output()
      .output().steps,
    "a closed window holds answers back until it opens": new Recorder()
      .open()
      .receive(frame("data", { sequence: 0, window: 0, payload: text("ask") }))
      .next()
      .send(text("answer"))
      .output()
      .next()
      .output()
      .receive(frame("ack", { sequence: 1, window: 300 }))
      .next()
      .output().steps,
    "damaged frames and text are passed over": new Recorder()
      .open()
      .receive(text("garbage"), Uint8Array.of(0), data(0, "one"))
      .next()
      .next().steps,
    "bytes beyond the buffer are dropped": new Recorder()
      .open()
      .receive(large(0), large(1), large(2), large(3), large(4))
      .next()
      .next()
      .next()
      .next()
      .next()
      .output().steps,
    "a log line goes out before messages": new Recorder()
      .open()
      .receive(data(0, "ask"))
      .next()
      .send(text("answer"))
      .log(3, "hello")
      .output()
      .output().steps,
    "a new session forgets the old one": new Recorder()
      .open()
      .receive(data(0, "ask"))
      .next()
      .send(text("answer"))
      .receive(
        frame("syn", {
          session: 0x77,
          window: 65535,
          payload: encodeSyn({ minVersion: 1, maxVersion: 1, maxPayload: 576, nonce: 99 }),
        }),
        data(1, "of the old session"),
      )
      .next()
      .next()
      .output()
      .output().steps,
  };
}
