/**
 * A bad cable, for tests: frames get lost, doubled or damaged with given probabilities, the same way for the same
 * seed. A frame is what lies between two zero bytes.
 */
import { SeededRandom } from "./seeded_random.js";

export interface FaultRates {
  /** Probability that a frame does not arrive. */
  readonly loss: number;
  /** Probability that a frame arrives twice. */
  readonly duplication: number;
  /** Probability that a byte of a frame is changed or missing, its delimiter included. */
  readonly corruption: number;
}

type Fate = "whole" | "lost" | "doubled" | "changed" | "shortened";

/** Damage falls on one of a frame's first bytes, or on its delimiter where it is shorter. */
const DAMAGED_WITHIN = 48;

export class LineFaults {
  readonly #rates: FaultRates;
  readonly #random: SeededRandom;
  #fate: Fate = "whole";
  #position = 0;
  #damagedAt = 0;
  #copy: number[] = [];
  /** Frames that were lost, doubled or damaged. */
  faults = 0;

  constructor(rates: FaultRates, seed: number) {
    this.#rates = rates;
    this.#random = new SeededRandom(seed);
  }

  /** What arrives of these bytes, which go on where the last ones ended. */
  pass(bytes: Uint8Array): Uint8Array {
    const arrived: number[] = [];
    for (const byte of bytes) {
      if (this.#position === 0) this.#drawFate();
      const last = byte === 0;
      const here = this.#position === this.#damagedAt || (last && this.#position < this.#damagedAt);
      if (this.#fate === "changed" && here) arrived.push(byte ^ (1 << this.#random.below(8)));
      else if (this.#fate !== "lost" && !(this.#fate === "shortened" && here)) arrived.push(byte);
      if (this.#fate === "doubled") this.#copy.push(byte);
      this.#position = last ? 0 : this.#position + 1;
      if (last) {
        for (const copied of this.#copy) arrived.push(copied);
        this.#copy = [];
      }
    }
    return Uint8Array.from(arrived);
  }

  #drawFate(): void {
    const { loss, duplication, corruption } = this.#rates;
    this.#fate = "whole";
    if (this.#random.chance(corruption)) this.#fate = this.#random.chance(0.5) ? "changed" : "shortened";
    if (this.#random.chance(duplication)) this.#fate = "doubled";
    if (this.#random.chance(loss)) this.#fate = "lost";
    this.#damagedAt = this.#random.below(DAMAGED_WITHIN);
    if (this.#fate !== "whole") this.faults++;
  }
}
