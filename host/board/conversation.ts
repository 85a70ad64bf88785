/**
 * Requests and answers with a board: drives a Link over a byte stream with real timers, pairs answers with
 * requests, and tells everybody who waits when the board restarts or goes away.
 */
import { WamletError } from "../errors.js";
import { interrupted } from "../transport/abort.js";
import type { ByteStream } from "../transport/byte_stream.js";
import { Link, type LinkEvent } from "../wire/link.js";
import {
  decodeMessage,
  encodeMessage,
  type Message,
  type MessageOf,
  type MessageType,
} from "../wire/message.js";
import { refusal } from "./refusal.js";

export interface ConversationOptions {
  /** Milliseconds without a sign of life, while an answer is due, after which the board is given up. */
  readonly timeout?: number | undefined;
  /** Milliseconds to wait for the agent's first answer. */
  readonly connectTimeout?: number | undefined;
  /** A line of the board's log: level 1 error, 2 warning, 3 information, 4 debug. */
  readonly onLog?: ((level: number, text: string) => void) | undefined;
  /** Text on the line that is none of the agent's: a boot ROM, a panic. */
  readonly onConsole?: ((text: string) => void) | undefined;
}

/** Somebody who waits for messages. */
interface Waiting {
  readonly take: (message: Message) => void;
  readonly fail: (error: WamletError) => void;
}

/** How a wait ends. */
export interface Settle<Value> {
  readonly resolve: (value: Value) => void;
  readonly reject: (error: WamletError) => void;
}

const usualTimeout = 60_000;
const usualConnectTimeout = 5000;
const receiveBufferBytes = 0xffff + 64;
const largestPayload = 4096;
/** Frames handed to the stream at once: the next one is there when the first is through. */
const writesUnderWay = 2;
/** Messages that may wait for the line: one is enough to keep it busy. */
const unsentLimit = 2;
/** A chunk of a serial driver is fed in pieces that the link's buffer surely takes. */
const pieceBytes = 16_384;

export class Conversation {
  readonly #stream: ByteStream;
  readonly #options: ConversationOptions;
  readonly #link: Link;
  /** By what they wait for, see `subject`. */
  readonly #waiting = new Map<string, Waiting>();
  #roomWaiting: Settle<void>[] = [];
  #writes = 0;
  #timer: NodeJS.Timeout | undefined;
  #request = 0;
  #frame = 0;
  /** Why nothing works any more. */
  #lost: WamletError | null = null;
  #opening: Settle<void> & { readonly promise: Promise<void> };
  #generation = 0;
  #turn: Promise<unknown> = Promise.resolve();

