/**
 * When three int8 weights may share a word, and the constants that turn a lane back into a requantised byte.
 *
 * A lane holds v = 2²⁰·parts + Σ x·w. With TensorFlow Lite's multiplier m and right shift e its two roundings are
 *     t = (acc·m + 2³⁰) >> 31,   y = (t + 2^(e−1) + (t >> 63)) >> e + zeroPoint      (e ≥ 1)
 * with acc = v − 2²⁰·parts + bias, so acc·m + 2³⁰ = v·m + k for a constant k.
 *
 * Where the clamp cuts everything below the zero point, one rounding does: for t ≥ 0 nested floors are one floor,
 * y = (v·m + k′) >> (31 + e) with k′ = k + (2^(e−1) + zeroPoint·2^e)·2³¹; for t < 0 both forms give at most the zero
 * point, and the clamp makes them equal. e = 0 is exact in this form for both signs.
 */
import type { QuantizedMultiplier } from "./fixed_point.js";
import { laneBias } from "./generators/lanes.js";

/** One channel's constants. */
export interface LaneConstants {
  readonly k: bigint;
  readonly m: number;
  /** Whole shift of the one rounding, or TensorFlow Lite's right shift of the two. */
  readonly e: number;
  /** Of the second rounding, with the zero point; unused with one. */
  readonly r: bigint;
}

/** Largest and smallest value of Σ x·w over all int8 x. */
export function sumRange(weights: Iterable<number>): { lowest: number; highest: number } {
  let lowest = 0;
  let highest = 0;
  for (const weight of weights) {
    lowest += weight > 0 ? -128 * weight : 127 * weight;
    highest += weight > 0 ? 127 * weight : -128 * weight;
  }
  return { lowest, highest };
}

/** Whether a lane that sums these weights ends inside [0, 2²¹). */
export function fitsLane(weights: Iterable<number>): boolean {
  const { lowest, highest } = sumRange(weights);
  return laneBias + lowest >= 0 && laneBias + highest < 2 * laneBias;
}

/** Shifts beyond this would let the zero point's term leave 64 bits. */
const largestShift = 20;

/**
 * A channel's constants, or null where the lane form would not be exact: a shift to the left, a sum beyond int32
 * (where TensorFlow Lite wraps), no right shift where two roundings are needed.
 * @param bias folded, as `foldBias` gives it
 */
export function laneConstants(
  weights: Iterable<number>,
  bias: number,
  { multiplier, shift }: QuantizedMultiplier,
  parts: number,
  zeroPoint: number,
  rectified: boolean,
): LaneConstants | null {
  const { lowest, highest } = sumRange(weights);
  if (bias + lowest < -(2 ** 31) || bias + highest >= 2 ** 31) return null;
  // A dead channel (multiplier 0) gives the zero point with any shift.
  const e = multiplier === 0 ? 1 : -shift;
  if (e < 0 || e > largestShift || (e === 0 && !rectified)) return null;
  const rounding = e === 0 ? 0n : 1n << BigInt(e - 1);
  const k = BigInt(bias - parts * laneBias) * BigInt(multiplier) + (1n << 30n);
  const r = rounding + (BigInt(zeroPoint) << BigInt(e));
  return rectified ? { k: k + (r << 31n), m: multiplier, e: 31 + e, r: 0n } : { k, m: multiplier, e, r };
}
