/**
 * stderr: a line that shows how far a long work is, rewritten in place on a terminal; elsewhere only lasting
 * notes, so that logs stay readable.
 */
import { stripVTControlCharacters } from "node:util";
import { bar } from "./format.js";
import { type Colors, colorsFor, type TextStream } from "./output.js";

/** The eye follows no more, and a slow terminal should not brake the work. */
const intervalMilliseconds = 80;

const barColumns = 24;

export class Progress {
  readonly colors: Colors;
  readonly #stream: TextStream;
  readonly #live: boolean;
  #shownAt = Number.NEGATIVE_INFINITY;
  #visible = false;

  constructor(stream: TextStream, environment: Readonly<Record<string, string | undefined>>) {
    this.colors = colorsFor(stream, environment);
    this.#stream = stream;
    this.#live = stream.isTTY === true && environment.TERM !== "dumb" && !environment.CI;
    // Nothing can be said of a broken stderr.
    stream.on("error", () => {});
  }

  /**
   * Shows the state of the work; too frequent calls are skipped.
   * @param share 0 to 1 draws a bar before the text
   */
  show(text: string, share?: number): void {
    if (!this.#live) return;
    const now = performance.now();
    if (now - this.#shownAt < intervalMilliseconds) return;
    this.#shownAt = now;
    const line = share === undefined ? text : `${bar(share, barColumns)} ${text}`;
    const columns = this.#stream.columns ?? 80;
    this.#stream.write(`\r\x1b[2K${stripVTControlCharacters(line).slice(0, columns - 1)}`);
    this.#visible = true;
  }

  /** Takes the line off the screen. */
  clear(): void {
    if (!this.#visible) return;
    this.#stream.write("\r\x1b[2K");
    this.#visible = false;
    this.#shownAt = Number.NEGATIVE_INFINITY;
  }

  /** A line that stays, on a terminal or not. */
  note(text: string): void {
    this.clear();
    this.#stream.write(`${text}\n`);
  }
}