  constructor(stream: ByteStream, options: ConversationOptions) {
    this.#stream = stream;
    this.#options = options;
    this.#opening = pledge();
    this.#link = new Link({
      role: "host",
      bufferBytes: receiveBufferBytes,
      maxPayload: largestPayload,
      baudRate: stream.baudRate,
      silence: options.timeout ?? usualTimeout,
      patience: options.connectTimeout ?? usualConnectTimeout,
      random: () => crypto.getRandomValues(new Uint32Array(1))[0] ?? 1,
    });
    stream.onData((bytes) => this.#receive(bytes));
    stream.onClose((error) => this.#lose(error ?? closed()));
    this.#link.start(performance.now());
    this.#go();
  }

  /** Resolves when a session is open. */
  opened(): Promise<void> {
    return this.#lost === null ? this.#opening.promise : Promise.reject(this.#lost);
  }

  /** Largest message that the board takes, and the encoded bytes that may be under way. */
  get limits(): { readonly maxPayload: number; readonly window: number } {
    return { maxPayload: this.#link.maxPayload, window: this.#link.window };
  }

  /** DATA frames sent again, POLLs, damaged frames, doubles. */
  get statistics(): Link["statistics"] {
    return this.#link.statistics;
  }

  /** Counts the board's restarts: what was loaded before one is gone. */
  get generation(): number {
    return this.#generation;
  }

  /** Payload bytes handed over that the board has not acknowledged. */
  get unacknowledged(): number {
    return this.#link.queuedBytes;
  }

  /** A number for the next frame, among 65536: answers of an earlier one with the same have long been seen. */
  nextFrame(): number {
    this.#frame = (this.#frame + 1) & 0xffff;
    return this.#frame;
  }

  /**
   * Asks and waits for the answer.
   * @param doing what it is about, for the error: `load digits`
   * @throws WamletError what the board answers with, or that it restarted or is gone
   */
  async request<Answer extends MessageType>(
    doing: string,
    make: (request: number) => Message,
    answer: Answer,
    signal?: AbortSignal,
  ): Promise<MessageOf<Answer>> {
    await this.opened();
    if (signal?.aborted) throw interrupted();
    this.#request = (this.#request % 0xffff) + 1;
    const request = this.#request;
    const answered = this.wait<MessageOf<Answer>>(
      `request ${request}`,
      (message, settle) => {
        if (isA(message, answer)) settle.resolve(message);
        else if (message.type === "error") settle.reject(refusal(message, doing));
      },
      signal,
    );
    this.#send(make(request));
    return answered;
  }

  /**
   * Waits for the messages about a subject: `request 7`, `frame 12`, or `stray` for errors about neither.
   * @param take is given each until it settles
   * @throws WamletError what `take` settles with, WAMLET_INTERRUPTED, or that the board restarted or is gone
   */
  wait<Value>(
    subject: string,
    take: (message: Message, settle: Settle<Value>) => void,
    signal?: AbortSignal,
  ): Promise<Value> {
    if (this.#lost !== null) return Promise.reject(this.#lost);
    return new Promise((fulfil, refuse) => {
      const abort = () => settle.reject(interrupted());
      const end = () => {
        if (this.#waiting.get(subject) === waiting) this.#waiting.delete(subject);
        signal?.removeEventListener("abort", abort);
        this.#expect();
      };
      const settle: Settle<Value> = {
        resolve: (value) => {
          end();
          fulfil(value);
        },
        reject: (error) => {
          end();
          refuse(error);
        },
      };
      const waiting: Waiting = { take: (message) => take(message, settle), fail: settle.reject };
      this.#waiting.set(subject, waiting);
      this.#expect();
      if (signal?.aborted) abort();
      else signal?.addEventListener("abort", abort);
    });
  }

  /** Sends a message that is answered only if it fails. Await `room()` before. */
  post(message: Message): void {
    if (this.#lost !== null) throw this.#lost;
    this.#send(message);
  }

  /** Resolves when the line would take one more message soon: back-pressure for whoever posts many. */
  async room(): Promise<void> {
    await this.opened();
    while (this.#link.unsent >= unsentLimit) {
      await new Promise<void>((resolve, reject) => this.#roomWaiting.push({ resolve, reject }));
    }
  }

  /**
   * Resolves when the board has restarted.
   * @throws WamletError WAMLET_LINE_TIMEOUT where the signal comes first
   */
  async restart(signal: AbortSignal): Promise<void> {
    try {
      await this.wait<never>("restart", () => {}, signal);
    } catch (error) {
      if (isRestart(error)) return;
      throw signal.aborted ? stillRunning() : error;
    }
  }

  /** Runs an action after those given before it: messages that belong together stay together. */
  exclusive<Value>(action: () => Promise<Value>): Promise<Value> {
    const result = this.#turn.then(action);
    this.#turn = result.catch(() => {});
    return result;
  }

  /** Ends the conversation and the stream. */
  async close(): Promise<void> {
    this.#lose(closed());
    await this.#stream.close();
  }

  #send(message: Message): void {
    if (!this.#link.isOpen) throw restarted();
    this.#link.send(encodeMessage(message));
    this.#go();
  }

  #receive(bytes: Uint8Array): void {
    for (let start = 0; start < bytes.length; start += pieceBytes) {
      this.#link.receive(bytes.subarray(start, start + pieceBytes), performance.now());
      this.#handleEvents();
    }
    this.#go();
  }

  /** Puts on the line what it takes, and sets the clock for the rest. */
  #go(): void {
    while (this.#lost === null && this.#writes < writesUnderWay) {
      const bytes = this.#link.output(performance.now());
      if (bytes === null) break;
      this.#writes += 1;
      this.#stream.write(bytes).then(
        () => {
          this.#writes -= 1;
          this.#go();
        },
        (error: WamletError) => this.#lose(error),
      );
    }
    if (this.#link.unsent < unsentLimit) this.#freeRoom();
    clearTimeout(this.#timer);
    const { deadline } = this.#link;
    if (this.#lost !== null || deadline === null) return;
    this.#timer = setTimeout(() => this.#tick(), Math.max(0, Math.ceil(deadline - performance.now())));
  }

  #tick(): void {
    this.#link.tick(performance.now());
    this.#handleEvents();
    this.#go();
  }

  #handleEvents(): void {
    for (let event = this.#link.next(); event !== null; event = this.#link.next()) this.#handle(event);
  }

  #handle(event: LinkEvent): void {
    if (event.type === "message") this.#dispatch(event.payload);
    else if (event.type === "open") this.#opening.resolve();
    else if (event.type === "log") this.#options.onLog?.(event.level, event.text);
    else if (event.type === "console") this.#options.onConsole?.(event.text);
    else if (event.type === "failed") this.#lose(event.error);
    else {
      this.#generation += 1;
      this.#opening = pledge();
      this.#failWaiting(restarted());
    }
  }

  #dispatch(payload: Uint8Array): void {
    try {
      const message = decodeMessage(payload);
      // Nobody waits for a late answer to what was given up.
      if (message.type !== "unknown") this.#waiting.get(subjectOf(message))?.take(message);
    } catch (error) {
      if (!(error instanceof WamletError)) throw error;
      this.#failWaiting(error);
    }
  }

  #lose(error: WamletError): void {
    if (this.#lost !== null) return;
    this.#lost = error;
    clearTimeout(this.#timer);
    this.#opening.reject(error);
    this.#failWaiting(error);
  }

  #failWaiting(error: WamletError): void {
    for (const waiting of [...this.#waiting.values()]) waiting.fail(error);
    for (const { reject } of this.#roomWaiting.splice(0)) reject(error);
  }

  /** Strays are waited for without being due. */
  #expect(): void {
    const due = this.#waiting.size - (this.#waiting.has("stray") ? 1 : 0);
    this.#link.expecting = due > 0;
  }

  #freeRoom(): void {
    for (const { resolve } of this.#roomWaiting.splice(0)) resolve();
  }
}

function subjectOf(message: Message): string {
  if (message.type === "result" || (message.type === "error" && message.input))
    return `frame ${message.frame}`;
  const request = "request" in message ? message.request : 0;
  return request === 0 ? "stray" : `request ${request}`;
}

function isA<Type extends MessageType>(message: Message, type: Type): message is MessageOf<Type> & Message {
  return message.type === type;
}

function pledge(): Settle<void> & { readonly promise: Promise<void> } {
  let resolve = () => {};
  let reject: (error: WamletError) => void = () => {};
  const promise = new Promise<void>((fulfil, refuse) => {
    resolve = fulfil;
    reject = refuse;
  });
  // Whoever awaits it later is told; until then nobody has to.
  promise.catch(() => {});
  return { promise, resolve, reject };
}

function closed(): WamletError {
  return new WamletError("WAMLET_LINE_CLOSED", "The session is closed.", "Open the board again.");
}

function stillRunning(): WamletError {
  return new WamletError(
    "WAMLET_LINE_TIMEOUT",
    "The board was asked to restart and has not.",
    "Press its reset button, or unplug it and plug it in again.",
  );
}

export function isRestart(error: unknown): boolean {
  return error instanceof WamletError && error.code === "WAMLET_BOARD_RESTARTED";
}

/** What was under way is lost; the session itself goes on. */
export function restarted(): WamletError {
  return new WamletError(
    "WAMLET_BOARD_RESTARTED",
    "The board has restarted; what was under way is lost.",
    "Check its power supply; run the command again: a deploy goes on where it stopped.",
  );
}
