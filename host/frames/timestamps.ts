/**
 * A column of timestamps held against the sample rate: samples must follow each other at its period. What is
 * more than half a period off is a gap (or goes backwards); a rate that is more than a twentieth off is another.
 */

import { WamletError } from "../errors.js";
import { round } from "./span.js";

export type TimestampUnit = "s" | "ms" | "us" | "ns";

/** Where samples are missing: after line `line`, for so many periods. */
export interface Gap {
  readonly line: number;
  readonly periods: number;
}

const secondsPer: Readonly<Record<TimestampUnit, number>> = { s: 1, ms: 1e-3, us: 1e-6, ns: 1e-9 };

const timeName = /^(?:time|timestamp|t)(?:[ _.([-]*(s|ms|us|ns)[)\]]?)?$/i;

/** Rates further apart than this are different rates, not a crystal's tolerance. */
const rateTolerance = 0.05;

/** Gaps that are remembered for the message. */
const shownGaps = 3;

/** The column that holds times by its name: `time`, `timestamp`, `t`, with or without a unit; −1 for none. */
export function timeColumn(names: readonly string[]): number {
  return names.findIndex((name) => timeName.test(name));
}

/** The unit in a column's name: `time_ms`, `timestamp (us)`; null where there is none. */
export function unitInName(name: string): TimestampUnit | null {
  const unit = timeName.exec(name)?.[1]?.toLowerCase();
  return unit === undefined ? null : (unit as TimestampUnit);
}

/** Goes along with the rows of a file. */
export class TimestampCheck {
  #unit: TimestampUnit | null;
  #last: number | null = null;
  #lastLine = 0;
  #steps = 0;
  #gapCount = 0;
  readonly #gaps: Gap[] = [];
  /** Of the steps that are no gaps, in periods. */
  #regularPeriods = 0;
  #regularSteps = 0;

  /**
   * @param unit of the column; null to take the one by which the first step is nearest to a period
   * @param name of the file, for errors
   */
  constructor(
    readonly sampleRate: number,
    unit: TimestampUnit | null,
    readonly name: string,
  ) {
    this.#unit = unit;
  }

  /** Takes the next timestamp; whether there is a gap before it. */
  next(timestamp: number, line: number): boolean {
    const last = this.#last;
    const lastLine = this.#lastLine;
    this.#last = timestamp;
    this.#lastLine = line;
    if (last === null) return false;
    this.#steps++;
    this.#unit ??= this.#nearestUnit(timestamp - last);
    const periods = (timestamp - last) * secondsPer[this.#unit] * this.sampleRate;
    if (Math.abs(periods - 1) <= 0.5) {
      this.#regularPeriods += periods;
      this.#regularSteps++;
      return false;
    }
    this.#gapCount++;
    if (this.#gaps.length < shownGaps) this.#gaps.push({ line: lastLine, periods });
    return true;
  }

  get gapCount(): number {
    return this.#gapCount;
  }

  /**
   * To be asked after the last row.
   * @param refuseGaps whether gaps are an error
   * @throws WamletError WAMLET_WRONG_RATE with the rate that was found, or WAMLET_INVALID_FRAMES with the lines
   *   after which there are gaps
   */
  finish(refuseGaps: boolean): void {
    const found = this.#regularSteps === 0 ? 0 : this.#regularPeriods / this.#regularSteps;
    if (this.#gapCount > this.#steps / 2 || (found > 0 && Math.abs(found - 1) > rateTolerance)) {
      const rate = found > 0 && this.#gapCount <= this.#steps / 2 ? this.sampleRate / found : null;
      throw new WamletError(
        "WAMLET_WRONG_RATE",
        rate === null
          ? `The timestamps of ${this.name} do not follow each other at ${this.sampleRate} Hz: ${this.#shown()}.`
          : `The timestamps of ${this.name} follow each other at ${round(rate)} Hz; expected ${this.sampleRate} Hz.`,
        "Correct --sample-rate or --timestamp-unit, or resample the recording to the rate that the model was trained on.",
      );
    }
    if (this.#gapCount > 0 && refuseGaps) {
      throw new WamletError(
        "WAMLET_INVALID_FRAMES",
        `${this.name} has ${this.#gapCount} gap${this.#gapCount === 1 ? "" : "s"} in its timestamps: ${this.#shown()}.`,
        "Record it anew, or give --gaps split to begin a new window after each gap.",
      );
    }
  }

  #shown(): string {
    const parts = this.#gaps.map(({ line, periods }) => `${round(periods)} periods after line ${line}`);
    return this.#gapCount > parts.length ? `${parts.join(", ")} and so on` : parts.join(", ");
  }

  #nearestUnit(step: number): TimestampUnit {
    const units = Object.keys(secondsPer) as TimestampUnit[];
    const distance = (unit: TimestampUnit) =>
      Math.abs(Math.log(Math.max(step, Number.MIN_VALUE) * secondsPer[unit] * this.sampleRate));
    return units.reduce((best, unit) => (distance(unit) < distance(best) ? unit : best));
  }
}
