/**
 * Bytes in pieces → lines of UTF-8 text, with numbers. A line that is too long or no UTF-8 is told of and passed
 * over; never more than the longest line is kept.
 */

/** One line without its end; `wrong` says what is the matter where there is no text. */
export interface Line {
  /** From 1. */
  readonly number: number;
  readonly text: string | null;
  readonly wrong: string | null;
  /** Where the line lies in the source. */
  readonly offset: number;
  readonly bytes: number;
  /** Whether a line end follows; without one the last line may be half of one. */
  readonly complete: boolean;
}

const lineFeed = 10;

export class LineSplitter {
  #kept: Uint8Array[] = [];
  #keptBytes = 0;
  #tooLong = false;
  #number = 1;
  #offset = 0;
  readonly #decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: false });

  constructor(readonly longest: number) {}

  /** The lines that end in this piece. */
  *push(piece: Uint8Array): Generator<Line> {
    let from = 0;
    for (;;) {
      const end = piece.indexOf(lineFeed, from);
      if (end === -1) break;
      this.#keep(piece.subarray(from, end));
      yield this.#line(true);
      from = end + 1;
    }
    // A copy: the source may use its buffer again.
    if (from < piece.length) this.#keep(Uint8Array.from(piece.subarray(from)));
  }

  /** What stands behind the last line end, if anything. */
  *end(): Generator<Line> {
    if (this.#keptBytes > 0) yield this.#line(false);
  }

  #keep(part: Uint8Array): void {
    this.#keptBytes += part.length;
    if (this.#keptBytes > this.longest) {
      this.#tooLong = true;
      this.#kept = [];
    } else this.#kept.push(part);
  }

  #line(complete: boolean): Line {
    const bytes = this.#keptBytes;
    let text: string | null = null;
    let wrong: string | null = null;
    if (this.#tooLong) wrong = `takes ${bytes} bytes, more than ${this.longest}`;
    else {
      try {
        text = this.#decoder.decode(Buffer.concat(this.#kept)).replace(/\r$/, "");
      } catch {
        wrong = "is not UTF-8 text";
      }
    }
    const line = { number: this.#number++, text, wrong, offset: this.#offset, bytes, complete };
    this.#offset += bytes + 1;
    this.#kept = [];
    this.#keptBytes = 0;
    this.#tooLong = false;
    return line;
  }
}
