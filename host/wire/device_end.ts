/**
 * The device's side of a session: it announces itself, answers, and resends what it is asked for. No clock,
 * no question of its own (docs/PROTOCOL.md, "Device").
 */
import type { Channel } from "./channel.js";
import type { Frame } from "./frame.js";
import { payloadWithin } from "./frame.js";
import { decodeSyn, encodeReady, protocolVersion } from "./greeting.js";
import type { DeviceLinkOptions } from "./link_event.js";

export class DeviceEnd {
  readonly #channel: Channel;
  readonly #options: DeviceLinkOptions;
  #nonce = 0;

  constructor(channel: Channel, options: DeviceLinkOptions) {
    this.#channel = channel;
    this.#options = options;
  }

  /** READY at boot. */
  start(): void {
    this.#greet(0, 0, 0);
  }

  /** @throws WamletError WAMLET_INVALID_PACKET where a SYN is too short */
  consume(frame: Frame, now: number): void {
    const channel = this.#channel;
    if (frame.kind === "syn") this.#answerSyn(frame);
    else if (frame.kind === "ready" || frame.kind === "log") return;
    else if (channel.session === 0 || frame.session !== channel.session) {
      // An answer to SYN that still waits must not be displaced.
      if (!channel.urges("ready")) this.#greet(channel.session, 0, 0);
    } else {
      if (frame.kind === "resend") channel.sender.obeyAgain();
      channel.consume(frame, now);
      if (frame.kind === "poll") channel.urge("ack", frame.payload.slice(0, 1));
    }
  }

  /** An ACK of its own is due when a quarter of the window is used up, or when there is nothing left to do. */
  ackIsDue(drained: boolean): boolean {
    return drained || this.#channel.owedBytes >= this.#channel.window / 4;
  }

  #answerSyn(frame: Frame): void {
    const channel = this.#channel;
    const syn = decodeSyn(frame.payload);
    if (frame.session === 0 || syn.minVersion > protocolVersion || syn.maxVersion < protocolVersion) {
      this.#greet(frame.session, 0, syn.nonce);
      return;
    }
    const repeated = channel.session === frame.session && this.#nonce === syn.nonce;
    if (!repeated) {
      this.#nonce = syn.nonce;
      channel.state = "open";
      channel.session = frame.session;
      channel.peerPayload = Math.min(syn.maxPayload, payloadWithin(frame.window));
      channel.reset(frame.window);
      const { bootId } = this.#options;
      channel.events.push({ type: "open", session: frame.session, bootId, maxPayload: channel.peerPayload });
    }
    this.#greet(frame.session, protocolVersion, syn.nonce);
  }

  #greet(session: number, version: number, nonce: number): void {
    const { maxPayload, bootId } = this.#options;
    const range = { minVersion: protocolVersion, maxVersion: protocolVersion };
    this.#channel.urge("ready", encodeReady({ version, ...range, maxPayload, bootId, nonce }), session);
  }
}
