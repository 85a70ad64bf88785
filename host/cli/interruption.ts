/**
 * What ends a verb from outside: Ctrl-C, SIGTERM, a reader of stdout that has gone (`| head`), or a failure that
 * nobody awaited. The verb hears of it through an AbortSignal and has a moment to leave in order: to close the
 * port, to finish a flash sector.
 */
import { WamletError } from "../errors.js";

/** How long a verb may take to leave before it is left behind. */
const graceMilliseconds = 3000;

export class Interruption {
  readonly #controller = new AbortController();
  #readerGone = false;

  /** @param process whose signals to hear; a second one ends the process at once */
  constructor(process: NodeJS.Process) {
    for (const name of ["SIGINT", "SIGTERM"] as const) {
      process.on(name, () => {
        if (this.signal.aborted) process.exit(2);
        this.#controller.abort(
          new WamletError(
            "WAMLET_INTERRUPTED",
            `Interrupted by ${name}.`,
            "Run the command again to start over.",
          ),
        );
      });
    }
    process.on("uncaughtException", (error) => this.#controller.abort(error));
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  /** True where Ctrl-C or SIGTERM ended it, and nothing failed. */
  get byUser(): boolean {
    const { aborted, reason } = this.signal;
    return aborted && reason instanceof WamletError && reason.code === "WAMLET_INTERRUPTED";
  }

  /** True where the reader of stdout has left: no failure, there is only nothing more to do. */
  get isReaderGone(): boolean {
    return this.#readerGone;
  }

  /** Tells that stdout takes no more. */
  outputFailed(error: NodeJS.ErrnoException): void {
    this.#readerGone = error.code === "EPIPE";
    const what = this.#readerGone
      ? "Nobody reads the output any more"
      : `The output cannot be written: ${error.message}`;
    this.#controller.abort(
      new WamletError("WAMLET_FILE_UNWRITABLE", `${what}.`, "Send the output elsewhere.", { cause: error }),
    );
  }

  /** A verb's result, or the interruption where the verb does not end in time after it. */
  guard<T>(verb: Promise<T>): Promise<T> {
    const late = new Promise<never>((_, reject) => {
      this.signal.addEventListener("abort", () => {
        setTimeout(() => reject(this.signal.reason), graceMilliseconds).unref();
      });
    });
    return Promise.race([verb, late]);
  }
}
