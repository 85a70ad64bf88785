/**
 * The host's side of a session: it opens it, and it does all recovery. Where an answer is overdue it asks
 * (POLL); what the answer shows to be lost is sent again (docs/PROTOCOL.md, "Host").
 */
import type { WamletError } from "../errors.js";
import type { Channel } from "./channel.js";
import { type Frame, minPayloadLimit, payloadWithin } from "./frame.js";
import { decodeReady, encodeSyn, protocolVersion, type Ready } from "./greeting.js";
import { noAgent, otherVersion, silentBoard, smallBoard, stuckBoard, takenOver } from "./link_errors.js";
import type { HostLinkOptions } from "./link_event.js";
import { Patience } from "./patience.js";

const synPauseMilliseconds = 300;
/** Questions answered without anything moving, after which waiting on is hopeless. */
const fruitlessQuestions = 40;
/** A bare ACK is held back this long, because DATA that follows soon carries it for nothing… */
const ackDelayMilliseconds = 20;
/** … unless this many bytes were consumed: the device keeps them until they are acknowledged. */
const ackAtOnceBytes = 512;

export class HostEnd {
  readonly #channel: Channel;
  readonly #options: HostLinkOptions;
  readonly #patience: Patience;
  #nonce = 0;
  #bootId = 0;
  #synAt = 0;
  #openBy = 0;
  #expecting = false;
  /** The question that waits for its answer, and the last DATA that was sent before it. */
  #poll: { readonly token: number; readonly order: number } | null = null;
  #token = 0;
  #fruitless = 0;

  constructor(channel: Channel, options: HostLinkOptions) {
    this.#channel = channel;
    this.#options = options;
    this.#patience = new Patience(options.baudRate, options.silence);
  }

  /** Asks for a new session. */
  start(now: number): void {
    const channel = this.#channel;
    channel.state = "opening";
    channel.session = 1 + ((this.#options.random() >>> 0) % 255);
    channel.reset(0);
    this.#patience.reset();
    this.#poll = null;
    this.#fruitless = 0;
    this.#nonce = 1 + ((this.#options.random() >>> 0) % 0xfffffffe);
    this.#openBy = now + this.#options.patience;
    this.#sendSyn(now);
  }

  /** @throws WamletError WAMLET_INVALID_PACKET where a READY is too short */
  consume(frame: Frame, now: number): void {
    const channel = this.#channel;
    if (frame.kind === "ready") {
      this.#consumeReady(frame, now);
    } else if (frame.kind === "log") {
      this.#patience.heard(now);
      const text = new TextDecoder().decode(frame.payload.subarray(1));
      channel.events.push({ type: "log", level: frame.payload[0] ?? 0, text });
    } else if (channel.state === "open" && frame.session === channel.session) {
      this.#patience.heard(now);
      const { moved, roundTrip } = channel.consume(frame, now);
      if (roundTrip !== null) this.#patience.measured(roundTrip);
      if (moved) {
        this.#fruitless = 0;
        this.#patience.progress(now);
      }
      if (frame.kind === "ack") this.#consumeAnswer(frame);
      this.update(now);
    }
  }

  /** An answer is due from the board, so silence is worth a question. */
  expect(expecting: boolean, now: number): void {
    this.#expecting = expecting;
    this.update(now);
  }

  /** Starts or ends waiting, as there is something to wait for. */
  update(now: number): void {
    if (this.#channel.state !== "open") return;
    if (this.#channel.sender.pending || this.#expecting || this.#channel.gapReported)
      this.#patience.wait(now);
    else this.#patience.rest();
  }

  tick(now: number): void {
    if (this.#channel.state === "opening") {
      if (now >= this.#openBy) this.#fail(noAgent(this.#options.patience));
      else if (now >= this.#synAt) this.#sendSyn(now);
    } else if (this.#channel.state === "open") {
      const giveUpAt = this.#patience.giveUpAt();
      const askAt = this.#patience.askAt(this.#channel.sender.underWay);
      if (giveUpAt !== null && now >= giveUpAt) this.#fail(silentBoard(this.#options.silence));
      else if (askAt !== null && now >= askAt) this.#ask(now);
    }
  }

  /** When `tick` or `output` is next needed, or null. */
  get deadline(): number | null {
    const channel = this.#channel;
    if (channel.state === "opening") return Math.min(this.#synAt, this.#openBy);
    if (channel.state !== "open") return null;
    const times = [this.#patience.askAt(channel.sender.underWay), this.#patience.giveUpAt()];
    if (channel.owedBytes > 0) times.push(channel.owedSince + ackDelayMilliseconds);
    const due = times.filter((time) => time !== null);
    return due.length > 0 ? Math.min(...due) : null;
  }

  ackIsDue(now: number): boolean {
    const { owedBytes, owedSince } = this.#channel;
    return owedBytes >= ackAtOnceBytes || now >= owedSince + ackDelayMilliseconds;
  }

  #sendSyn(now: number): void {
    this.#synAt = now + synPauseMilliseconds;
    const version = { minVersion: protocolVersion, maxVersion: protocolVersion };
    this.#channel.urge(
      "syn",
      encodeSyn({ ...version, maxPayload: this.#options.maxPayload, nonce: this.#nonce }),
    );
  }

  #consumeReady(frame: Frame, now: number): void {
    const channel = this.#channel;
    const ready = decodeReady(frame.payload);
    if (channel.state === "opening") {
      const mine = frame.session === channel.session && ready.nonce === this.#nonce;
      if (!mine)
        this.#sendSyn(now); // it has just started, perhaps too late for the SYN
      else if (ready.version !== protocolVersion) this.#fail(otherVersion(ready));
      else this.#opened(frame, ready, now);
    } else if (channel.state === "open" && frame.session !== channel.session) {
      if (frame.session !== 0 && ready.bootId === this.#bootId) {
        this.#fail(takenOver());
      } else {
        channel.events.push({ type: "restarted", bootId: ready.bootId });
        this.start(now);
      }
    }
  }

  #opened(frame: Frame, ready: Ready, now: number): void {
    const channel = this.#channel;
    const { bootId } = ready;
    const maxPayload = Math.min(ready.maxPayload, payloadWithin(frame.window));
    if (maxPayload < minPayloadLimit) {
      this.#fail(smallBoard(maxPayload));
      return;
    }
    this.#bootId = bootId;
    channel.state = "open";
    channel.peerPayload = maxPayload;
    channel.reset(frame.window);
    this.#patience.heard(now);
    channel.events.push({ type: "open", session: channel.session, bootId, maxPayload });
    this.update(now);
  }

  #ask(now: number): void {
    const { sender, statistics } = this.#channel;
    this.#token = (this.#token + 1) & 0xff;
    this.#poll = { token: this.#token, order: sender.latest };
    this.#channel.gapReported = false;
    sender.obeyAgain();
    this.#patience.asked(now);
    statistics.polls += 1;
    this.#channel.urge("poll", Uint8Array.of(this.#token));
  }

  /** The answer stands behind everything that the board had received when it read the question. */
  #consumeAnswer(frame: Frame): void {
    if (this.#poll === null || frame.payload[0] !== this.#poll.token) return;
    this.#channel.sender.consumed(this.#poll.order);
    this.#poll = null;
    this.#fruitless += 1;
    if (this.#fruitless >= fruitlessQuestions && this.#channel.sender.pending) this.#fail(stuckBoard());
  }

  #fail(error: WamletError): void {
    this.#channel.state = "failed";
    this.#patience.rest();
    this.#channel.events.push({ type: "failed", error });
  }
}
