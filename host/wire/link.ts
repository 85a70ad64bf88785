/**
 * One end of the line: reliable, ordered messages over bytes that may be lost, doubled or damaged
 * (docs/PROTOCOL.md, "Link"). Pure: bytes and times go in, bytes and events come out. Both ends are this
 * class. The device's end keeps no timers and never asks: it answers, so that a C agent without clock can
 * do the same; all recovery starts at the host.
 *
 *     line ── receive() ──▶ buffer ── next() ──▶ events        send() ──▶ queue ── output() ──▶ line
 */
import { WamletError } from "../errors.js";
import {
  encodeFrame,
  type Frame,
  type FrameKind,
  frameCost,
  minPayloadLimit,
  payloadWithin,
} from "./frame.js";
import { decodeReady, decodeSyn, encodeReady, encodeSyn, protocolVersion, type Ready } from "./greeting.js";
import { Patience } from "./patience.js";
import { type Arrival, ReceiveBuffer } from "./receive_buffer.js";
import { Sender } from "./sender.js";

/** Bytes of the receive buffer beyond the granted window: room for frames that are not counted. */
export const controlReserve = 64;

export type LinkEvent =
  /** A session is open. Whatever the other side knew from an earlier one is forgotten. */
  | { readonly type: "open"; readonly session: number; readonly bootId: number; readonly maxPayload: number }
  | { readonly type: "message"; readonly payload: Uint8Array }
  | { readonly type: "log"; readonly level: number; readonly text: string }
  /** Host: text on the line that is no frame. */
  | { readonly type: "console"; readonly text: string }
  /** Host: the board has started anew; queued messages are gone and a new session is being opened. */
  | { readonly type: "restarted"; readonly bootId: number }
  /** Host: the session cannot go on. */
  | { readonly type: "failed"; readonly error: WamletError };

interface CommonOptions {
  /** Bytes that may wait for `next()`; the granted window is `controlReserve` less, at most 65535. */
  readonly bufferBytes: number;
  /** Largest payload accepted in one frame, 256–4096. */
  readonly maxPayload: number;
}

export interface HostLinkOptions extends CommonOptions {
  readonly role: "host";
  /** Line speed for the timeouts; null where there is none. */
  readonly baudRate: number | null;
  /** Milliseconds without a valid frame, while one is due, after which the board counts as gone. */
  readonly silence: number;
  /** Milliseconds to wait for the first READY. */
  readonly patience: number;
  /** Source of the session number and the nonce: random 32-bit integers. */
  readonly random: () => number;
}

export interface DeviceLinkOptions extends CommonOptions {
  readonly role: "device";
  /** Differs from boot to boot, 32 bits. */
  readonly bootId: number;
}

export type LinkOptions = HostLinkOptions | DeviceLinkOptions;

/** The host holds back a bare ACK this long, because DATA that it sends soon carries it for nothing. */
const ackDelayMilliseconds = 20;
/** … unless this many bytes were consumed: the device keeps them until they are acknowledged. */
const ackAtOnceBytes = 512;
const synPauseMilliseconds = 300;
/** Text without a delimiter is handed out after this pause. */
const textPauseMilliseconds = 100;
/** Log lines that wait for the line; more are dropped, for they are no messages. */
const waitingLogs = 8;
/** Questions answered without anything moving, after which waiting on is hopeless. */
const fruitlessQuestions = 40;

const nothing = new Uint8Array(0);

export class Link {
  readonly #options: LinkOptions;
  readonly #buffer: ReceiveBuffer;
  readonly #sender = new Sender();
  readonly #patience: Patience;
  readonly #window: number;
  /** Frames to send before any DATA. */
  #urgent: { kind: FrameKind; session: number; sequence?: number; payload: Uint8Array }[] = [];
  #events: LinkEvent[] = [];
  #state: "idle" | "opening" | "open" | "failed" = "idle";
  #session = 0;
  #nonce = 0;
  #peerPayload = 0;
  /** Number of the next DATA that is due from the peer. */
  #expected = 0;
  /** A gap before `#expected` was reported; once is enough until something moves. */
  #reported = false;
  #owedBytes = 0;
  #owedSince = 0;
  #ackAtOnce = false;
  /** `next()` has found nothing left to do. */
  #drained = true;
  #now = 0;
  #expecting = false;
  #poll: { token: number; order: number } | null = null;
  #token = 0;
  #fruitless = 0;
  #bootId = 0;
  #synAt = 0;
  #openBy = 0;
  /** When bytes without a delimiter are looked at as text. */
  #textDue: number | null = null;
  /** DATA frames sent again, POLLs sent, damaged frames and doubles seen: for diagnosis. */
  readonly statistics = { resent: 0, polls: 0, damaged: 0, duplicates: 0 };

