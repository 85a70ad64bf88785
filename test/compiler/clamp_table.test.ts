/** Clamping by a table, and one shift for all channels of a layer: exact for every value that can come. */
import { describe, expect, it } from "vitest";
import { clampTable } from "../../host/compiler/clamp_table.js";
import { multiplyByQuantizedMultiplier } from "../../host/compiler/fixed_point.js";
import { laneConstants, sumRange, withCommonShift } from "../../host/compiler/lane_constants.js";
import { SeededRandom } from "../../host/emulator/seeded_random.js";

describe("the clamp as a table", () => {
  it("has an entry for every value that can come, and no more", () => {
    const table = clampTable({ lowest: -300, highest: 500 }, { minimum: -128, maximum: 127 });
    expect(table).toEqual({ bytes: 801, base: -300, below: 172, minimum: -128, values: 256, above: 373 });
    const narrow = clampTable({ lowest: -5, highest: 9 }, { minimum: -128, maximum: 127 });
    expect(narrow).toMatchObject({ bytes: 256, base: -128, below: 0, above: 0 });
  });

  it("is not offered where it would take more RAM than it is worth", () => {
    expect(clampTable({ lowest: -9000, highest: 0 }, { minimum: -128, maximum: 127 })).toBeNull();
  });
});

describe("one shift for all channels", () => {
  it("gives what each channel's own shift gives, clamped below at the zero point", () => {
    const random = new SeededRandom(3);
    const zeroPoint = -128;
    let compared = 0;
    for (let round = 0; round < 200; round++) {
      const channels = Array.from({ length: 3 }, () => {
        const weights = Array.from({ length: 9 }, () => random.below(255) - 127);
        const bias = random.below(40_000) - 20_000;
        const multiplier = 2 ** 30 + random.below(2 ** 30);
        return {
          weights,
          bias,
          quantized: { multiplier, shift: -(1 + random.below(10)) },
          ...sumRange(weights),
        };
      });
      const own = channels.map(({ weights, bias, quantized }) =>
        laneConstants(weights, bias, quantized, 0, zeroPoint, true),
      );
      const sums = channels.map(({ bias, lowest, highest }) =>
        Math.max(Math.abs(bias + lowest), Math.abs(bias + highest)),
      );
      const common = withCommonShift(
        own.flatMap((one) => (one ? [one] : [])),
        sums,
      );
      if (common?.length !== channels.length) continue;
      expect(new Set(common.map(({ e }) => e)).size).toBe(1);
      channels.forEach(({ bias, quantized, lowest, highest }, channel) => {
        const { k = 0n, m = 0, e = 0 } = common[channel] ?? {};
        for (let trial = 0; trial < 20; trial++) {
          const sum =
            trial === 0 ? lowest : trial === 1 ? highest : lowest + random.below(highest - lowest + 1);
          const exact = multiplyByQuantizedMultiplier(bias + sum, quantized) + zeroPoint;
          const quick = Number(BigInt.asIntN(64, BigInt(sum) * BigInt(m) + k) >> BigInt(e));
          expect(Math.max(quick, zeroPoint)).toBe(Math.max(exact, zeroPoint));
          compared++;
        }
      });
    }
    expect(compared).toBeGreaterThan(5000);
  });

  it("is refused where it would leave 64 bits", () => {
    const constants = [32, 51].map((e) => ({ k: 0n, m: 2 ** 31 - 1, e, r: 0n }));
    expect(withCommonShift(constants, [2 ** 20, 2 ** 20])).toBeNull();
  });
});
