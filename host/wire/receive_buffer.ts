/**
 * The bytes that have arrived and wait to be consumed: bounded, split at the delimiters. What is no frame
 * (a boot ROM's greeting, a panic) comes out as text, so that nobody has to close the monitor to see it.
 */
import { WamletError } from "../errors.js";
import { consoleText } from "./console_text.js";
import { decodeFrame, type Frame, frameCost, maxPayloadLimit } from "./frame.js";

export type Arrival =
  | { readonly type: "frame"; readonly frame: Frame }
  | { readonly type: "console"; readonly text: string }
  | { readonly type: "damaged"; readonly bytes: number };

/** Longer runs without a delimiter are no frame. */
const longestFrame = frameCost(maxPayloadLimit);

export class ReceiveBuffer {
  readonly #bytes: Uint8Array;
  #start = 0;
  #end = 0;
  /** How far the search for a delimiter has come. */
  #searched = 0;
  /** Bytes that found no room. */
  dropped = 0;

  /** @param capacity bytes that may wait; more are dropped as a UART's full buffer drops them */
  constructor(capacity: number) {
    this.#bytes = new Uint8Array(capacity);
  }

  get capacity(): number {
    return this.#bytes.length;
  }

  /** Bytes that wait. */
  get length(): number {
    return this.#end - this.#start;
  }

  /** Takes bytes from the line. */
  push(bytes: Uint8Array): void {
    if (this.#end + bytes.length > this.capacity) this.#compact();
    const room = this.capacity - this.#end;
    if (bytes.length > room) this.dropped += bytes.length - room;
    this.#bytes.set(bytes.subarray(0, room), this.#end);
    this.#end += Math.min(room, bytes.length);
  }

  /** Consumes up to the next delimiter, or returns null where none has come. The frame is a copy. */
  next(): Arrival | null {
    for (;;) {
      const delimiter = this.#findDelimiter();
      if (delimiter < 0) {
        const stuck = this.length >= Math.min(this.capacity, longestFrame);
        return stuck ? this.#flush() : null;
      }
      const stuffed = this.#bytes.slice(this.#start, delimiter);
      this.#start = delimiter + 1;
      this.#searched = this.#start;
      if (stuffed.length > 0) return classify(stuffed);
    }
  }

  /** Consumes what waits without a delimiter where it is readable text; half a frame stays. */
  flushText(): string | null {
    if (this.length === 0) return null;
    const text = consoleText(this.#bytes.subarray(this.#start, this.#end));
    if (text !== null) this.#clear();
    return text;
  }

  #flush(): Arrival {
    const rest = this.#bytes.slice(this.#start, this.#end);
    this.#clear();
    return classify(rest);
  }

  #clear(): void {
    this.#start = 0;
    this.#end = 0;
    this.#searched = 0;
  }

  #findDelimiter(): number {
    const found = this.#bytes.subarray(0, this.#end).indexOf(0, this.#searched);
    if (found < 0) this.#searched = this.#end;
    return found;
  }

  #compact(): void {
    this.#bytes.copyWithin(0, this.#start, this.#end);
    this.#searched -= this.#start;
    this.#end -= this.#start;
    this.#start = 0;
  }
}

function classify(stuffed: Uint8Array): Arrival {
  try {
    return { type: "frame", frame: decodeFrame(stuffed) };
  } catch (error) {
    if (!(error instanceof WamletError)) throw error;
    const text = consoleText(stuffed);
    return text === null ? { type: "damaged", bytes: stuffed.length } : { type: "console", text };
  }
}
