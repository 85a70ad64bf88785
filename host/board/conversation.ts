/**
 * Requests and answers with a board: pairs answers with requests, and tells everybody who waits when the board
 * restarts or goes away.
 */
import { WamletError } from "../errors.js";
import { interrupted } from "../transport/abort.js";
import type { ByteStream } from "../transport/byte_stream.js";
import type { Link, LinkEvent } from "../wire/link.js";
import {
  decodeMessage,
  encodeMessage,
  type Message,
  type MessageOf,
  type MessageType,
} from "../wire/message.js";
import { closed, isRestart, restarted, stillRunning, tooLong } from "./conversation_errors.js";
import { LineDriver, type LineOptions } from "./line_driver.js";
import { refusal } from "./refusal.js";

export interface ConversationOptions extends LineOptions {
  /** A line of the board's log: level 1 error, 2 warning, 3 information, 4 debug. */
  readonly onLog?: ((level: number, text: string) => void) | undefined;
  /** Text on the line that is none of the agent's: a boot ROM, a panic. */
  readonly onConsole?: ((text: string) => void) | undefined;
  /** A session has begun: the first one, and one after each restart of the board. */
  readonly onOpen?: (() => void) | undefined;
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

export class Conversation {
  readonly #line: LineDriver;
  readonly #options: ConversationOptions;
  /** By what they wait for, see `subjectOf`. */
  readonly #waiting = new Map<string, Waiting>();
  #request = 0;
  #frame = 0;
  /** Why nothing works any more. */
  #lost: WamletError | null = null;
  #opening = pledge();
  #generation = 0;
  #turn: Promise<unknown> = Promise.resolve();

  constructor(stream: ByteStream, options: ConversationOptions) {
    this.#options = options;
    this.#line = new LineDriver(stream, options, {
      onEvent: (event) => this.#handle(event),
      onClosed: (error) => this.#lose(error ?? closed()),
    });
    this.#line.start();
  }

  /** Resolves when a session is open. */
  opened(): Promise<void> {
    return this.#lost === null ? this.#opening.promise : Promise.reject(this.#lost);
  }

  /** Largest message that the board takes, and the encoded bytes that may be under way. */
  get limits(): { readonly maxPayload: number; readonly window: number } {
    return { maxPayload: this.#line.link.maxPayload, window: this.#line.link.window };
  }

  /** DATA frames sent again, POLLs, damaged frames, doubles. */
  get statistics(): Link["statistics"] {
    return this.#line.link.statistics;
  }

  /** Counts the board's restarts: what was loaded before one is gone. */
  get generation(): number {
    return this.#generation;
  }

  /** Payload bytes handed over that the board has not acknowledged. */
  get unacknowledged(): number {
    return this.#line.link.queuedBytes;
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
    const encoded = this.#encode(make(request));
    const answered = this.wait<MessageOf<Answer>>(
      `request ${request}`,
      (message, settle) => {
        if (isA(message, answer)) settle.resolve(message);
        else if (message.type === "error") settle.reject(refusal(message, doing));
      },
      signal,
    );
    this.#line.send(encoded);
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
    this.#line.send(this.#encode(message));
  }

  /** Resolves when the line would take one more message soon: back-pressure for whoever posts many. */
  async room(): Promise<void> {
    await this.opened();
    await this.#line.room();
    await this.opened();
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
    await this.#line.close();
  }

  /** A message's bytes, certain to be accepted by the link at this moment. */
  #encode(message: Message): Uint8Array {
    if (!this.#line.link.isOpen) throw restarted();
    const encoded = encodeMessage(message);
    const { maxPayload } = this.limits;
    if (encoded.length > maxPayload) throw tooLong(encoded.length, maxPayload);
    return encoded;
  }

  #handle(event: LinkEvent): void {
    if (event.type === "message") this.#dispatch(event.payload);
    else if (event.type === "open") this.#opened();
    else if (event.type === "log") this.#options.onLog?.(event.level, event.text);
    else if (event.type === "console") this.#options.onConsole?.(event.text);
    else if (event.type === "failed") this.#lose(event.error);
    else {
      this.#generation += 1;
      this.#opening = pledge();
      this.#failWaiting(restarted());
    }
  }

  #opened(): void {
    this.#opening.resolve();
    this.#options.onOpen?.();
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
    this.#opening.reject(error);
    this.#failWaiting(error);
  }

  #failWaiting(error: WamletError): void {
    for (const waiting of [...this.#waiting.values()]) waiting.fail(error);
    this.#line.wake();
  }

  /** Strays are waited for without being due. */
  #expect(): void {
    const due = this.#waiting.size - (this.#waiting.has("stray") ? 1 : 0);
    this.#line.expect(due > 0);
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
