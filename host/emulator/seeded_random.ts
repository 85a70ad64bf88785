/**
 * The only source of chance in the virtual board: torn flash writes and line faults repeat exactly for a seed.
 * The generator is Marsaglia's xorshift32 ("Xorshift RNGs", 2003, triple 13, 17, 5): not for secrets.
 */
export class SeededRandom {
  #state: number;

  /** @param seed any integer; equal seeds give equal sequences */
  constructor(seed: number) {
    // Xorshift maps 0 to 0 for ever; the odd multiplier spreads seeds that differ in a single bit.
    this.#state = (Math.imul(seed | 0, 0x9e3779b1) ^ 0x2545f491) | 0 || 1;
  }

  /** An unsigned 32-bit integer. */
  next(): number {
    let state = this.#state;
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    this.#state = state;
    return state >>> 0;
  }

  /** An integer from 0 up to but not including `limit`. */
  below(limit: number): number {
    return Math.floor((this.next() / 2 ** 32) * limit);
  }

  /** True with the given probability. */
  chance(probability: number): boolean {
    return this.next() < probability * 2 ** 32;
  }
}
