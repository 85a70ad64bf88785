/**
 * When the host asks (POLL) and when it gives up. A board that computes is silent for as long as the model
 * takes, so silence is no failure: questions get rarer, and only a long silence ends the session.
 */

/** Nothing on the line is slower than this to turn around: USB bridges hold bytes for up to 16 ms. */
const turnaroundMilliseconds = 40;
const longestPauseMilliseconds = 4000;
const initialRoundTripMilliseconds = 160;

export class Patience {
  readonly #millisecondsPerByte: number;
  /** RFC 6298's smoothed round trip and its variation. */
  #roundTrip: number | null = null;
  #variation = 0;
  #unanswered = 0;
  #since: number | null = null;
  #heardAt = 0;

  /**
   * @param baudRate of the line, 10 bits a byte; null where there is none (TCP)
   * @param silence milliseconds without a single valid frame after which the board counts as gone
   */
  constructor(
    baudRate: number | null,
    readonly silence: number,
  ) {
    this.#millisecondsPerByte = baudRate === null ? 0 : 10_000 / baudRate;
  }

  /** A valid frame came. */
  heard(now: number): void {
    this.#heardAt = now;
  }

  /** Something moved: an acknowledgement advanced or a message came. */
  progress(now: number): void {
    this.#unanswered = 0;
    if (this.#since !== null) this.#since = now;
  }

  /** A round trip that is certain, milliseconds. */
  measured(roundTrip: number): void {
    if (this.#roundTrip === null) {
      this.#roundTrip = roundTrip;
      this.#variation = roundTrip / 2;
      return;
    }
    this.#variation += (Math.abs(roundTrip - this.#roundTrip) - this.#variation) / 4;
    this.#roundTrip += (roundTrip - this.#roundTrip) / 8;
  }

  /** Starts waiting, unless it does already. */
  wait(now: number): void {
    if (this.#since !== null) return;
    this.#since = now;
    this.#unanswered = 0;
    this.#heardAt = Math.max(this.#heardAt, now);
  }

  /** Nothing is expected any more. */
  rest(): void {
    this.#since = null;
  }

  /** A question was asked. */
  asked(now: number): void {
    this.#unanswered += 1;
    this.#since = now;
  }

  /** Forgets the board's pace: it may be another one now. */
  reset(): void {
    this.#roundTrip = null;
    this.#unanswered = 0;
    this.#since = null;
  }

  /**
   * When to ask next, or null at rest.
   * @param bytesUnderWay what must pass the line before an answer can come
   */
  askAt(bytesUnderWay: number): number | null {
    if (this.#since === null) return null;
    const line = turnaroundMilliseconds + bytesUnderWay * this.#millisecondsPerByte;
    const usual =
      this.#roundTrip === null ? initialRoundTripMilliseconds : this.#roundTrip + 4 * this.#variation;
    const pause = Math.min(
      longestPauseMilliseconds,
      Math.max(line, usual) * 2 ** Math.min(this.#unanswered, 10),
    );
    return this.#since + Math.max(line, pause);
  }

  /** When the silence has lasted too long, or null at rest. */
  giveUpAt(): number | null {
    return this.#since === null ? null : this.#heardAt + this.silence;
  }
}
