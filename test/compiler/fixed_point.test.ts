import { describe, expect, it } from "vitest";
import {
  frexp,
  multiplyByQuantizedMultiplier,
  quantizeMultiplier,
  roundHalfAway,
} from "../../host/compiler/fixed_point.js";
import * as oracle from "../reference/fixed_point.js";

describe("folded multipliers", () => {
  it("split every double as C's frexp does", () => {
    for (const value of [1, 0.5, 0.75, 3, 1e-300, 5e-324, Number.MAX_VALUE, 2 ** -1022, 2 ** -1030]) {
      const { fraction, exponent } = frexp(value);
      expect(fraction).toBeGreaterThanOrEqual(0.5);
      expect(fraction).toBeLessThan(1);
      // In two steps, since 2^exponent alone may overflow.
      expect(fraction * 2 ** Math.trunc(exponent / 2) * 2 ** (exponent - Math.trunc(exponent / 2))).toBe(
        value,
      );
    }
  });

  it("carry into the exponent where the mantissa rounds up to 2³¹", () => {
    expect(quantizeMultiplier(1 - 2 ** -40)).toEqual({ multiplier: 2 ** 30, shift: 1 });
  });

  it("vanish below 2⁻³², as in TensorFlow Lite", () => {
    expect(quantizeMultiplier(2 ** -34)).toEqual({ multiplier: 0, shift: 0 });
    expect(quantizeMultiplier(2 ** -32).multiplier).toBe(2 ** 30);
    expect(quantizeMultiplier(0)).toEqual({ multiplier: 0, shift: 0 });
  });

  it("multiply with TFLite's two roundings: equal to the independent reference on 20 000 random values", () => {
    let seed = 12345;
    const random = () => {
      seed = (Math.imul(seed, 1103515245) + 12345) | 0;
      return seed;
    };
    for (let round = 0; round < 20_000; round++) {
      const multiplier = 2 ** 30 + (Math.abs(random()) % 2 ** 30);
      const shift = (Math.abs(random() >> 8) % 36) - 31;
      const value = random() >> (Math.abs(random() >> 8) % 24);
      expect(multiplyByQuantizedMultiplier(value, { multiplier, shift })).toBe(
        oracle.multiplyByQuantisedMultiplier(value, { multiplier, shift }),
      );
    }
  });

  it("round halves away from zero", () => {
    expect([0.5, -0.5, 2.5, -2.5, 0.49999999999999994].map(roundHalfAway)).toEqual([1, -1, 3, -3, 0]);
  });
});
