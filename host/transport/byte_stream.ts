/** What every transport gives: bytes out, bytes in, and one word when it is over. */
import type { WamletError } from "../errors.js";

export interface ByteStream {
  /** As the user named it. */
  readonly url: string;
  /** Bits per second of the line, ten to a byte; null where the transport has no such speed. */
  readonly baudRate: number | null;
  /**
   * Resolves when the transport has taken the bytes and would take more.
   * @throws WamletError WAMLET_LINE_CLOSED
   */
  write(bytes: Uint8Array): Promise<void>;
  /** Names the one receiver; bytes that came earlier wait for it. */
  onData(receive: (bytes: Uint8Array) => void): void;
  /** Names the one to be told, once, also if it is over already; null after `close()`. */
  onClose(closed: (error: WamletError | null) => void): void;
  /** Ends the stream; bytes not yet sent may be lost. */
  close(): Promise<void>;
}

export interface OpenPortOptions {
  /** Bits per second of a serial line; without it, what the transport knows of its board, or 921600. */
  readonly baudRate?: number | undefined;
  /** Serial ports: reset the board through DTR and RTS, as Espressif's boards are wired. */
  readonly reset?: boolean | undefined;
  /** Milliseconds to wait for a connection. */
  readonly connectTimeout?: number | undefined;
  /** Gives up opening. */
  readonly signal?: AbortSignal | undefined;
}

/** A way to reach a board. */
export interface Transport {
  /** `serial port`, for lists and messages. */
  readonly name: string;
  /** How its URLs look, for messages. */
  readonly example: string;
  /** Whether the URL is one of its own. */
  accepts(url: string): boolean;
  /** @throws WamletError of the transport group, WAMLET_INTERRUPTED where the signal aborts */
  open(url: string, options: OpenPortOptions): Promise<ByteStream>;
}
