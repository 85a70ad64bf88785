/**
 * What esptool-js reads and writes packets through. Its own transport gives up at the first byte that is out of
 * place, polls every millisecond, prints to the console, and waits out its time when the cable is pulled; this one
 * looks for the next packet, wakes when bytes come, keeps silent, and ends at once when the port or the user does.
 */
import { ESPError, Transport } from "esptool-js";
import type { WamletError } from "../errors.js";
import { interrupted } from "../transport/abort.js";
import type { WebSerialPort } from "../transport/web_serial.js";
import { unplugged } from "./flash_errors.js";

const slipEnd = 0xc0;
const slipEscape = 0xdb;
const slipEscapedEnd = 0xdc;
const slipEscapedEscape = 0xdd;
/** Longer than any packet of a loader; a board that babbles must not fill the memory. */
const mostPacketBytes = 1 << 16;
const mostWaitingBytes = 1 << 20;
/** Of what was heard, this much is kept to say what the board was doing instead. */
const rememberedBytes = 4096;
/** A port that takes no bytes for so long has hung. */
const writeMilliseconds = 10_000;

export class LoaderTransport extends Transport {
  readonly #port: WebSerialPort;
  readonly #signal: AbortSignal | undefined;
  readonly #patience: number;
  #waiting: Uint8Array[] = [];
  #waitingBytes = 0;
  #wake: () => void = () => {};
  readonly #aborted = () => this.#wake();
  #lost: WamletError | null = null;
  #heard = Buffer.alloc(0);
  #heardBytes = 0;

  /** @param patience every time-out is multiplied by it */
  constructor(port: WebSerialPort, url: string, patience: number, signal: AbortSignal | undefined) {
    super(port);
    this.url = url;
    this.#port = port;
    this.#patience = patience;
    this.#signal = signal;
    signal?.addEventListener("abort", this.#aborted);
  }

  readonly url: string;

  /** Bytes that came since the transport was made, of any kind. */
  get heardBytes(): number {
    return this.#heardBytes;
  }

  /** The last of them as text. */
  get heardText(): string {
    return this.#heard.toString("latin1");
  }

  /** Why nothing more will come, if so. */
  get ended(): WamletError | null {
    return this.#signal?.aborted ? interrupted() : this.#lost;
  }

  /** @throws WamletError WAMLET_LINE_CLOSED, WAMLET_INTERRUPTED */
  check(): void {
    const { ended } = this;
    if (ended !== null) throw ended;
  }

  /** Does not print: only Wamlet's command line does. */
  override trace(_message: string): void {}

  override async readLoop(): Promise<void> {
    const reader = this.#port.readable?.getReader();
    if (reader === undefined) return;
    try {
      for (;;) {
        const { done, value } = await reader.read();
        if (done) return;
        this.#receive(value);
      }
    } catch (error) {
      this.#lost = unplugged(this.url, error);
      this.#wake();
    }
  }

  override peek(): Uint8Array {
    return Buffer.concat(this.#waiting);
  }

  override inWaiting(): number {
    return this.#waitingBytes;
  }

  override flushInput(): void {
    this.#waiting = [];
    this.#waitingBytes = 0;
  }

  /** Until nothing came for a while: a ROM repeats what it has to say of an unknown command. */
  override async drainInput(quietMilliseconds = 100, mostMilliseconds = 400): Promise<void> {
    const deadline = Date.now() + mostMilliseconds * this.#patience;
    do this.flushInput();
    while (Date.now() < deadline && (await this.#more(quietMilliseconds * this.#patience)));
  }

  /**
   * The next packet, unescaped; what lies between packets is skipped.
   * @param timeout milliseconds for the whole packet
   */
  override async read(timeout: number): Promise<Uint8Array> {
    const deadline = Date.now() + timeout * this.#patience;
    let packet: number[] | null = null;
    let escaping = false;
    for (;;) {
      this.check();
      const bytes = this.#waiting.shift();
      if (bytes === undefined) {
        if (await this.#more(deadline - Date.now())) continue;
        this.check();
        throw new ESPError(`No answer within ${Math.round(timeout * this.#patience)} ms.`);
      }
      this.#waitingBytes -= bytes.length;
      for (const [index, byte] of bytes.entries()) {
        if (byte === slipEnd) {
          // Two ends in a row are the end of one packet and the beginning of the next, or of one that was lost.
          if (packet === null || packet.length === 0) packet = [];
          else {
            this.#putBack(bytes.subarray(index + 1));
            return Uint8Array.from(packet);
          }
          escaping = false;
        } else if (packet !== null) {
          if (escaping && byte !== slipEscapedEnd && byte !== slipEscapedEscape) packet = null;
          else if (escaping) packet.push(byte === slipEscapedEnd ? slipEnd : slipEscape);
          else if (byte !== slipEscape) packet.push(byte);
          escaping = packet !== null && !escaping && byte === slipEscape;
          if (packet !== null && packet.length > mostPacketBytes) packet = null;
        }
      }
    }
  }

  override async write(packet: Uint8Array): Promise<void> {
    this.check();
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<never>((_, reject) => {
      timer = setTimeout(() => reject(new ESPError("The port takes no bytes.")), writeMilliseconds);
    });
    try {
      await Promise.race([super.write(packet), late]);
    } finally {
      clearTimeout(timer);
    }
  }

  override async setDTR(state: boolean): Promise<void> {
    this.check();
    await super.setDTR(state);
  }

  override async setSignals(dtr?: boolean, rts?: boolean, breakSignal?: boolean): Promise<void> {
    this.check();
    await super.setSignals(dtr, rts, breakSignal);
  }

  override async disconnect(): Promise<void> {
    await this.#port.close();
    this.flushInput();
  }

  /** Closes the port for good. */
  async end(): Promise<void> {
    this.#signal?.removeEventListener("abort", this.#aborted);
    await this.disconnect();
  }

  #receive(bytes: Uint8Array): void {
    this.#heardBytes += bytes.length;
    this.#heard = Buffer.concat([this.#heard, bytes]).subarray(-rememberedBytes);
    if (this.#waitingBytes + bytes.length > mostWaitingBytes) this.flushInput();
    this.#waiting.push(bytes);
    this.#waitingBytes += bytes.length;
    this.#wake();
  }

  #putBack(rest: Uint8Array): void {
    if (rest.length === 0) return;
    this.#waiting.unshift(rest);
    this.#waitingBytes += rest.length;
  }

  /** Resolves to whether there is something to look at: bytes, or the end of it all. */
  #more(milliseconds: number): Promise<boolean> {
    if (this.#waitingBytes > 0) return Promise.resolve(true);
    if (milliseconds <= 0 || this.ended !== null) return Promise.resolve(false);
    return new Promise((resolve) => {
      const timer = setTimeout(() => resolve(false), milliseconds);
      this.#wake = () => {
        clearTimeout(timer);
        resolve(this.#waitingBytes > 0);
      };
    });
  }
}
