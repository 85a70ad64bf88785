/**
 * Pieces of a console's text → whole lines. The line hands text out after a pause and by the bufferful, so a piece
 * may end anywhere; what has no line end is a line when nothing follows for a while: a prompt, a board's last words.
 */
const pauseMilliseconds = 300;
/** A line without an end is handed out in parts: memory stays bounded. */
const longestLine = 4096;

export class ConsoleLines {
  readonly #onLine: (line: string) => void;
  readonly #onPause: () => void;
  #rest = "";
  #timer: NodeJS.Timeout | undefined;

  /**
   * @param onLine told of every line, without its end
   * @param onPause told when nothing has come for a while
   */
  constructor(onLine: (line: string) => void, onPause: () => void) {
    this.#onLine = onLine;
    this.#onPause = onPause;
  }

  push(text: string): void {
    // A carriage return at the end of a piece may have its line feed in the next.
    const lines = `${this.#rest}${text}`.split(/\r\n|\n|\r(?!$)/);
    this.#rest = lines.pop() ?? "";
    for (const line of lines) this.#onLine(line);
    for (; this.#rest.length > longestLine; this.#rest = this.#rest.slice(longestLine)) {
      this.#onLine(this.#rest.slice(0, longestLine));
    }
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.flush(), pauseMilliseconds).unref();
  }

  /** Hands out what waits; at the end, and before something else is printed. */
  flush(): void {
    clearTimeout(this.#timer);
    const rest = this.#rest;
    this.#rest = "";
    if (rest !== "") this.#onLine(rest);
    this.#onPause();
  }
}
