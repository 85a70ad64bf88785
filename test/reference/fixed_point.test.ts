/** The fixed point of the oracle against values worked out by hand or with exact rational arithmetic. */

import { describe, expect, it } from "vitest";
import { Random } from "../model/random.js";
import { expOfNegative, reciprocal } from "./exponential.js";
import {
  frexp,
  multiplyByQuantisedMultiplier,
  quantiseMultiplier,
  roundHalfAway,
  roundingDivideByPowerOfTwo,
  saturatingRoundingDoublingHighMultiply,
} from "./fixed_point.js";

describe("fixed point", () => {
  it("splits doubles as C's frexp does, tiny and huge ones included", () => {
    expect(frexp(1)).toEqual({ fraction: 0.5, exponent: 1 });
    expect(frexp(0.75)).toEqual({ fraction: 0.75, exponent: 0 });
    expect(frexp(5e-324)).toEqual({ fraction: 0.5, exponent: -1073 });
    expect(frexp(Number.MAX_VALUE)).toEqual({ fraction: 1 - 2 ** -53, exponent: 1024 });
  });

  it("quantises multipliers to 31 bits, and flushes those below 2^-32 to zero", () => {
    expect(quantiseMultiplier(0.5)).toEqual({ multiplier: 2 ** 30, shift: 0 });
    expect(quantiseMultiplier(1 - 2 ** -40)).toEqual({ multiplier: 2 ** 30, shift: 1 });
    expect(quantiseMultiplier(2 ** -32)).toEqual({ multiplier: 2 ** 30, shift: -31 });
    expect(quantiseMultiplier(2 ** -33)).toEqual({ multiplier: 0, shift: 0 });
  });

  it("rounds the doubled high product up at ties, whatever the sign, and saturates its one overflow", () => {
    expect(saturatingRoundingDoublingHighMultiply(1, 2 ** 30)).toBe(1);
    expect(saturatingRoundingDoublingHighMultiply(-1, 2 ** 30)).toBe(0);
    expect(saturatingRoundingDoublingHighMultiply(-3, 2 ** 30)).toBe(-1);
    expect(saturatingRoundingDoublingHighMultiply(-(2 ** 31), -(2 ** 31))).toBe(2 ** 31 - 1);
  });

  it("divides by powers of two with halves away from zero", () => {
    expect([5, 6, 7, -5, -6, -7].map((x) => roundingDivideByPowerOfTwo(x, 2))).toEqual([1, 2, 2, -1, -2, -2]);
    expect(roundingDivideByPowerOfTwo(2 ** 31 - 1, 31)).toBe(1);
    expect(roundingDivideByPowerOfTwo(-(2 ** 31), 31)).toBe(-1);
    expect([2.5, -2.5, 0.4].map(roundHalfAway).map((x) => x + 0)).toEqual([3, -3, 0]);
  });

  it("rounds twice, so that 0.375 of a step becomes a whole one", () => {
    // 3 · 0.125 = 0.375, but 3/2 rounds to 2 first, and 2/4 then to 1.
    expect(multiplyByQuantisedMultiplier(3, quantiseMultiplier(0.125))).toBe(1);
    expect(multiplyByQuantisedMultiplier(-3, quantiseMultiplier(0.125))).toBe(0);
    expect(multiplyByQuantisedMultiplier(7, quantiseMultiplier(4))).toBe(28);
  });

  it("stays within one step of the real product for random factors", () => {
    const random = new Random(1);
    for (let trial = 0; trial < 2000; trial++) {
      const real = 2 ** (random.real() * 20 - 18);
      const x = random.integer(-(2 ** 24), 2 ** 24);
      const scaled = multiplyByQuantisedMultiplier(x, quantiseMultiplier(real));
      expect(Math.abs(scaled - x * real)).toBeLessThanOrEqual(1);
    }
  });

  it("has an exponential and a reciprocal that are right to the precision of gemmlowp's series", () => {
    expect(expOfNegative(0)).toBe(2 ** 31 - 1);
    for (let x = -1; x > -(2 ** 30); x = Math.floor(x * 1.7)) {
      expect(expOfNegative(x) / 2 ** 31).toBeCloseTo(Math.exp(x / 2 ** 26), 6);
    }
    for (const sum of [2 ** 19, 2 ** 19 + 1, 3 * 2 ** 19, 255 * 2 ** 19]) {
      const { mantissa, bitsOverUnit } = reciprocal(sum, 12);
      expect((mantissa / 2 ** 31) * 2 ** -bitsOverUnit).toBeCloseTo(2 ** 19 / sum, 8);
    }
  });
});
