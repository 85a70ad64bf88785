import { describe, expect, it } from "vitest";
import {
  alignment,
  arrange,
  arrangeGreedily,
  type Interval,
  lowerBound,
} from "../../host/compiler/arrange.js";

/** mulberry32: small, seeded, good enough to vary cases. */
function randomIntervals(seed: number, count: number): Interval[] {
  let state = seed;
  const random = (limit: number) => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) % limit;
  };
  return Array.from({ length: count }, () => {
    const first = random(count);
    return { bytes: 1 + random(1000), first, last: Math.min(count - 1, first + random(6)) };
  });
}

function collisions(intervals: readonly Interval[], offsets: readonly number[]): number {
  let found = 0;
  intervals.forEach((a, i) => {
    intervals.slice(i + 1).forEach((b, rest) => {
      const j = i + 1 + rest;
      const together = a.first <= b.last && b.first <= a.last;
      const [from, to] = [offsets[i] as number, offsets[j] as number];
      if (together && from < to + b.bytes && to < from + a.bytes) found++;
    });
  });
  return found;
}

describe("the memory planner", () => {
  const cases = Array.from({ length: 200 }, (_, seed) => randomIntervals(seed + 1, 2 + (seed % 40)));

  it("never lets two buffers that live at the same time overlap", () => {
    for (const intervals of cases) expect(collisions(intervals, arrange(intervals).offsets)).toBe(0);
  });

  it("is never worse than TensorFlow Lite Micro's greedy planner and never beats the lower bound", () => {
    for (const intervals of cases) {
      const { bytes } = arrange(intervals);
      expect(bytes).toBeLessThanOrEqual(arrangeGreedily(intervals).bytes);
      expect(bytes).toBeGreaterThanOrEqual(lowerBound(intervals));
    }
  });

  it("stays within 5 % of the lower bound on average over random lifetimes", () => {
    const ratios = cases.map((intervals) => arrange(intervals).bytes / lowerBound(intervals));
    expect(ratios.reduce((sum, ratio) => sum + ratio, 0) / ratios.length).toBeLessThan(1.05);
  });

  it("says how many bytes it uses and aligns every buffer", () => {
    for (const intervals of cases) {
      const { bytes, offsets } = arrange(intervals);
      const end = Math.max(
        ...intervals.map((interval, index) => (offsets[index] as number) + interval.bytes),
      );
      expect(bytes).toBeGreaterThanOrEqual(end);
      expect(bytes - end).toBeLessThan(alignment);
      expect(offsets.every((offset) => offset % alignment === 0)).toBe(true);
    }
  });

  it("gives the same plan for the same buffers", () => {
    for (const intervals of cases.slice(0, 20)) expect(arrange(intervals)).toEqual(arrange(intervals));
  });

  it("finds smaller plans where greedy wastes memory", () => {
    const better = cases.filter((intervals) => arrange(intervals).bytes < arrangeGreedily(intervals).bytes);
    expect(better.length).toBeGreaterThan(20);
  });

  it("places nothing in no bytes", () => {
    expect(arrange([])).toEqual({ offsets: [], bytes: 0 });
  });
});
