/**
 * TensorFlow Lite's fixed-point arithmetic with double rounding, as plainly as it can be said: 64-bit steps
 * are BigInt. Names follow gemmlowp's fixedpoint.h and TensorFlow Lite's kernels/internal/common.h, whose
 * results these functions give bit for bit. The compiler and its kernels have their own; this is the oracle.
 */

const INT32_MAX = 2 ** 31 - 1;
const INT32_MIN = -(2 ** 31);

/** A real multiplier as `multiplier · 2^(shift - 31)`, with multiplier in [2^30, 2^31) or 0. */
export interface FixedPointMultiplier {
  readonly multiplier: number;
  readonly shift: number;
}

/** Splits a positive double into a fraction in [0.5, 1) and a power of two, like C's frexp. */
export function frexp(value: number): { fraction: number; exponent: number } {
  if (value === 0) return { fraction: 0, exponent: 0 };
  let exponent = Math.max(-1023, Math.floor(Math.log2(value)) + 1);
  let fraction = value * 2 ** -exponent;
  while (fraction < 0.5) {
    fraction *= 2;
    exponent -= 1;
  }
  while (fraction >= 1) {
    fraction /= 2;
    exponent += 1;
  }
  return { fraction, exponent };
}

/** TfLiteRound, that is C's round: halves go away from zero. */
export function roundHalfAway(value: number): number {
  return Math.sign(value) * Math.floor(Math.abs(value) + 0.5);
}

/** QuantizeMultiplier: real multipliers below 2^-32 become 0. */
export function quantiseMultiplier(real: number): FixedPointMultiplier {
  if (real === 0) return { multiplier: 0, shift: 0 };
  const { fraction, exponent } = frexp(real);
  let multiplier = roundHalfAway(fraction * 2 ** 31);
  let shift = exponent;
  if (multiplier === 2 ** 31) {
    multiplier /= 2;
    shift += 1;
  }
  return shift < -31 ? { multiplier: 0, shift: 0 } : { multiplier, shift };
}

/** The high 32 bits of 2·a·b, rounded; a tie goes away from zero when positive and towards it when negative. */
export function saturatingRoundingDoublingHighMultiply(a: number, b: number): number {
  if (a === INT32_MIN && b === INT32_MIN) return INT32_MAX;
  const product = BigInt(a) * BigInt(b);
  const nudge = product >= 0n ? 1n << 30n : 1n - (1n << 30n);
  // Division of BigInt truncates, as C's does.
  return Number((product + nudge) / (1n << 31n));
}

/** x / 2^exponent, halves away from zero; exponent in 0…31. */
export function roundingDivideByPowerOfTwo(x: number, exponent: number): number {
  const mask = 2 ** exponent - 1;
  const remainder = x & mask;
  const threshold = Math.floor(mask / 2) + (x < 0 ? 1 : 0);
  return (x >> exponent) + (remainder > threshold ? 1 : 0);
}

/** MultiplyByQuantizedMultiplier for an int32 x; the left shift wraps in 32 bits as it does on every target. */
export function multiplyByQuantisedMultiplier(
  x: number,
  { multiplier, shift }: FixedPointMultiplier,
): number {
  const left = Math.max(shift, 0);
  const right = Math.max(-shift, 0);
  const shifted = left > 31 ? 0 : Math.imul(x, 1 << left);
  return roundingDivideByPowerOfTwo(saturatingRoundingDoublingHighMultiply(shifted, multiplier), right);
}

/**
 * MultiplyByQuantizedMultiplier for an int64 x: another function than the one for int32, with the multiplier
 * reduced to 16 bits and a single rounding, half up.
 */
export function multiplyInt64ByQuantisedMultiplier(
  x: number,
  { multiplier, shift }: FixedPointMultiplier,
): number {
  const reduced = multiplier < 0x7fff0000 ? (multiplier + 2 ** 15) >> 16 : 0x7fff;
  const totalShift = BigInt(15 - shift);
  const rounded = BigInt(x) * BigInt(reduced) + (1n << (totalShift - 1n));
  return Number(BigInt.asIntN(32, rounded >> totalShift));
}

/** x · 2^exponent, saturated to int32; for a negative exponent the rounding division. */
export function saturatingRoundingMultiplyByPowerOfTwo(x: number, exponent: number): number {
  if (exponent <= 0) return roundingDivideByPowerOfTwo(x, -exponent);
  return clamp(x * 2 ** exponent, INT32_MIN, INT32_MAX);
}

/** RoundingHalfSum: (a + b) / 2, halves away from zero. */
export function roundingHalfSum(a: number, b: number): number {
  return roundHalfAway((a + b) / 2);
}

export function clamp(value: number, low: number, high: number): number {
  return Math.min(Math.max(value, low), high);
}
