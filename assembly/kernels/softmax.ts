/**
 * SOFTMAX, int8, plain reference form: gemmlowp's fixed-point exponential and reciprocal, bit for bit as
 * TensorFlow Lite's reference kernel calls them (reference/softmax.h, gemmlowp fixedpoint.h). Numbers named Qm.n
 * are int32 with m integer and n fractional bits.
 */
import { roundingDivideByPowerOfTwo, saturatingShiftLeft } from "../arithmetic";

/** The saturating high multiply: here both operands may be −2³¹. */
function highMultiply(a: i32, b: i32): i32 {
  if (a == i32.MIN_VALUE && b == i32.MIN_VALUE) return i32.MAX_VALUE;
  return <i32>((<i64>a * <i64>b + 0x40000000) >> 31);
}

/** e^a for a in [−¼, 0), both Q0.31: the Taylor series of degree 4 around −⅛. */
// @ts-ignore: decorator
@inline
function exponentialOnQuarter(a: i32): i32 {
  const x: i32 = a + (1 << 28);
  const x2: i32 = highMultiply(x, x);
  const x3: i32 = highMultiply(x2, x);
  const x4: i32 = highMultiply(x2, x2);
  const tail: i32 = highMultiply(roundingDivideByPowerOfTwo(x4, 2) + x3, 715827883) + x2;
  return 1895147668 + highMultiply(1895147668, x + roundingDivideByPowerOfTwo(tail, 1));
}

// @ts-ignore: decorator
@inline
function timesIf(result: i32, remainder: i32, bit: i32, factor: i32): i32 {
  return remainder & (1 << bit) ? highMultiply(result, factor) : result;
}

/** e^a for a ≤ 0 in Q5.26, as Q0.31: the fraction below ¼ by series, each higher bit by a factor e^(−2^k). */
function exponential(a: i32): i32 {
  if (a == 0) return i32.MAX_VALUE;
  const quarter: i32 = 1 << 24;
  const fraction: i32 = (a & (quarter - 1)) - quarter;
  const remainder: i32 = fraction - a;
  let result: i32 = exponentialOnQuarter(saturatingShiftLeft(fraction, 5));
  result = timesIf(result, remainder, 24, 1672461947);
  result = timesIf(result, remainder, 25, 1302514674);
  result = timesIf(result, remainder, 26, 790015084);
  result = timesIf(result, remainder, 27, 290630308);
  result = timesIf(result, remainder, 28, 39332535);
  result = timesIf(result, remainder, 29, 720401);
  return timesIf(result, remainder, 30, 242);
}

/** 1 / (1 + a) for a in [0, 1) in Q0.31: three Newton steps in Q2.29 from 48/17 − 32/17 · d. */
// @ts-ignore: decorator
@inline
function reciprocalOfOnePlus(a: i32): i32 {
  const halfDenominator: i32 = <i32>((<i64>a + <i64>i32.MAX_VALUE + 1) / 2);
  let x: i32 = 1515870810 + highMultiply(halfDenominator, -1010580540);
  for (let step: i32 = 0; step < 3; step++) {
    const error: i32 = (1 << 29) - highMultiply(halfDenominator, x);
    x += saturatingShiftLeft(highMultiply(x, error), 2);
  }
  return saturatingShiftLeft(x, 1);
}

/**
 * Rows of `depth` logits → rows of probabilities at scale 2⁻⁸ (int8) or 2⁻¹⁶ (int16), zero point at the type's
 * minimum. Differences to the row's maximum below `diffMin` give 0. May run in place for int8.
 */
export function softmax<TOutput extends number>(
  input: usize, output: usize, rows: i32, depth: i32, multiplier: i32, leftShift: i32, diffMin: i32,
): void {
  const lowest: i32 = <i32>minValue<TOutput>();
  const highest: i32 = <i32>maxValue<TOutput>();
  for (let row: i32 = 0; row < rows; row++) {
    const end: usize = input + depth;
    let largest: i32 = -128;
    for (let at: usize = input; at < end; at++) largest = max<i32>(largest, <i32>load<i8>(at));
    let sum: i32 = 0;
    for (let at: usize = input; at < end; at++) {
      const difference: i32 = <i32>load<i8>(at) - largest;
      if (difference < diffMin) continue;
      const scaled: i32 = highMultiply(difference << leftShift, multiplier);
      sum += roundingDivideByPowerOfTwo(exponential(scaled), 12);
    }
    const headroom: i32 = clz<i32>(sum);
    const scale: i32 = reciprocalOfOnePlus(<i32>((<u32>sum << headroom) - 0x80000000));
    const exponent: i32 = 12 - headroom + 31 - <i32>(sizeof<TOutput>() * 8);
    while (input < end) {
      const difference: i32 = <i32>load<i8>(input) - largest;
      let value: i32 = lowest;
      if (difference >= diffMin) {
        const scaled: i32 = highMultiply(difference << leftShift, multiplier);
        value = roundingDivideByPowerOfTwo(highMultiply(scale, exponential(scaled)), exponent) + lowest;
        value = max<i32>(min<i32>(value, highest), lowest);
      }
      store<TOutput>(output, <TOutput>value);
      input += 1;
      output += sizeof<TOutput>();
    }
  }
}

// @ts-ignore: decorator
@inline
function minValue<T extends number>(): i32 {
  return sizeof<T>() == 1 ? -128 : -32768;
}

// @ts-ignore: decorator
@inline
function maxValue<T extends number>(): i32 {
  return sizeof<T>() == 1 ? 127 : 32767;
}
