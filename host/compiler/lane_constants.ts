/**
 * When three int8 weights may share a word, and the constants that turn a lane back into a requantised byte.
 *
 * A lane holds v = 2²⁰·parts + Σ x·w. With TensorFlow Lite's multiplier m and right shift e its two roundings are
 *     t = (acc·m + 2³⁰) >> 31,   y = (t + 2^(e−1) + (t >> 63)) >> e + zeroPoint      (e ≥ 1)
 * with acc = v − 2²⁰·parts + bias, so acc·m + 2³⁰ = v·m + k for a constant k.
 *
 * Where the clamp cuts everything below the zero point, one rounding does: for t ≥ 0 nested floors are one floor,
 * y = (v·m + k′) >> (31 + e) with k′ = k + (2^(e−1) + zeroPoint·2^e)·2³¹; for t < 0 both forms give at most the zero
 * point, and the clamp makes them equal. Without a right shift the form is exact for both signs.
 */

import { multiplyByQuantizedMultiplier, type QuantizedMultiplier } from "./fixed_point.js";
import { laneBias } from "./generators/lane_words.js";

/** One channel's constants. */
export interface LaneConstants {
  readonly k: bigint;
  /** Below 2³¹; more once `withCommonShift` has scaled it. */
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
 * A channel's constants, or null where the lane form would not be exact: a sum beyond int32 (where TensorFlow Lite
 * wraps), or a shift that the two roundings of a layer without a rectifier need and do not have.
 * @param bias folded, as `foldBias` gives it
 */
export function laneConstants(
  weights: Iterable<number>,
  bias: number,
  quantized: QuantizedMultiplier,
  parts: number,
  zeroPoint: number,
  rectified: boolean,
): LaneConstants | null {
  const { lowest, highest } = sumRange(weights);
  const left = Math.max(quantized.shift, 0);
  const inRange = (sum: number) => Math.abs((bias + sum) * 2 ** left) < 2 ** 31;
  if (!inRange(lowest) || !inRange(highest)) return null;
  // Requantisation never falls as the sum grows. Equal at both ends it is equal throughout: a dead channel, whose
  // scale may ask for a shift that no constant could hold.
  const value = multiplyByQuantizedMultiplier(bias + lowest, quantized);
  if (value === multiplyByQuantizedMultiplier(bias + highest, quantized)) {
    return constants(0n, 0, 1, parts, zeroPoint + value, rectified);
  }
  const right = -quantized.shift;
  if (right > largestShift || (right < 1 && !rectified)) return null;
  return constants(BigInt(bias), quantized.multiplier, right, parts, zeroPoint, rectified);
}

/** @param right TensorFlow Lite's right shift; negative ones (to the left) with one rounding only */
function constants(
  bias: bigint,
  m: number,
  right: number,
  parts: number,
  zeroPoint: number,
  rectified: boolean,
): LaneConstants {
  const folded = (bias - BigInt(parts * laneBias)) * BigInt(m);
  if (rectified) {
    // floor((A·2^l + 2³⁰) / 2³¹) = floor((A + 2^(30−l)) / 2^(31−l)) for a shift l to the left.
    const e = 31 + right;
    const rounding = right > 0 ? (1n << 30n) + (1n << BigInt(e - 1)) : 1n << BigInt(e - 1);
    return { k: folded + rounding + (BigInt(zeroPoint) << BigInt(e)), m, e, r: 0n };
  }
  const r = (1n << BigInt(right - 1)) + (BigInt(zeroPoint) << BigInt(right));
  return { k: folded + (1n << 30n), m, e: right, r };
}

/**
 * The least Σ x·w, of those that there are, whose output is above a clamp's minimum; one more than the highest where none
 * is. For one rounding.
 * @param bias what the constants' v has on top of the sum
 */
export function leastSum(
  weights: Iterable<number>,
  { k, m, e }: LaneConstants,
  bias: number,
  minimum: number,
): number {
  const { lowest, highest } = sumRange(weights);
  const divisor = BigInt(m);
  const above = (BigInt(minimum + 1) << BigInt(e)) - k - BigInt(bias) * divisor;
  // A channel whose output never changes.
  if (divisor === 0n) return above > 0n ? highest + 1 : lowest;
  // Upwards, also below zero, where BigInt's division does so by itself.
  const least = Number((above + (above > 0n ? divisor - 1n : 0n)) / divisor);
  return Math.min(Math.max(least, lowest), highest + 1);
}

/** Powers of two by which a constant may be scaled for a common shift. */
const mostScaling = 10;

/**
 * The same constants with one shift for all channels, or null where that would leave 64 bits:
 * floor(A / 2^e) = floor(A·2^d / 2^(e+d)). For one rounding only: the first of two is by 2³¹ for every channel.
 * @param sums largest magnitude of each channel's Σ x·w + bias
 */
export function withCommonShift(
  constants: readonly LaneConstants[],
  sums: readonly number[],
): LaneConstants[] | null {
  const e = constants.reduce((most, one) => Math.max(most, one.e), 0);
  const scaled: LaneConstants[] = [];
  for (const [channel, one] of constants.entries()) {
    const d = e - one.e;
    const m = one.m * 2 ** d;
    // The value that is shifted is sum·m and what was added for rounding and zero point, at most 2^(e+9).
    if (d > mostScaling || m * (sums[channel] ?? 0) + 2 ** (e + 9) >= 2 ** 62) return null;
    scaled.push({ k: one.k << BigInt(d), m, e, r: 0n });
  }
  return scaled;
}
