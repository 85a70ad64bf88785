/**
 * Many figures → a few, in bounded memory, so that a stream may run for days.
 *
 * Percentiles are *nearest rank*: of n sorted values, percentile p is number ⌈p·n/100⌉. They are always
 * values that occurred, never something between two. The median of an even number is the lower of the two
 * in the middle.
 *
 * Up to a number of values all are kept and every figure is exact. Beyond, values are counted in buckets of
 * 1/128 of a power of two; min, max, mean and count stay exact, percentiles are the middle of their bucket,
 * at most 1/256 (0.4 %) off, and `exact` is false. The same values give the same figures in any order.
 */

export interface Statistics {
  readonly count: number;
  readonly min: number;
  readonly median: number;
  readonly mean: number;
  readonly p95: number;
  readonly max: number;
  /** Whether the percentiles are exact; false beyond the number of values that are kept. */
  readonly exact: boolean;
}

/** Values that are kept before buckets take over: half a megabyte. */
const defaultExactLimit = 65_536;

/** Statistics of all values; null of none. */
export function statistics(values: Iterable<number>): Statistics | null {
  const running = new RunningStatistics(Number.POSITIVE_INFINITY);
  for (const value of values) running.add(value);
  return running.summary();
}

/** Takes values one by one. */
export class RunningStatistics {
  #values: number[] = [];
  #buckets: Map<number, number> | null = null;
  #count = 0;
  #min = Number.POSITIVE_INFINITY;
  #max = Number.NEGATIVE_INFINITY;
  #sum = 0;
  /** What rounding took from the sum (Neumaier's compensated summation). */
  #lost = 0;
  readonly #exactLimit: number;

  /** @param exactLimit values up to which percentiles are exact */
  constructor(exactLimit = defaultExactLimit) {
    this.#exactLimit = exactLimit;
  }

  /** @throws RangeError for a value that is not finite */
  add(value: number): void {
    if (!Number.isFinite(value)) throw new RangeError(`${value} is no figure`);
    this.#count++;
    this.#min = Math.min(this.#min, value);
    this.#max = Math.max(this.#max, value);
    const sum = this.#sum + value;
    this.#lost += Math.abs(this.#sum) >= Math.abs(value) ? this.#sum - sum + value : value - sum + this.#sum;
    this.#sum = sum;

    if (this.#buckets === null && this.#values.length === this.#exactLimit) {
      this.#buckets = new Map();
      for (const kept of this.#values) addToBucket(this.#buckets, kept);
      this.#values = [];
    }
    if (this.#buckets === null) this.#values.push(value);
    else addToBucket(this.#buckets, value);
  }

  /** The figures so far; null before the first value. */
  summary(): Statistics | null {
    if (this.#count === 0) return null;
    const [median, p95] = this.#buckets === null ? this.#keptRanks() : this.#bucketRanks(this.#buckets);
    // The mean of equal values must be that value, whatever the last bit of the division says.
    const mean = Math.min(Math.max((this.#sum + this.#lost) / this.#count, this.#min), this.#max);
    const exact = this.#buckets === null;
    return { count: this.#count, min: this.#min, median, mean, p95, max: this.#max, exact };
  }

  #keptRanks(): [number, number] {
    const sorted = Float64Array.from(this.#values).sort();
    return [sorted[rank(50, sorted.length) - 1] as number, sorted[rank(95, sorted.length) - 1] as number];
  }

  #bucketRanks(buckets: ReadonlyMap<number, number>): [number, number] {
    const sorted = Array.from(buckets, ([key, count]) => ({ middle: bucketMiddle(key), count }));
    sorted.sort((one, other) => one.middle - other.middle);
    const at = (wanted: number): number => {
      let seen = 0;
      for (const { middle, count } of sorted) {
        seen += count;
        if (seen >= wanted) return Math.min(Math.max(middle, this.#min), this.#max);
      }
      return this.#max;
    };
    return [at(rank(50, this.#count)), at(rank(95, this.#count))];
  }
}

/** Nearest rank, from 1. The product comes first: 0.95 · 20 is 19 and not a little more. */
function rank(percentile: number, count: number): number {
  return Math.ceil((percentile * count) / 100);
}

const scratch = new DataView(new ArrayBuffer(8));

/** Sign, exponent and the first seven bits of the fraction of a float64: the upper 19 of its 64 bits. */
function addToBucket(buckets: Map<number, number>, value: number): void {
  scratch.setFloat64(0, value);
  const key = scratch.getUint32(0) >>> 13;
  buckets.set(key, (buckets.get(key) ?? 0) + 1);
}

/** The value in the middle of a bucket; zero for the one that zero is in. */
function bucketMiddle(key: number): number {
  if (key === 0 || key === 0x40000) return 0;
  scratch.setUint32(0, ((key << 13) | 0x1000) >>> 0);
  scratch.setUint32(4, 0);
  return scratch.getFloat64(0);
}
