/**
 * A board in software, from its serial line on: clock, line in both directions, flash and device. Whoever holds the
 * other end of the line (the serialport binding, a TCP client) sees bytes, as with a board on a desk.
 */
import type { Board } from "../descriptor/board.js";
import { type Pace, VirtualClock } from "./clock.js";
import { Device } from "./device.js";
import type { Flash } from "./flash.js";
import { Line } from "./line.js";
import { type FaultRates, LineFaults } from "./line_faults.js";
import type { RunnerOptions } from "./module_runner.js";
import { SeededRandom } from "./seeded_random.js";

export interface VirtualBoardOptions {
  readonly board: Board;
  /** Of the geometry that `flashGeometry(board.store)` gives. What it holds survives the board. */
  readonly flash: Flash;
  readonly pace: Pace;
  /** Speed of the board's own line; the descriptor's where it is not given. */
  readonly baudRate?: number;
  /** A bad cable, for tests. */
  readonly faults?: FaultRates;
  /** Decides line faults, boot numbers and noise. */
  readonly seed?: number;
  readonly runner?: RunnerOptions;
}

/** From power or reset to READY. */
const BOOT_NANOSECONDS = 1e6;

export class VirtualBoard {
  readonly clock: VirtualClock;
  /** Host to board. */
  readonly incoming: Line;
  /** Board to host. */
  readonly outgoing: Line;
  readonly baudRate: number;
  readonly #options: VirtualBoardOptions;
  readonly #random: SeededRandom;
  #device: Device | undefined;
  #hostBaudRate: number;
  #heldInReset = false;
  #closed = false;
  #onBytes: ((bytes: Uint8Array) => void) | undefined;
  #onFailure: ((error: unknown) => void) | undefined;

  /** Powers the board on: READY is on the line a millisecond later. */
  constructor(options: VirtualBoardOptions) {
    const { board, faults, seed = 1, pace } = options;
    this.#options = options;
    this.#random = new SeededRandom(seed);
    this.baudRate = options.baudRate ?? board.line.baudRate;
    this.#hostBaudRate = this.baudRate;
    this.clock = new VirtualClock(pace, (error) => this.#onFailure?.(error));
    const lineFaults = (direction: number) =>
      faults === undefined ? undefined : new LineFaults(faults, seed * 2 + direction);
    this.incoming = new Line(this.clock, this.baudRate, (bytes) => this.#arrive(bytes), lineFaults(0));
    this.outgoing = new Line(this.clock, this.baudRate, (bytes) => this.#deliver(bytes), lineFaults(1));
    this.#boot();
  }

  /**
   * Takes the host's end of the line.
   * @param onBytes receives what the board sends
   * @param onFailure told once if the simulation itself fails, as when its flash file cannot be written
   */
  connect(onBytes: (bytes: Uint8Array) => void, onFailure: (error: unknown) => void): void {
    this.#onBytes = onBytes;
    this.#onFailure = onFailure;
  }

  /** Lets go of the host's end; what the board sends goes nowhere until somebody connects. */
  disconnect(): void {
    this.#onBytes = undefined;
    this.incoming.discard();
  }

  /** Bytes from the host to the board. */
  send(bytes: Uint8Array): void {
    if (!this.#closed) this.incoming.send(bytes);
  }

  /** The speed that the host believes in. Where it is not the board's, both sides receive noise. */
  set hostBaudRate(baudRate: number) {
    this.#hostBaudRate = baudRate;
    this.incoming.baudRate = baudRate;
  }

  /** Holds the board in reset. */
  holdInReset(): void {
    this.#heldInReset = true;
    void this.#device?.stop();
    this.#device = undefined;
    this.outgoing.discard();
  }

  /** Lets a board that was held in reset start. */
  releaseReset(): void {
    if (!this.#heldInReset) return;
    this.#heldInReset = false;
    this.#boot();
  }

  /** Takes the power away for good. The flash keeps what it holds. */
  async close(): Promise<void> {
    this.#closed = true;
    this.clock.stop();
    await this.#device?.stop();
    this.#device = undefined;
  }

  /** What the board keeps without power. */
  get flash(): Flash {
    return this.#options.flash;
  }

  #boot(): void {
    this.clock.after(BOOT_NANOSECONDS, () => {
      if (this.#heldInReset || this.#closed || this.#device !== undefined) return;
      const { board, flash, runner = {} } = this.#options;
      flash.powerOn();
      this.#device = new Device({
        board,
        flash,
        clock: this.clock,
        bootId: this.#random.next(),
        runner,
        send: (bytes) => this.outgoing.send(bytes),
        lineUnderWay: () => this.outgoing.underWay,
        restart: () => void this.#restart(),
      });
    });
  }

  /** The last answer is let through, then the board starts as after power-on. */
  async #restart(): Promise<void> {
    const stopped = this.#device?.stop();
    this.#device = undefined;
    await this.outgoing.drainTo(0);
    await stopped;
    if (!this.#closed) this.#boot();
  }

  #arrive(bytes: Uint8Array): void {
    this.#device?.receive(this.#heardBy(bytes));
  }

  #deliver(bytes: Uint8Array): void {
    if (this.#onBytes !== undefined) {
      this.clock.yieldToHost();
      this.#onBytes(this.#heardBy(bytes));
    }
    this.#device?.wake();
  }

  #heardBy(bytes: Uint8Array): Uint8Array {
    if (this.#hostBaudRate === this.baudRate) return bytes;
    return bytes.map(() => this.#random.next());
  }
}
