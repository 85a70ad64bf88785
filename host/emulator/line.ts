/**
 * One direction of the board's serial line: bytes take ten bits each (start, eight, stop) at the baud rate, one after
 * the other. They arrive in pieces that end where a frame ends, so that a receiver sees a frame's last byte at the
 * very time it arrives.
 */
import type { VirtualClock } from "./clock.js";
import type { LineFaults } from "./line_faults.js";

const BITS_PER_BYTE = 10;
const DELIMITER = 0;
/** Longest piece: how finely a full receive buffer is told from a half-full one. */
const PIECE_BYTES = 64;

export class Line {
  readonly #clock: VirtualClock;
  readonly #deliver: (bytes: Uint8Array) => void;
  readonly #faults: LineFaults | undefined;
  #baudRate: number;
  /** Virtual time at which the line has carried all it was given. */
  #freeAt = 0;
  #underWay = 0;
  #carried = 0;
  #callOff: (() => void)[] = [];
  #waiting: { readonly bytes: number; readonly resolve: () => void }[] = [];

  /**
   * @param deliver receives each piece at the time its last byte arrives
   * @param faults what the line does to the bytes, if it is not perfect
   */
  constructor(
    clock: VirtualClock,
    baudRate: number,
    deliver: (bytes: Uint8Array) => void,
    faults?: LineFaults,
  ) {
    this.#clock = clock;
    this.#baudRate = baudRate;
    this.#deliver = deliver;
    this.#faults = faults;
  }

  /** Bytes given to the line that have not arrived. */
  get underWay(): number {
    return this.#underWay;
  }

  /** Bytes that the line has carried, lost and damaged ones included. */
  get carried(): number {
    return this.#carried;
  }

  /** Applies to what is sent from now on. */
  set baudRate(baudRate: number) {
    this.#baudRate = baudRate;
  }

  /** Gives bytes to the line, behind those it still carries. */
  send(bytes: Uint8Array): void {
    const nanosecondsPerByte = (BITS_PER_BYTE * 1e9) / this.#baudRate;
    let start = 0;
    while (start < bytes.length) {
      const delimiter = bytes.indexOf(DELIMITER, start);
      const frameEnd = delimiter < 0 ? bytes.length : delimiter + 1;
      const end = Math.min(frameEnd, start + PIECE_BYTES);
      this.#sendPiece(bytes.slice(start, end), nanosecondsPerByte);
      start = end;
    }
  }

  /** Resolves when at most `bytes` of what it was given are still under way. */
  drainTo(bytes: number): Promise<void> {
    if (this.#underWay <= bytes) return Promise.resolve();
    return new Promise((resolve) => this.#waiting.push({ bytes, resolve }));
  }

  /** Forgets what has not arrived. */
  discard(): void {
    for (const callOff of this.#callOff) callOff();
    this.#callOff = [];
    this.#underWay = 0;
    this.#freeAt = this.#clock.now;
    this.#settle();
  }

  #sendPiece(piece: Uint8Array, nanosecondsPerByte: number): void {
    this.#freeAt = Math.max(this.#freeAt, this.#clock.now) + piece.length * nanosecondsPerByte;
    this.#underWay += piece.length;
    const callOff = this.#clock.at(this.#freeAt, () => {
      this.#callOff.shift();
      this.#underWay -= piece.length;
      this.#carried += piece.length;
      const arrived = this.#faults?.pass(piece) ?? piece;
      if (arrived.length > 0) this.#deliver(arrived);
      this.#settle();
    });
    this.#callOff.push(callOff);
  }

  #settle(): void {
    const settled = this.#waiting.filter(({ bytes }) => this.#underWay <= bytes);
    if (settled.length === 0) return;
    this.#waiting = this.#waiting.filter(({ bytes }) => this.#underWay > bytes);
    this.#clock.yieldToHost();
    for (const { resolve } of settled) resolve();
  }
}
