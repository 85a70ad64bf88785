/**
 * A board's stream with what it carried: bytes in both directions, the time they took, and a word when it ends. On
 * the virtual board time is the board's own, so that a rate is that of its line and not of the machine that
 * simulates it.
 */
import type { WamletError } from "../errors.js";
import type { ByteStream } from "../transport/byte_stream.js";

/** The clock that rates are taken by. */
export interface LineClock {
  /** `virtual time`, or `wall clock`. */
  readonly name: "virtual time" | "wall clock";
  readonly microseconds: () => number;
}

export interface LineReading {
  readonly bytesToBoard: number;
  readonly bytesFromBoard: number;
  readonly microseconds: number;
}

const wallClock: LineClock = { name: "wall clock", microseconds: () => performance.now() * 1000 };

export class LineMeter implements ByteStream {
  readonly url: string;
  readonly baudRate: number | null;
  readonly clock: LineClock;
  /** Resolves when the line is over: with the reason, or null where `close()` ended it. */
  readonly ended: Promise<WamletError | null>;
  readonly #stream: ByteStream;
  #onClosed: ((error: WamletError | null) => void) | undefined;
  #over: { readonly error: WamletError | null } | null = null;
  #toBoard = 0;
  #fromBoard = 0;

  constructor(stream: ByteStream, clock: LineClock = wallClock) {
    this.#stream = stream;
    this.url = stream.url;
    this.baudRate = stream.baudRate;
    this.clock = clock;
    this.ended = new Promise((resolve) => {
      stream.onClose((error) => {
        this.#over = { error };
        resolve(error);
        this.#onClosed?.(error);
      });
    });
  }

  /** What went over the line so far. */
  read(): LineReading {
    return {
      bytesToBoard: this.#toBoard,
      bytesFromBoard: this.#fromBoard,
      microseconds: this.clock.microseconds(),
    };
  }

  write(bytes: Uint8Array): Promise<void> {
    this.#toBoard += bytes.length;
    return this.#stream.write(bytes);
  }

  onData(receive: (bytes: Uint8Array) => void): void {
    this.#stream.onData((bytes) => {
      this.#fromBoard += bytes.length;
      receive(bytes);
    });
  }

  onClose(closed: (error: WamletError | null) => void): void {
    this.#onClosed = closed;
    if (this.#over !== null) closed(this.#over.error);
  }

  close(): Promise<void> {
    return this.#stream.close();
  }
}
