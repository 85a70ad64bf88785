/** Lifted lanes: the top lane comes out exact whatever lies below it. */
import { describe, expect, it } from "vitest";
import { findLift, laneBits, liftFactor, liftUnit } from "../../host/compiler/generators/depthwise_lift.js";
import { Random } from "../model/random.js";

const wrap = (value: bigint) => BigInt.asIntN(64, value);

/** Slides down a column of random and extreme pixels as the generated kernel does. @returns how often a sum was off */
function wrongSums(
  random: Random,
  weights: Int8Array,
  height: number,
  width: number,
  factor: number,
): number {
  const lane = BigInt(laneBits({ height }));
  const top = lane * BigInt(height - 1);
  const weight = (ky: number, kx: number) => BigInt(weights[ky * width + kx] ?? 0);
  const words = Array.from({ length: width }, (_, kx) =>
    Array.from({ length: height }, (_, ky) => weight(ky, kx) << (BigInt(ky) * lane)).reduce((a, b) => a + b),
  );
  const q = BigInt(factor) * liftUnit;
  const lifts = words.map((word) => wrap(q * word * liftFactor(Number(lane))));
  const rows = Array.from({ length: 12 }, () =>
    Array.from({ length: width }, () => BigInt(random.pick([-128, 127, random.integer(-128, 127)]))),
  );
  let wrong = 0;
  for (let tap = 0; tap < width; tap++) {
    const lift = lifts[tap] as bigint;
    let sum = lift;
    rows.forEach((row, y) => {
      sum = wrap(sum << lane);
      row.forEach((x, kx) => {
        sum = wrap(sum + (kx === tap ? x + q : x) * (words[kx] as bigint));
      });
      if (y < height - 1) return;
      let expected = 0n;
      for (let ky = 0; ky < height; ky++) {
        (rows[y - height + 1 + ky] as bigint[]).forEach((x, kx) => {
          // The row that ends an output is multiplied by the last row of weights.
          expected += x * weight(ky, kx);
        });
      }
      if ((sum >> top) - (lift >> top) !== expected) wrong++;
    });
  }
  return wrong;
}

describe("a lift", () => {
  for (const [height, width] of [
    [3, 3],
    [3, 5],
    [2, 4],
  ] as const) {
    it(`keeps the lanes of a ${height}×${width} filter apart, for any pixels`, () => {
      const random = new Random(7 * height + width);
      let found = 0;
      for (let round = 0; round < 60; round++) {
        const weights = Int8Array.from({ length: height * width }, () =>
          random.pick([-128, -127, 127, 0, random.integer(-127, 127)]),
        );
        const factor = findLift(weights, height, width);
        if (factor === null) continue;
        found++;
        expect(wrongSums(random, weights, height, width, factor), weights.join()).toBe(0);
      }
      expect(found).toBeGreaterThan(15);
    });
  }

  it("is not claimed where a column has nothing but its last weight", () => {
    expect(findLift(Int8Array.from([1, 0, 3, 4, 0, 6, 7, 100, 9]), 3, 3)).toBeNull();
  });
});
