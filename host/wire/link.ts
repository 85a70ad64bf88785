/**
 * One end of the line: reliable, ordered messages over bytes that may be lost, doubled or damaged
 * (docs/PROTOCOL.md, "Link"). Pure: bytes and times go in, bytes and events come out. Both ends are this
 * class; what differs is in host_end.ts and device_end.ts.
 *
 *     line ── receive() ──▶ buffer ── next() ──▶ events        send() ──▶ queue ── output() ──▶ line
 */
import { WamletError } from "../errors.js";
import { Channel } from "./channel.js";
import { DeviceEnd } from "./device_end.js";
import { frameCost, minPayloadLimit } from "./frame.js";
import { HostEnd } from "./host_end.js";
import type { LinkEvent, LinkOptions } from "./link_event.js";
import { type Arrival, ReceiveBuffer } from "./receive_buffer.js";

export type { DeviceLinkOptions, HostLinkOptions, LinkEvent, LinkOptions } from "./link_event.js";

/** Bytes of the receive buffer beyond the granted window: room for frames that are not counted. */
export const controlReserve = 64;

/** Text without a delimiter is handed out after this pause. */
const textPauseMilliseconds = 100;

export class Link {
  readonly #buffer: ReceiveBuffer;
  readonly #channel: Channel;
  readonly #host: HostEnd | null;
  readonly #device: DeviceEnd | null;
  /** `next()` has found nothing left to do. */
  #drained = true;
  #now = 0;
  /** When bytes without a delimiter are looked at as text. */
  #textDue: number | null = null;

  constructor(options: LinkOptions) {
    if (options.maxPayload < minPayloadLimit) throw new RangeError(`maxPayload is below ${minPayloadLimit}`);
    const window = Math.min(0xffff, options.bufferBytes - controlReserve);
    if (window < frameCost(minPayloadLimit)) throw new RangeError("bufferBytes is too small for one frame");
    this.#buffer = new ReceiveBuffer(options.bufferBytes);
    this.#channel = new Channel(window);
    this.#host = options.role === "host" ? new HostEnd(this.#channel, options) : null;
    this.#device = options.role === "device" ? new DeviceEnd(this.#channel, options) : null;
  }

  /** Host: asks for a session. Device: announces itself. */
  start(now: number): void {
    this.#now = now;
    this.#device?.start();
    this.#host?.start(now);
  }

  get isOpen(): boolean {
    return this.#channel.state === "open";
  }

  /** Largest payload that `send` takes in this session; 0 before one is open. */
  get maxPayload(): number {
    return this.#channel.peerPayload;
  }

  /** Encoded bytes of DATA that may still be under way to the peer. */
  get underWay(): number {
    return this.#channel.sender.underWay;
  }

  /** Encoded bytes of DATA that the peer grants to be under way. */
  get window(): number {
    return this.#channel.sender.window;
  }

  /** Payload bytes that were sent or queued and not yet acknowledged: what a device has to keep. */
  get queuedBytes(): number {
    return this.#channel.sender.queuedBytes;
  }

  /** Queued messages that were never put on the line: a producer that waits for 0 keeps memory bounded. */
  get unsent(): number {
    return this.#channel.sender.unsent;
  }

  /** DATA frames sent again, POLLs sent, damaged frames and doubles seen: for diagnosis. */
  get statistics(): Readonly<Channel["statistics"]> {
    return this.#channel.statistics;
  }

  /** Bytes that found the buffer full: the peer sent more than it was granted, or the line doubled them. */
  get dropped(): number {
    return this.#buffer.dropped;
  }

  /** Host: an answer is due, so silence is worth a question. */
  set expecting(value: boolean) {
    this.#host?.expect(value, this.#now);
  }

  /**
   * Queues a message for reliable delivery.
   * @throws RangeError where no session is open or the payload exceeds `maxPayload`
   */
  send(payload: Uint8Array): void {
    if (!this.isOpen) throw new RangeError("the link has no open session");
    if (payload.length > this.maxPayload) {
      throw new RangeError(`a message of ${payload.length} bytes exceeds the peer's ${this.maxPayload}`);
    }
    this.#channel.sender.enqueue(payload);
    this.#host?.update(this.#now);
  }

  /** Device: sends a line of text outside the numbering; nobody resends it. */
  log(level: number, text: string): void {
    const line = new TextEncoder().encode(text).subarray(0, minPayloadLimit - 1);
    const payload = new Uint8Array(1 + line.length);
    payload[0] = level;
    payload.set(line, 1);
    this.#channel.urge("log", payload);
  }

  /** Takes bytes from the line into the buffer, where they wait for `next()`. */
  receive(bytes: Uint8Array, now: number): void {
    this.#now = now;
    this.#textDue = now + textPauseMilliseconds;
    this.#drained = false;
    this.#buffer.push(bytes);
  }

  /**
   * Consumes what arrived up to the next event, or returns null where nothing is left. A device calls it
   * when it has time for one more message: what is not consumed is not acknowledged, and the window holds
   * the host back.
   */
  next(): LinkEvent | null {
    for (;;) {
      const event = this.#channel.events.shift();
      if (event !== undefined) return event;
      const arrival = this.#channel.state === "failed" ? null : this.#buffer.next();
      if (arrival === null) {
        this.#drained = true;
        return null;
      }
      this.#consume(arrival);
    }
  }

  /** Host: lets time pass; questions, greetings and giving up are due by `deadline`. */
  tick(now: number): void {
    this.#now = now;
    if (this.#textDue !== null && now >= this.#textDue) {
      this.#textDue = null;
      const text = this.#host === null ? null : this.#buffer.flushText();
      if (text !== null) this.#channel.events.push({ type: "console", text });
    }
    this.#host?.tick(now);
  }

  /** When `tick` and `output` are next needed, milliseconds on the caller's clock; null where never. */
  get deadline(): number | null {
    if (this.#host === null || this.#channel.state === "failed") return null;
    const due = [this.#host.deadline, this.#textDue].filter((time) => time !== null);
    return due.length > 0 ? Math.min(...due) : null;
  }

  /** The next bytes for the line, one frame at a time, or null. Ask again whenever the line has room. */
  output(now: number): Uint8Array | null {
    this.#now = now;
    const urgent = this.#channel.urgentBytes();
    if (urgent !== null) return urgent;
    if (!this.isOpen) return null;
    const data = this.#channel.dataBytes(now);
    if (data !== null) this.#host?.update(now);
    return data ?? (this.#ackIsDue(now) ? this.#channel.ackBytes() : null);
  }

  #ackIsDue(now: number): boolean {
    if (this.#channel.owedBytes === 0) return false;
    if (this.#channel.ackAtOnce) return true;
    return this.#host?.ackIsDue(now) ?? this.#device?.ackIsDue(this.#drained) ?? false;
  }

  #consume(arrival: Arrival): void {
    if (arrival.type === "damaged") {
      this.#channel.statistics.damaged += 1;
    } else if (arrival.type === "console") {
      if (this.#host !== null) this.#channel.events.push(arrival);
    } else {
      try {
        this.#device?.consume(arrival.frame, this.#now);
        this.#host?.consume(arrival.frame, this.#now);
      } catch (error) {
        // A greeting that is too short is as good as damaged.
        if (!(error instanceof WamletError)) throw error;
        this.#channel.statistics.damaged += 1;
      }
    }
  }
}
