/**
 * gemmlowp's logistic and hyperbolic tangent in fixed point (fixedpoint/fixedpoint.h), bit for bit, for tables made
 * at compile time. Numbers named Qm.n are int32 with m integer and n fractional bits. The board's softmax has the
 * exponential of its own in assembly/kernels/softmax.ts.
 */

const maximum = 2 ** 31 - 1;
const minimum = -(2 ** 31);

/** High word of 2·a·b, rounded (SaturatingRoundingDoublingHighMul). */
function highMultiply(a: number, b: number): number {
  if (a === minimum && b === minimum) return maximum;
  return Number((BigInt(a) * BigInt(b) + (1n << 30n)) >> 31n);
}

/** value / 2^exponent, halves away from zero (RoundingDivideByPOT). */
export function roundingDivideByPowerOfTwo(value: number, exponent: number): number {
  const quotient = Math.floor(Math.abs(value) / 2 ** exponent + 0.5);
  return value < 0 ? -quotient : quotient;
}

/** value · 2^exponent, saturated to int32. */
function saturatingShiftLeft(value: number, exponent: number): number {
  return Math.min(Math.max(value * 2 ** exponent, minimum), maximum);
}

/** e^(−2^exponent) as Q0.31, for the bits of the argument from ¼ on. */
const powers: readonly (readonly [exponent: number, factor: number])[] = [
  [-2, 1672461947],
  [-1, 1302514674],
  [0, 790015084],
  [1, 290630308],
  [2, 39332535],
  [3, 720401],
  [4, 242],
];

/** e^a for a ≤ 0 with `integerBits` integer bits, as Q0.31. */
function exponential(a: number, integerBits: number): number {
  if (a === 0) return maximum;
  const fractionalBits = 31 - integerBits;
  const quarter = 2 ** (fractionalBits - 2);
  const fraction = (a & (quarter - 1)) - quarter;
  // The Taylor series of degree 4 around −⅛.
  const x = saturatingShiftLeft(fraction, integerBits) + 2 ** 28;
  const x2 = highMultiply(x, x);
  const x3 = highMultiply(x2, x);
  const x4 = highMultiply(x2, x2);
  const tail = highMultiply(roundingDivideByPowerOfTwo(x4, 2) + x3, 715827883) + x2;
  let result = 1895147668 + highMultiply(1895147668, x + roundingDivideByPowerOfTwo(tail, 1));
  const remainder = fraction - a;
  for (const [exponent, factor] of powers) {
    if (exponent < integerBits && remainder & (2 ** (fractionalBits + exponent)))
      result = highMultiply(result, factor);
  }
  return result;
}

/** 1 / ((1 + a) / 2) as Q2.29 for a in [0, 1) in Q0.31: three Newton steps from 48/17 − 32/17 · d. */
function reciprocalOfHalfOnePlus(a: number): number {
  const halfDenominator = Math.floor((a + maximum + 1) / 2);
  let x = 1515870810 + highMultiply(halfDenominator, -1010580540);
  for (let step = 0; step < 3; step++) {
    const error = 2 ** 29 - highMultiply(halfDenominator, x);
    x += saturatingShiftLeft(highMultiply(x, error), 2);
  }
  return x;
}

/** 1 / (1 + e^−a) as Q0.31 for a in Q4.27. */
export function logistic(a: number): number {
  if (a === 0) return 2 ** 30;
  const positive = saturatingShiftLeft(reciprocalOfHalfOnePlus(exponential(-Math.abs(a), 4)), 1);
  return a > 0 ? positive : maximum - positive;
}

/** tanh(a) as Q0.31 for a in Q4.27: (1 − e^−2a) / (1 + e^−2a). */
export function tanh(a: number): number {
  if (a === 0) return 0;
  // The same bits read as Q5.26 are twice the number.
  const positive = saturatingShiftLeft(reciprocalOfHalfOnePlus(exponential(-Math.abs(a), 5)) - 2 ** 29, 2);
  return a > 0 ? positive : -positive;
}
