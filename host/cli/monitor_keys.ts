/** Keys while a board is watched: Ctrl-R resets it, Ctrl-C leaves. Only a terminal has keys. */
import type { ReadStream } from "node:tty";

const controlC = 0x03;
const controlR = 0x12;

export class MonitorKeys {
  readonly #input: ReadStream;
  readonly #left = new AbortController();
  readonly #onData = (data: Buffer) => this.#press(data);
  /** Called for Ctrl-R. */
  onReset: () => void = () => {};

  constructor(input: ReadStream) {
    this.#input = input;
    if (!input.isTTY) return;
    // Ctrl-R would otherwise be the terminal's own, and Ctrl-C comes as a byte.
    input.setRawMode(true);
    input.on("data", this.#onData);
  }

  /** Aborted by Ctrl-C as a key. */
  get left(): AbortSignal {
    return this.#left.signal;
  }

  /** What the user may press, to follow a sentence. */
  get hint(): string {
    return this.#input.isTTY ? " (Ctrl-R resets, Ctrl-C leaves)" : "";
  }

  /** Gives the terminal back as it was. */
  close(): void {
    if (!this.#input.isTTY) return;
    this.#input.off("data", this.#onData);
    this.#input.setRawMode(false);
    this.#input.pause();
  }

  #press(data: Buffer): void {
    for (const key of data) {
      if (key === controlC) this.#left.abort();
      else if (key === controlR) this.onReset();
    }
  }
}
