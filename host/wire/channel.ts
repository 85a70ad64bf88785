/**
 * A session's two numbered streams and what both ends do alike: take frames in order, acknowledge, report a
 * gap once, and put ack and window into every frame that goes out (docs/PROTOCOL.md, "Numbers").
 */
import { encodeFrame, type Frame, type FrameKind, frameCost } from "./frame.js";
import type { LinkEvent } from "./link_event.js";
import { Sender } from "./sender.js";

/** Log lines that wait for the line; more are dropped, for they are no messages. */
const waitingLogs = 8;

/** Frames that go before any DATA, in this order; of each kind but log lines only the latest matters. */
const urgentKinds = ["syn", "ready", "resend", "poll", "ack", "log"] as const;
type UrgentKind = (typeof urgentKinds)[number];

interface Urgent {
  readonly kind: UrgentKind;
  readonly session: number;
  readonly payload: Uint8Array;
}

/** What a frame has changed. */
export interface Movement {
  /** An acknowledgement advanced or a message came. */
  readonly moved: boolean;
  /** Milliseconds, where this frame tells it for certain. */
  readonly roundTrip: number | null;
}

export class Channel {
  readonly sender = new Sender();
  readonly events: LinkEvent[] = [];
  state: "idle" | "opening" | "open" | "failed" = "idle";
  session = 0;
  /** Largest payload that the peer takes. */
  peerPayload = 0;
  /** Consumed bytes that were not acknowledged yet, and since when. */
  owedBytes = 0;
  owedSince = 0;
  /** A doubled frame shows that an acknowledgement was lost. */
  ackAtOnce = false;
  /** A gap was reported; once is enough until something moves. */
  gapReported = false;
  readonly statistics = { resent: 0, polls: 0, damaged: 0, duplicates: 0 };
  /** Number of the next DATA that is due from the peer. */
  #expected = 0;
  #urgent: Urgent[] = [];

  /** @param window that this side grants */
  constructor(readonly window: number) {}

  /** Starts a session's numbers anew. */
  reset(peerWindow: number): void {
    this.sender.reset(peerWindow);
    this.#urgent = [];
    this.#expected = 0;
    this.owedBytes = 0;
    this.ackAtOnce = false;
    this.gapReported = false;
  }

  /** Queues a frame outside the numbering. */
  urge(kind: UrgentKind, payload: Uint8Array, session = this.session): void {
    if (kind !== "log") this.#urgent = this.#urgent.filter((waiting) => waiting.kind !== kind);
    else if (this.#urgent.filter((waiting) => waiting.kind === "log").length >= waitingLogs) return;
    this.#urgent.push({ kind, session, payload });
    this.#urgent.sort((one, other) => urgentKinds.indexOf(one.kind) - urgentKinds.indexOf(other.kind));
  }

  /** Whether a frame of this kind waits for the line. */
  urges(kind: UrgentKind): boolean {
    return this.#urgent.some((waiting) => waiting.kind === kind);
  }

  /** Takes ack, window and number of a frame of this session, and its message where it is the next one. */
  consume(frame: Frame, now: number): Movement {
    this.sender.window = frame.window;
    const acknowledged = this.sender.acknowledge(frame.ack, now);
    if (frame.kind === "resend") this.sender.resend();
    const message = this.#take(frame, now);
    return { moved: message || acknowledged !== null, roundTrip: acknowledged?.roundTrip ?? null };
  }

  /** @returns whether the frame was the message that was due */
  #take(frame: Frame, now: number): boolean {
    const ahead = (frame.sequence - this.#expected) & 0xff;
    if (ahead > 0 && ahead < 128) {
      if (!this.gapReported) this.urge("resend", nothing);
      this.gapReported = true;
      return false;
    }
    if (frame.kind !== "data") return false;
    if (this.owedBytes === 0) this.owedSince = now;
    this.owedBytes += frameCost(frame.payload.length);
    if (ahead > 0) {
      this.statistics.duplicates += 1;
      this.ackAtOnce = true;
      return false;
    }
    this.#expected = (this.#expected + 1) & 0xff;
    this.gapReported = false;
    this.events.push({ type: "message", payload: frame.payload });
    return true;
  }

  /** The next urgent frame's bytes, or null. */
  urgentBytes(): Uint8Array | null {
    const urgent = this.#urgent.shift();
    if (urgent === undefined) return null;
    const { kind, session, payload } = urgent;
    return withDelimiter(this.#encode(kind, session, this.sender.sequence, payload));
  }

  /** The next message's bytes, or null where there is none or the window is closed. */
  dataBytes(now: number): Uint8Array | null {
    if (!this.sender.sendable) return null;
    const { sequence, payload, resent } = this.sender.transmit(now);
    const bytes = this.#encode("data", this.session, sequence, payload);
    if (!resent) return bytes;
    this.statistics.resent += 1;
    return withDelimiter(bytes);
  }

  /** A bare acknowledgement's bytes. */
  ackBytes(): Uint8Array {
    return this.#encode("ack", this.session, this.sender.sequence, nothing);
  }

  #encode(kind: FrameKind, session: number, sequence: number, payload: Uint8Array): Uint8Array {
    // The peer takes no acknowledgement from greetings and log lines.
    if (kind !== "syn" && kind !== "ready" && kind !== "log") {
      this.owedBytes = 0;
      this.ackAtOnce = false;
    }
    return encodeFrame({ kind, session, sequence, ack: this.#expected, window: this.window, payload });
  }
}

const nothing = new Uint8Array(0);

/** A delimiter in front ends whatever garbage the line carried before. */
function withDelimiter(bytes: Uint8Array): Uint8Array {
  const longer = new Uint8Array(bytes.length + 1);
  longer.set(bytes, 1);
  return longer;
}
