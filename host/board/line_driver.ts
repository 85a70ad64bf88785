/** Keeps a Link going over a byte stream: real time, real writes, and room for those who wait to send. */
import type { WamletError } from "../errors.js";
import type { ByteStream } from "../transport/byte_stream.js";
import { Link, type LinkEvent } from "../wire/link.js";

export interface LineOptions {
  /** Milliseconds without a sign of life, while an answer is due, after which the board is given up. */
  readonly timeout?: number | undefined;
  /** Milliseconds to wait for the agent's first answer. */
  readonly connectTimeout?: number | undefined;
}

/** Who is told what happens. */
export interface LineListener {
  readonly onEvent: (event: LinkEvent) => void;
  /** The stream has ended; null where `close()` ended it. */
  readonly onClosed: (error: WamletError | null) => void;
}

const usualTimeout = 60_000;
export const usualConnectTimeout = 5000;
const receiveBufferBytes = 0xffff + 64;
const largestPayload = 4096;
/** Frames handed to the stream at once: the next one is there when the first is through. */
const writesUnderWay = 2;
/** Messages that may wait for the line: one is enough to keep it busy. */
const unsentLimit = 2;
/** What a serial driver hands over at once is fed in pieces that the link's buffer surely takes. */
const pieceBytes = 16_384;

export class LineDriver {
  readonly link: Link;
  readonly #stream: ByteStream;
  readonly #listener: LineListener;
  #writes = 0;
  #timer: NodeJS.Timeout | undefined;
  #ended = false;
  readonly #waiting: (() => void)[] = [];

  constructor(stream: ByteStream, options: LineOptions, listener: LineListener) {
    this.#stream = stream;
    this.#listener = listener;
    this.link = new Link({
      role: "host",
      bufferBytes: receiveBufferBytes,
      maxPayload: largestPayload,
      baudRate: stream.baudRate,
      silence: options.timeout ?? usualTimeout,
      patience: options.connectTimeout ?? usualConnectTimeout,
      random: () => crypto.getRandomValues(new Uint32Array(1))[0] ?? 1,
    });
  }

  /** Greets the board. */
  start(): void {
    this.#stream.onData((bytes) => this.#receive(bytes));
    this.#stream.onClose((error) => this.#end(error));
    this.link.start(performance.now());
    this.#go();
  }

  /** Queues a message. @throws RangeError where no session is open */
  send(payload: Uint8Array): void {
    this.link.send(payload);
    this.#go();
  }

  /** An answer is due, or none any more. */
  expect(expecting: boolean): void {
    this.link.expecting = expecting;
    this.#setTimer();
  }

  /** Resolves when a message more would be on the line soon, or when there is no line any more. */
  async room(): Promise<void> {
    while (this.link.unsent >= unsentLimit && !this.#ended) {
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
    }
  }

  /** Has everybody who waits look again: what they wait for may have changed. */
  wake(): void {
    for (const look of this.#waiting.splice(0)) look();
  }

  /** Stops the clock and closes the stream. */
  async close(): Promise<void> {
    this.#end(null);
    await this.#stream.close();
  }

  #receive(bytes: Uint8Array): void {
    for (let start = 0; start < bytes.length && !this.#ended; start += pieceBytes) {
      this.link.receive(bytes.subarray(start, start + pieceBytes), performance.now());
      this.#tellEvents();
    }
    this.#go();
  }

  #tick(): void {
    this.link.tick(performance.now());
    this.#tellEvents();
    this.#go();
  }

  #tellEvents(): void {
    for (let event = this.link.next(); event !== null; event = this.link.next())
      this.#listener.onEvent(event);
  }

  /** Puts on the line what it takes, and sets the clock for the rest. */
  #go(): void {
    while (!this.#ended && this.#writes < writesUnderWay) {
      const bytes = this.link.output(performance.now());
      if (bytes === null) break;
      this.#writes += 1;
      this.#stream.write(bytes).then(
        () => {
          this.#writes -= 1;
          this.#go();
        },
        (error: WamletError) => this.#end(error),
      );
    }
    this.wake();
    this.#setTimer();
  }

  #setTimer(): void {
    clearTimeout(this.#timer);
    const { deadline } = this.link;
    if (this.#ended || deadline === null) return;
    // A deadline that has passed while the line is full is not looked at in a busy loop.
    const pause = Math.max(1, Math.ceil(deadline - performance.now()));
    this.#timer = setTimeout(() => this.#tick(), pause);
  }

  #end(error: WamletError | null): void {
    if (this.#ended) return;
    this.#ended = true;
    clearTimeout(this.#timer);
    this.wake();
    this.#listener.onClosed(error);
  }
}
