/**
 * The memory planner: offsets for buffers with lifetimes, so that buffers alive at the same time do not overlap
 * and the whole is small. The problem is NP-hard (dynamic storage allocation); a few good orders with first fit,
 * then seeded random exchanges, reach the lower bound on every model we know of within milliseconds.
 */

/** What the planner needs to know of a buffer. */
export interface Interval {
  readonly bytes: number;
  /** First and last layer that need it, both included. */
  readonly first: number;
  readonly last: number;
}

export interface Arrangement {
  /** In the order of the intervals. */
  readonly offsets: readonly number[];
  readonly bytes: number;
}

/** Every buffer starts at a multiple of this: the widest load of a kernel. */
export const alignment = 8;

const align = (bytes: number) => Math.ceil(bytes / alignment) * alignment;

const overlaps = (a: Interval, b: Interval) => a.first <= b.last && b.first <= a.last;

/** Largest sum of bytes alive at once; no arrangement can be smaller. */
export function lowerBound(intervals: readonly Interval[]): number {
  let largest = 0;
  for (const { first } of intervals) {
    let sum = 0;
    for (const other of intervals) if (other.first <= first && first <= other.last) sum += align(other.bytes);
    largest = Math.max(largest, sum);
  }
  return largest;
}

/** Places the intervals in `order`, each at the lowest offset where it collides with none placed before. */
function firstFit(intervals: readonly Interval[], order: readonly number[]): Arrangement {
  const offsets = new Array<number>(intervals.length).fill(0);
  const placed: { offset: number; end: number; interval: Interval }[] = [];
  let bytes = 0;
  for (const index of order) {
    const interval = intervals[index] as Interval;
    const size = align(interval.bytes);
    let offset = 0;
    for (const other of placed) {
      if (!overlaps(interval, other.interval)) continue;
      if (other.offset >= offset + size) break;
      offset = Math.max(offset, other.end);
    }
    offsets[index] = offset;
    bytes = Math.max(bytes, offset + size);
    const at = placed.findIndex((other) => other.offset > offset);
    placed.splice(at < 0 ? placed.length : at, 0, { offset, end: offset + size, interval });
  }
  return { offsets, bytes };
}

/**
 * TensorFlow Lite Micro's greedy planner (micro/memory_planner/greedy_memory_planner.cc): largest first, first fit.
 * Its sort is stable over buffers listed from last to first.
 */
export function arrangeGreedily(intervals: readonly Interval[]): Arrangement {
  const order = intervals.map((_, index) => index).reverse();
  order.sort((a, b) => (intervals[b] as Interval).bytes - (intervals[a] as Interval).bytes);
  return firstFit(intervals, order);
}

/** Rounds of random exchanges where no plain order reaches the lower bound. */
const exchangeRounds = 1500;

/**
 * The smallest arrangement found; never larger than the greedy one. Deterministic: same intervals, same offsets.
 * @param intervals sizes in bytes, lifetimes in layers
 */
export function arrange(intervals: readonly Interval[]): Arrangement {
  const bound = lowerBound(intervals);
  const indices = intervals.map((_, index) => index);
  const at = (index: number) => intervals[index] as Interval;
  const size = (index: number) => at(index).bytes;
  const life = (index: number) => at(index).last - at(index).first;
  // The bytes alive around a buffer: what is hard to place goes first.
  const pressure = indices.map((index) =>
    intervals.reduce((sum, other) => (overlaps(at(index), other) ? sum + other.bytes : sum), 0),
  );
  const orders: ((a: number, b: number) => number)[] = [
    (a, b) => size(b) - size(a) || life(b) - life(a) || a - b,
    (a, b) => (pressure[b] as number) - (pressure[a] as number) || size(b) - size(a) || a - b,
    (a, b) => life(b) - life(a) || size(b) - size(a) || a - b,
    (a, b) => at(a).first - at(b).first || size(b) - size(a) || a - b,
  ];
  let best = arrangeGreedily(intervals);
  let bestOrder = indices;
  for (const compare of orders) {
    if (best.bytes === bound) return best;
    const order = [...indices].sort(compare);
    const found = firstFit(intervals, order);
    if (found.bytes < best.bytes || bestOrder === indices) bestOrder = order;
    if (found.bytes < best.bytes) best = found;
  }
  let seed = 0x9e3779b9;
  const random = (limit: number) => {
    seed ^= seed << 13;
    seed ^= seed >>> 17;
    seed ^= seed << 5;
    return (seed >>> 0) % limit;
  };
  for (let round = 0; round < exchangeRounds && best.bytes > bound; round++) {
    const order = [...bestOrder];
    const [moved] = order.splice(random(order.length), 1);
    order.splice(random(order.length + 1), 0, moved as number);
    const found = firstFit(intervals, order);
    if (found.bytes > best.bytes) continue;
    best = found;
    bestOrder = order;
  }
  return best;
}