  constructor(options: LinkOptions) {
    if (options.maxPayload < minPayloadLimit) throw new RangeError(`maxPayload is below ${minPayloadLimit}`);
    this.#options = options;
    this.#buffer = new ReceiveBuffer(options.bufferBytes);
    this.#window = Math.min(0xffff, options.bufferBytes - controlReserve);
    if (this.#window < frameCost(minPayloadLimit))
      throw new RangeError("bufferBytes is too small for one frame");
    const host = options.role === "host" ? options : null;
    this.#patience = new Patience(host?.baudRate ?? null, host?.silence ?? Number.POSITIVE_INFINITY);
  }

  /** Host: asks for a session. Device: announces itself. */
  start(now: number): void {
    this.#now = now;
    if (this.#options.role === "device") {
      this.#greet(0, 0, 0);
      return;
    }
    this.#openSession(now);
  }

  get isOpen(): boolean {
    return this.#state === "open";
  }

  /** Largest payload that `send` takes in this session; 0 before one is open. */
  get maxPayload(): number {
    return this.#peerPayload;
  }

  /** Encoded bytes of DATA that may still be under way to the peer. */
  get underWay(): number {
    return this.#sender.underWay;
  }

  /** Payload bytes that were sent or queued and not yet acknowledged: what a device has to keep. */
  get queuedBytes(): number {
    return this.#sender.queuedBytes;
  }

  /** Queued messages that were never put on the line: a producer that waits for 0 keeps memory bounded. */
  get unsent(): number {
    return this.#sender.unsent;
  }

  /** Host: an answer is due, so silence is worth a question. */
  set expecting(value: boolean) {
    this.#expecting = value;
    this.#updatePatience();
  }

  /**
   * Queues a message for reliable delivery.
   * @throws RangeError where no session is open or the payload exceeds `maxPayload`
   */
  send(payload: Uint8Array): void {
    if (this.#state !== "open") throw new RangeError("the link has no open session");
    if (payload.length > this.#peerPayload) {
      throw new RangeError(`a message of ${payload.length} bytes exceeds the peer's ${this.#peerPayload}`);
    }
    this.#sender.enqueue(payload);
    this.#updatePatience();
  }

  /** Device: sends a line of text outside the numbering; nobody resends it. */
  log(level: number, text: string): void {
    if (this.#urgent.filter(({ kind }) => kind === "log").length >= waitingLogs) return;
    const line = new TextEncoder().encode(text).subarray(0, minPayloadLimit - 1);
    const payload = new Uint8Array(1 + line.length);
    payload[0] = level;
    payload.set(line, 1);
    this.#urgent.push({ kind: "log", session: this.#session, payload });
  }

  /** Takes bytes from the line into the buffer, where they wait for `next()`. */
  receive(bytes: Uint8Array, now: number): void {
    this.#now = now;
    this.#textDue = now + textPauseMilliseconds;
    this.#buffer.push(bytes);
    this.#drained = false;
  }

  /**
   * Consumes what arrived up to the next event, or returns null where nothing is left. A device calls it
   * when it has time for one more message: what is not consumed is not acknowledged, and the window holds
   * the host back.
   */
  next(): LinkEvent | null {
    for (;;) {
      const event = this.#events.shift();
      if (event !== undefined) return event;
      const arrival = this.#state === "failed" ? null : this.#buffer.next();
      if (arrival === null) {
        this.#drained = true;
        return null;
      }
      this.#consume(arrival);
    }
  }

  /** Lets time pass: questions, greetings and giving up are due by `deadline`. */
  tick(now: number): void {
    this.#now = now;
    if (this.#options.role === "device" || this.#state === "idle" || this.#state === "failed") return;
    if (this.#textDue !== null && now >= this.#textDue) {
      this.#textDue = null;
      const text = this.#buffer.flushText();
      if (text !== null) this.#events.push({ type: "console", text });
    }
    if (this.#state === "opening") {
      if (now >= this.#openBy) return this.#fail(this.#silent(this.#options.patience, false));
      if (now >= this.#synAt) this.#sendSyn(now);
      return;
    }
    const giveUpAt = this.#patience.giveUpAt();
    if (giveUpAt !== null && now >= giveUpAt) return this.#fail(this.#silent(this.#patience.silence, true));
    const askAt = this.#patience.askAt(this.#sender.underWay);
    if (askAt !== null && now >= askAt) this.#ask(now);
  }

  /** When `tick` or `output` is next needed, milliseconds on the caller's clock; null where never. */
  get deadline(): number | null {
    if (this.#options.role === "device") return null;
    if (this.#state === "idle" || this.#state === "failed") return null;
    const times = [this.#textDue];
    if (this.#state === "opening") times.push(this.#synAt, this.#openBy);
    else times.push(this.#patience.askAt(this.#sender.underWay), this.#patience.giveUpAt());
    if (this.#owedBytes > 0) times.push(this.#owedSince + ackDelayMilliseconds);
    const due = times.filter((time) => time !== null);
    return due.length > 0 ? Math.min(...due) : null;
  }

  /** The next bytes for the line, one frame at a time, or null. Ask again whenever the line has room. */
  output(now: number): Uint8Array | null {
    this.#now = now;
    const urgent = this.#urgent.shift();
    if (urgent !== undefined) {
      const frame = this.#frame(urgent.kind, urgent.sequence ?? this.#sender.sequence, urgent.payload);
      return withDelimiter(encodeFrame({ ...frame, session: urgent.session }));
    }
    if (this.#state !== "open") return null;
    if (this.#sender.sendable) {
      const { sequence, payload, resent } = this.#sender.transmit(now);
      if (resent) this.statistics.resent += 1;
      this.#updatePatience();
      const bytes = encodeFrame(this.#frame("data", sequence, payload));
      return resent ? withDelimiter(bytes) : bytes;
    }
    if (this.#ackIsDue(now)) return encodeFrame(this.#frame("ack", this.#sender.sequence, nothing));
    return null;
  }

  // ---- what arrives

  #consume(arrival: Arrival): void {
    if (arrival.type === "damaged") {
      this.statistics.damaged += 1;
      return;
    }
    if (arrival.type === "console") {
      if (this.#options.role === "host") this.#events.push(arrival);
      return;
    }
    const { frame } = arrival;
    try {
      if (this.#options.role === "device") this.#consumeAsDevice(frame);
      else this.#consumeAsHost(frame);
    } catch (error) {
      // A greeting that is too short: as good as damaged.
      if (!(error instanceof WamletError)) throw error;
      this.statistics.damaged += 1;
    }
  }

  #consumeAsDevice(frame: Frame): void {
    if (frame.kind === "syn") return this.#answerSyn(frame);
    if (frame.kind === "ready" || frame.kind === "log") return;
    if (this.#session === 0 || frame.session !== this.#session) return this.#greet(this.#session, 0, 0);
    this.#consumeInSession(frame);
    if (frame.kind === "poll") {
      this.#urgent.push({ kind: "ack", session: this.#session, payload: frame.payload.slice(0, 1) });
    }
  }

  #consumeAsHost(frame: Frame): void {
    if (frame.kind === "ready") return this.#consumeReady(frame);
    if (frame.kind === "log") {
      this.#patience.heard(this.#now);
      const text = new TextDecoder().decode(frame.payload.subarray(1));
      this.#events.push({ type: "log", level: frame.payload[0] ?? 0, text });
      return;
    }
    if (this.#state !== "open" || frame.session !== this.#session) return;
    this.#patience.heard(this.#now);
    this.#consumeInSession(frame);
    if (frame.kind === "ack" && this.#poll !== null && frame.payload[0] === this.#poll.token) {
      this.#sender.consumed(this.#poll.order);
      this.#poll = null;
      this.#fruitless += 1;
      if (this.#fruitless >= fruitlessQuestions && this.#sender.pending) this.#fail(stuck());
    }
    this.#updatePatience();
  }

  /** What both ends do with numbers, acknowledgements and windows. */
  #consumeInSession(frame: Frame): void {
    this.#sender.window = frame.window;
    const acknowledged = this.#sender.acknowledge(frame.ack, this.#now);
    if (acknowledged !== null) {
      this.#progress();
      if (acknowledged.roundTrip !== null) this.#patience.measured(acknowledged.roundTrip);
    }
    if (frame.kind === "resend") {
      if (this.#options.role === "device") this.#sender.obeyAgain();
      this.#sender.resend();
    }
    const ahead = (frame.sequence - this.#expected) & 0xff;
    if (ahead >= 128) {
      if (frame.kind === "data") {
        this.statistics.duplicates += 1;
        this.#owe(0);
        this.#ackAtOnce = true;
      }
    } else if (ahead > 0) {
      this.#reportGap();
    } else if (frame.kind === "data") {
      this.#expected = (this.#expected + 1) & 0xff;
      this.#reported = false;
      this.#owe(frameCost(frame.payload.length));
      this.#progress();
      this.#events.push({ type: "message", payload: frame.payload });
    }
  }

  #progress(): void {
    this.#fruitless = 0;
    this.#patience.progress(this.#now);
  }

  #reportGap(): void {
    if (this.#reported) return;
    this.#reported = true;
    this.#urgent.push({ kind: "resend", session: this.#session, payload: nothing });
  }

  #owe(bytes: number): void {
    if (this.#owedBytes === 0) this.#owedSince = this.#now;
    this.#owedBytes += Math.max(1, bytes);
  }

  /**
   * A bare ACK goes out where nothing else carries it in time. The device has no clock: it sends one when a
   * quarter of the window is used up, or when it has nothing left to do.
   */
  #ackIsDue(now: number): boolean {
    if (this.#owedBytes === 0) return false;
    if (this.#ackAtOnce) return true;
    if (this.#options.role === "device") return this.#drained || this.#owedBytes >= this.#window / 4;
    return this.#owedBytes >= ackAtOnceBytes || now >= this.#owedSince + ackDelayMilliseconds;
  }

  #frame(kind: FrameKind, sequence: number, payload: Uint8Array): Frame {
    if (kind === "data" || kind === "ack" || kind === "resend" || kind === "poll") {
      this.#owedBytes = 0;
      this.#ackAtOnce = false;
    }
    return { kind, session: this.#session, sequence, ack: this.#expected, window: this.#window, payload };
  }

  // ---- sessions

  #openSession(now: number): void {
    if (this.#options.role !== "host") return;
    this.#state = "opening";
    this.#session = 1 + ((this.#options.random() >>> 0) % 255);
    this.#nonce = 1 + ((this.#options.random() >>> 0) % 0xfffffffe);
    this.#openBy = now + this.#options.patience;
    this.#forget(0);
    this.#sendSyn(now);
  }

  #sendSyn(now: number): void {
    this.#synAt = now + synPauseMilliseconds;
    const version = { minVersion: protocolVersion, maxVersion: protocolVersion };
    const payload = encodeSyn({ ...version, maxPayload: this.#options.maxPayload, nonce: this.#nonce });
    this.#urgent = this.#urgent.filter(({ kind }) => kind !== "syn");
    this.#urgent.push({ kind: "syn", session: this.#session, payload });
  }

  #answerSyn(frame: Frame): void {
    const syn = decodeSyn(frame.payload);
    const common = syn.minVersion <= protocolVersion && protocolVersion <= syn.maxVersion;
    if (!common || frame.session === 0) return this.#greet(frame.session, 0, syn.nonce);
    const repeated = this.#state === "open" && this.#session === frame.session && this.#nonce === syn.nonce;
    if (!repeated) {
      this.#state = "open";
      this.#session = frame.session;
      this.#nonce = syn.nonce;
      this.#peerPayload = Math.min(syn.maxPayload, payloadWithin(frame.window));
      this.#forget(frame.window);
      const bootId = this.#options.role === "device" ? this.#options.bootId : 0;
      this.#events.push({ type: "open", session: frame.session, bootId, maxPayload: this.#peerPayload });
    }
    this.#greet(frame.session, protocolVersion, syn.nonce);
  }

  #greet(session: number, version: number, nonce: number): void {
    if (this.#options.role !== "device") return;
    const { maxPayload, bootId } = this.#options;
    const range = { minVersion: protocolVersion, maxVersion: protocolVersion };
    const payload = encodeReady({ version, ...range, maxPayload, bootId, nonce });
    this.#urgent = this.#urgent.filter(({ kind }) => kind !== "ready");
    this.#urgent.push({ kind: "ready", session, payload });
  }

  #consumeReady(frame: Frame): void {
    const ready = decodeReady(frame.payload);
    if (this.#state === "opening") {
      const mine = frame.session === this.#session && ready.nonce === this.#nonce;
      // A board that has just started may have missed the SYN.
      if (!mine && this.#synAt > this.#now) this.#sendSyn(this.#now);
      else if (mine && ready.version !== protocolVersion) this.#fail(otherVersion(ready));
      else if (mine) this.#opened(frame, ready);
      return;
    }
    if (this.#state !== "open" || frame.session === this.#session) return;
    if (frame.session !== 0 && ready.bootId === this.#bootId) return this.#fail(takenOver());
    this.#events.push({ type: "restarted", bootId: ready.bootId });
    this.#openSession(this.#now);
  }

  #opened(frame: Frame, ready: Ready): void {
    this.#state = "open";
    this.#bootId = ready.bootId;
    this.#peerPayload = Math.min(ready.maxPayload, payloadWithin(frame.window));
    this.#forget(frame.window);
    this.#patience.heard(this.#now);
    this.#events.push({
      type: "open",
      session: this.#session,
      bootId: ready.bootId,
      maxPayload: this.#peerPayload,
    });
    this.#updatePatience();
  }

  #forget(window: number): void {
    this.#sender.reset(window);
    this.#patience.reset();
    this.#urgent = [];
    this.#expected = 0;
    this.#reported = false;
    this.#owedBytes = 0;
    this.#ackAtOnce = false;
    this.#poll = null;
  }

  // ---- patience, the host's alone

  #updatePatience(): void {
    if (this.#options.role === "device" || this.#state !== "open") return;
    if (this.#sender.pending || this.#expecting || this.#reported) this.#patience.wait(this.#now);
    else this.#patience.rest();
  }

  #ask(now: number): void {
    this.#token = (this.#token + 1) & 0xff;
    this.#poll = { token: this.#token, order: this.#sender.latest };
    this.#reported = false;
    this.#sender.obeyAgain();
    this.#patience.asked(now);
    this.statistics.polls += 1;
    this.#urgent = this.#urgent.filter(({ kind }) => kind !== "poll");
    this.#urgent.push({ kind: "poll", session: this.#session, payload: Uint8Array.of(this.#token) });
  }

  #fail(error: WamletError): void {
    this.#state = "failed";
    this.#patience.rest();
    this.#events.push({ type: "failed", error });
  }

  #silent(milliseconds: number, open: boolean): WamletError {
    const seconds = (milliseconds / 1000).toFixed(milliseconds < 10_000 ? 1 : 0);
    return open
      ? new WamletError(
          "WAMLET_LINE_TIMEOUT",
          `The board has been silent for ${seconds} s while an answer was due.`,
          "Check cable and power; where one inference really takes that long, allow it with --timeout.",
        )
      : new WamletError(
          "WAMLET_LINE_TIMEOUT",
          `No Wamlet agent has answered within ${seconds} s.`,
          "Check that the agent is flashed, that this is its port, and that the baud rate (--baud) is the board's.",
        );
  }
}

function otherVersion(ready: Ready): WamletError {
  return new WamletError(
    "WAMLET_PROTOCOL_VERSION",
    `The board speaks protocol version ${ready.minVersion}–${ready.maxVersion}, this release version ${protocolVersion}.`,
    "Flash the agent of this release, or use the release of wamlet that fits the board.",
  );
}

function takenOver(): WamletError {
  return new WamletError(
    "WAMLET_LINE_CLOSED",
    "Another program has opened a session with this board.",
    "Let one program at a time use the board.",
  );
}

function stuck(): WamletError {
  return new WamletError(
    "WAMLET_LINE_TIMEOUT",
    `The board answers, but has not taken a message for ${fruitlessQuestions} questions.`,
    "Restart the board; if this happens again, the line damages every long frame: lower the baud rate.",
  );
}

/** An empty frame in front ends whatever garbage the line had before. */
function withDelimiter(bytes: Uint8Array): Uint8Array {
  const longer = new Uint8Array(bytes.length + 1);
  longer.set(bytes, 1);
  return longer;
}
