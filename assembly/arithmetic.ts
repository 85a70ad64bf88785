/**
 * TensorFlow Lite's fixed point, as its reference kernels compute it (double rounding): real multipliers are
 * int32 mantissas in [2³⁰, 2³¹) with a power of two beside them, folded at compile time
 * (`host/compiler/fixed_point.ts`). Everything is inlined: a call costs as much as twenty additions under an
 * interpreter.
 */

/**
 * High word of 2·a·b, rounded to nearest, ties away from zero where positive
 * (gemmlowp's SaturatingRoundingDoublingHighMul). Its nudge of ±2³⁰ with a truncating division equals a floor
 * shift after adding 2³⁰ for both signs. The saturating case a = b = −2³¹ cannot occur where `b` is a folded
 * multiplier; `softmax.ts` has the operands that need it.
 */
// @ts-ignore: decorator
@inline
export function roundingDoublingHighMultiply(a: i32, b: i32): i32 {
  return <i32>((<i64>a * <i64>b + 0x40000000) >> 31);
}

/** value / 2^exponent, rounded to nearest, ties away from zero; 0 ≤ exponent ≤ 31 (gemmlowp's RoundingDivideByPOT). */
// @ts-ignore: decorator
@inline
export function roundingDivideByPowerOfTwo(value: i32, exponent: i32): i32 {
  const mask: i32 = <i32>((<i64>1 << exponent) - 1);
  const remainder: i32 = value & mask;
  const threshold: i32 = (mask >> 1) + <i32>(value < 0);
  return (value >> exponent) + <i32>(remainder > threshold);
}

/**
 * value · multiplier · 2^(left − right − 31) with TFLite's two roundings (MultiplyByQuantizedMultiplier).
 * `left` and `right` are the positive and the negative part of TFLite's shift: one of them is 0.
 */
// @ts-ignore: decorator
@inline
export function multiplyByQuantizedMultiplier(value: i32, multiplier: i32, left: i32, right: i32): i32 {
  return roundingDivideByPowerOfTwo(roundingDoublingHighMultiply(value << left, multiplier), right);
}

/**
 * TFLite's MultiplyByQuantizedMultiplier of an int64 value, which int16 operators with int64 biases call: one
 * rounding, half up. `multiplier` has 15 bits; `shift`, 8 to 46, is what stands behind them and TFLite's own.
 */
// @ts-ignore: decorator
@inline
export function multiplyByReducedMultiplier(value: i64, multiplier: i32, shift: i32): i32 {
  return <i32>((value * <i64>multiplier + (<i64>1 << (shift - 1))) >> shift);
}

/** value · 2^exponent, saturated to int32. */
// @ts-ignore: decorator
@inline
export function saturatingShiftLeft(value: i32, exponent: i32): i32 {
  const wide: i64 = <i64>value << exponent;
  if (wide > <i64>i32.MAX_VALUE) return i32.MAX_VALUE;
  if (wide < <i64>i32.MIN_VALUE) return i32.MIN_VALUE;
  return <i32>wide;
}

/** value limited to [low, high]; two selects, no branch. */
// @ts-ignore: decorator
@inline
export function clamp(value: i32, low: i32, high: i32): i32 {
  const atLeast: i32 = select<i32>(low, value, value < low);
  return select<i32>(high, atLeast, atLeast > high);
}
