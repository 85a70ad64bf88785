import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { RunningStatistics, statistics } from "../../host/measure/statistics.js";

const figures = fc.double({ noNaN: true, noDefaultInfinity: true, min: -1e12, max: 1e12 });

describe("statistics", () => {
  it("of nothing are nothing", () => {
    expect(statistics([])).toBeNull();
  });

  it("take percentiles by nearest rank: values that occurred", () => {
    const oneToTwenty = Array.from({ length: 20 }, (_, index) => 20 - index);
    expect(statistics(oneToTwenty)).toEqual({
      count: 20,
      min: 1,
      median: 10,
      mean: 10.5,
      p95: 19,
      max: 20,
      exact: true,
    });
    expect(statistics([7])).toMatchObject({ min: 7, median: 7, mean: 7, p95: 7, max: 7 });
    expect(statistics([1, 2, 3])).toMatchObject({ median: 2, p95: 3 });
  });

  it("sum without losing small values beside large ones", () => {
    expect(statistics([1e16, 1, 1, -1e16])?.mean).toBe(0.5);
  });

  it("refuse what is no figure", () => {
    expect(() => statistics([1, Number.NaN])).toThrow(RangeError);
    expect(() => statistics([Number.POSITIVE_INFINITY])).toThrow(RangeError);
  });

  it("keep min ≤ median ≤ p95 ≤ max and min ≤ mean ≤ max, in any order of the values", () => {
    fc.assert(
      fc.property(fc.array(figures, { minLength: 1, maxLength: 300 }), fc.nat(), (values, turn) => {
        const found = statistics(values);
        if (found === null) throw new Error("no statistics of values");
        expect(found.min).toBeLessThanOrEqual(found.median);
        expect(found.median).toBeLessThanOrEqual(found.p95);
        expect(found.p95).toBeLessThanOrEqual(found.max);
        expect(found.mean).toBeGreaterThanOrEqual(found.min);
        expect(found.mean).toBeLessThanOrEqual(found.max);
        const at = turn % values.length;
        const turned = statistics([...values.slice(at), ...values.slice(0, at)]);
        expect({ ...turned, mean: 0 }).toEqual({ ...found, mean: 0 });
        // At least half of the values are not above the median, and at least half not below it.
        expect(values.filter((value) => value <= found.median).length * 2).toBeGreaterThanOrEqual(
          values.length,
        );
        expect(values.filter((value) => value >= found.median).length * 2).toBeGreaterThanOrEqual(
          values.length,
        );
      }),
      { seed: 2026, numRuns: 300 },
    );
  });
});

describe("RunningStatistics", () => {
  it("are exact up to their limit, and say so when they are not any more", () => {
    const running = new RunningStatistics(4);
    for (const value of [4, 3, 2, 1]) running.add(value);
    expect(running.summary()).toMatchObject({ median: 2, p95: 4, exact: true });
    running.add(5);
    expect(running.summary()).toMatchObject({ count: 5, min: 1, max: 5, mean: 3, exact: false });
  });

  it("stay within 1/256 of the exact percentiles beyond the limit, all else exact", () => {
    fc.assert(
      fc.property(fc.array(figures, { minLength: 20, maxLength: 300 }), (values) => {
        const exact = statistics(values);
        const running = new RunningStatistics(8);
        for (const value of values) running.add(value);
        const found = running.summary();
        if (exact === null || found === null) throw new Error("no statistics of values");
        expect(found).toMatchObject({ count: exact.count, min: exact.min, max: exact.max, mean: exact.mean });
        for (const key of ["median", "p95"] as const) {
          // Numbers below the smallest normal one share a bucket with zero.
          const slack = Math.abs(exact[key]) / 256 + 2 ** -1022;
          expect(Math.abs(found[key] - exact[key])).toBeLessThanOrEqual(slack);
        }
      }),
      { seed: 2026, numRuns: 300 },
    );
  });

  it("give the same figures in any order of the values", () => {
    const values = Array.from({ length: 1000 }, (_, index) => (index * 7919) % 1009);
    const summaryOf = (list: readonly number[]) => {
      const running = new RunningStatistics(10);
      for (const value of list) running.add(value);
      return running.summary();
    };
    expect(summaryOf([...values].reverse())).toEqual(summaryOf(values));
  });

  it("give one value back exactly, however often it came", () => {
    const running = new RunningStatistics(2);
    for (let time = 0; time < 1000; time++) running.add(0.1);
    expect(running.summary()).toMatchObject({ min: 0.1, median: 0.1, mean: 0.1, p95: 0.1, max: 0.1 });
  });
});
