/**
 * Real multipliers as TensorFlow Lite folds them: an int32 mantissa and a power of two
 * (tensorflow/lite/kernels/internal/quantization_util.cc). Doubles here are the C++ doubles there, operation by
 * operation; where TFLite goes through float32, `Math.fround` does too.
 */

import { WamletError } from "../errors.js";

/** real = multiplier · 2^(shift − 31), multiplier in [2³⁰, 2³¹), or 0 with shift 0. */
export interface QuantizedMultiplier {
  readonly multiplier: number;
  /** Positive: to the left. */
  readonly shift: number;
}

/** value = fraction · 2^exponent with |fraction| in [½, 1), as C's frexp; 0 gives 0 and 0. */
export function frexp(value: number): { fraction: number; exponent: number } {
  if (value === 0 || !Number.isFinite(value)) return { fraction: value, exponent: 0 };
  const view = new DataView(new ArrayBuffer(8));
  view.setFloat64(0, value);
  let biased = (view.getUint16(0) >> 4) & 0x7ff;
  let offset = 0;
  if (biased === 0) {
    // Subnormal: scale into the normal range first.
    view.setFloat64(0, value * 2 ** 64);
    biased = (view.getUint16(0) >> 4) & 0x7ff;
    offset = -64;
  }
  view.setUint16(0, (view.getUint16(0) & 0x800f) | (1022 << 4));
  return { fraction: view.getFloat64(0), exponent: biased - 1022 + offset };
}

/**
 * QuantizeMultiplier. A real below 2⁻³² becomes 0, as there.
 * @param real a number ≥ 0
 * @throws WamletError WAMLET_INVALID_MODEL from 2³¹ on, and for infinity: no int32 can be shifted so far
 */
export function quantizeMultiplier(real: number): QuantizedMultiplier {
  if (real === 0) return { multiplier: 0, shift: 0 };
  const { fraction, exponent } = frexp(real);
  let multiplier = Math.round(fraction * 2 ** 31);
  let shift = exponent;
  if (multiplier === 2 ** 31) {
    multiplier /= 2;
    shift += 1;
  }
  if (!Number.isFinite(real) || shift > 31) throw tooFarApart(real);
  return shift < -31 ? { multiplier: 0, shift: 0 } : { multiplier, shift };
}

function tooFarApart(real: number): WamletError {
  return new WamletError(
    "WAMLET_INVALID_MODEL",
    `The model's scales are too far apart: values would be multiplied by ${real.toPrecision(3)}, at most 2³¹ can be.`,
    "The model file is damaged or was made by a faulty converter; convert it again.",
  );
}

/** A shift's two parts as the kernels take them; one of them is 0. */
export function shifts(shift: number): { left: number; right: number } {
  return { left: Math.max(shift, 0), right: Math.max(-shift, 0) };
}

/** MultiplyByQuantizedMultiplier with double rounding, in exact integers; for tables made at compile time. */
export function multiplyByQuantizedMultiplier(
  value: number,
  { multiplier, shift }: QuantizedMultiplier,
): number {
  const { left, right } = shifts(shift);
  const shifted = BigInt.asIntN(32, BigInt(value) << BigInt(left));
  const high = (shifted * BigInt(multiplier) + (1n << 30n)) >> 31n;
  if (right === 0) return Number(high);
  const mask = (1n << BigInt(right)) - 1n;
  const threshold = (mask >> 1n) + (high < 0n ? 1n : 0n);
  return Number((high >> BigInt(right)) + ((high & mask) > threshold ? 1n : 0n));
}

/** Round half away from zero, as C's round. */
export function roundHalfAway(value: number): number {
  const whole = Math.trunc(value);
  return Math.abs(value - whole) >= 0.5 ? whole + Math.sign(value) : whole;
}
