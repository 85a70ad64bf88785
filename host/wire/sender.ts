/**
 * The sending half of a link: go-back-N over numbered DATA within the peer's window. It resends only on
 * evidence that a frame was lost, never on a mere guess, so the bytes under way are always known.
 */
import { frameCost } from "./frame.js";

/** Sequence numbers have 8 bits; half of them tells ahead from behind. */
const mostUnderWay = 127;

interface Entry {
  readonly payload: Uint8Array;
  readonly cost: number;
  /** Number of its latest transmission, 0 where it was never sent. */
  order: number;
  sentAt: number;
  resent: boolean;
}

export class Sender {
  /** Unacknowledged entries, then unsent ones; the first has the number `base`. */
  #queue: Entry[] = [];
  #base = 0;
  /** Index in the queue of the next entry to send. */
  #cursor = 0;
  /** Entries from the front that were sent at least once. */
  #high = 0;
  #window = 0;
  /** Transmissions that may still lie on the line or in the peer's buffer, oldest first. */
  #transmissions: { readonly order: number; readonly cost: number }[] = [];
  #order = 0;
  #underWay = 0;
  #queuedBytes = 0;
  /** A request to resend is obeyed once until something moves, so that its duplicate does no harm. */
  #obeyed = false;

  reset(window: number): void {
    this.#queue = [];
    this.#base = 0;
    this.#cursor = 0;
    this.#high = 0;
    this.#window = window;
    this.#transmissions = [];
    this.#underWay = 0;
    this.#queuedBytes = 0;
    this.#obeyed = false;
  }

  /** The number that the next transmission will carry. */
  get sequence(): number {
    return (this.#base + this.#cursor) & 0xff;
  }

  /** Encoded bytes that may still be under way: sent, and not known to be consumed or lost. */
  get underWay(): number {
    return this.#underWay;
  }

  /** Payload bytes queued, sent and unsent. */
  get queuedBytes(): number {
    return this.#queuedBytes;
  }

  /** Messages queued that were not sent yet. */
  get unsent(): number {
    return this.#queue.length - this.#high;
  }

  /** Whether something waits for an acknowledgement or for the window. */
  get pending(): boolean {
    return this.#queue.length > 0;
  }

  /** Number of the latest transmission: evidence refers to it. */
  get latest(): number {
    return this.#order;
  }

  /** Encoded bytes that the peer grants to be under way. */
  get window(): number {
    return this.#window;
  }

  set window(bytes: number) {
    this.#window = bytes;
  }

  enqueue(payload: Uint8Array): void {
    this.#queue.push({ payload, cost: frameCost(payload.length), order: 0, sentAt: 0, resent: false });
    this.#queuedBytes += payload.length;
  }

  /** Whether window and numbering allow the next payload to be sent. */
  get sendable(): boolean {
    const entry = this.#queue[this.#cursor];
    if (entry === undefined || this.#cursor >= mostUnderWay) return false;
    return this.#underWay + entry.cost <= this.#window;
  }

  /** Takes the next payload for the line; call only while `sendable`. */
  transmit(now: number): {
    readonly sequence: number;
    readonly payload: Uint8Array;
    readonly resent: boolean;
  } {
    const entry = this.#queue[this.#cursor];
    if (entry === undefined) throw new Error("transmit() without a sendable payload");
    const sequence = this.sequence;
    this.#order += 1;
    entry.resent = entry.order > 0;
    entry.order = this.#order;
    entry.sentAt = now;
    this.#transmissions.push({ order: this.#order, cost: entry.cost });
    this.#underWay += entry.cost;
    this.#cursor += 1;
    this.#high = Math.max(this.#high, this.#cursor);
    return { sequence, payload: entry.payload, resent: entry.resent };
  }

  /**
   * Takes a cumulative acknowledgement.
   * @returns null where it acknowledges nothing new, else the round-trip milliseconds, where they are certain
   */
  acknowledge(ack: number, now: number): { readonly roundTrip: number | null } | null {
    const count = (ack - this.#base) & 0xff;
    if (count === 0 || count > this.#high) return null;
    const gone = this.#queue.splice(0, count);
    for (const entry of gone) this.#queuedBytes -= entry.payload.length;
    this.#base = ack;
    this.#high -= count;
    this.#cursor = Math.max(0, this.#cursor - count);
    this.#obeyed = false;
    // Its copies before the last one are known to be lost, so whatever was sent up to it has left the line.
    this.#consumedUpTo(Math.max(...gone.map((entry) => entry.order)));
    const last = gone[gone.length - 1] as Entry;
    return { roundTrip: last.resent ? null : now - last.sentAt };
  }

  /** The peer saw a later frame than the one it expects: send again from there. */
  resend(): void {
    const first = this.#queue[0];
    if (first === undefined || this.#high === 0 || this.#obeyed) return;
    this.#obeyed = true;
    this.#consumedUpTo(first.order);
    this.#cursor = 0;
  }

  /** Forgets that a request to resend was obeyed: the next one is new. */
  obeyAgain(): void {
    this.#obeyed = false;
  }

  /**
   * The peer has consumed the line up to transmission `order`; what was sent by then and is not
   * acknowledged is lost.
   */
  consumed(order: number): void {
    this.#consumedUpTo(order);
    const first = this.#queue[0];
    if (first !== undefined && this.#high > 0 && first.order <= order) this.#cursor = 0;
  }

  #consumedUpTo(order: number): void {
    let gone = 0;
    for (const transmission of this.#transmissions) {
      if (transmission.order > order) break;
      this.#underWay -= transmission.cost;
      gone += 1;
    }
    this.#transmissions.splice(0, gone);
  }
}
