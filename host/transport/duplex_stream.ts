/** A ByteStream over a Node stream that is open already: sockets and serial ports alike. */
import type { Duplex } from "node:stream";
import { WamletError } from "../errors.js";
import type { ByteStream } from "./byte_stream.js";

export class DuplexStream implements ByteStream {
  readonly #duplex: Duplex;
  readonly #end: () => Promise<void>;
  #closing = false;
  /** Undefined while it is open. */
  #closed: WamletError | null | undefined;
  #onClosed: ((error: WamletError | null) => void) | undefined;

  /** @param end closes the stream and resolves when it is closed */
  constructor(
    duplex: Duplex,
    readonly url: string,
    readonly baudRate: number | null,
    end: () => Promise<void>,
  ) {
    this.#duplex = duplex;
    this.#end = end;
    duplex.on("error", (error) => this.#finish(error));
    // serialport hands the reason to "close"; a socket has given it to "error" before.
    duplex.on("close", (reason: unknown) => this.#finish(reason instanceof Error ? reason : null));
    duplex.on("end", () => this.#finish(null));
  }

  write(bytes: Uint8Array): Promise<void> {
    if (this.#closed !== undefined) return Promise.reject(this.#closed ?? this.#gone(null));
    return new Promise((resolve, reject) => {
      this.#duplex.write(bytes, (error) => {
        if (error === null || error === undefined) return resolve();
        this.#finish(error);
        return reject(this.#closed ?? this.#gone(error));
      });
    });
  }

  onData(receive: (bytes: Uint8Array) => void): void {
    this.#duplex.on("data", receive);
  }

  onClose(closed: (error: WamletError | null) => void): void {
    this.#onClosed = closed;
    if (this.#closed !== undefined) this.#tell();
  }

  async close(): Promise<void> {
    this.#closing = true;
    const open = this.#closed === undefined;
    this.#finish(null);
    if (open) await this.#end();
  }

  #finish(reason: Error | null): void {
    if (this.#closed !== undefined) return;
    this.#closed = this.#closing ? null : this.#gone(reason);
    this.#tell();
  }

  #tell(): void {
    const tell = this.#onClosed;
    this.#onClosed = undefined;
    tell?.(this.#closed ?? null);
  }

  #gone(cause: Error | null): WamletError {
    const why = cause === null ? "" : ` (${cause.message})`;
    return new WamletError(
      "WAMLET_LINE_CLOSED",
      `The connection to ${this.url} is gone${why}.`,
      "Check that the board is plugged in and powered, then run the command again; a deploy goes on where it stopped.",
      { cause },
    );
  }
}
