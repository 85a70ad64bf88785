/**
 * gemmlowp's exponential and reciprocal in fixed point, which the integer SOFTMAX is made of
 * (fixedpoint/fixedpoint.h and TensorFlow Lite's kernels/internal/common.h). A number "Qm" is an int32 with m
 * integer bits, so it means raw · 2^(m - 31).
 */

import {
  saturatingRoundingDoublingHighMultiply as multiply,
  roundingDivideByPowerOfTwo,
  roundingHalfSum,
  saturatingRoundingMultiplyByPowerOfTwo,
} from "./fixed_point.js";

const Q0_ONE = 2 ** 31 - 1;

/** exp(x) in Q0 for x in Q0 of [-1/4, 0): a Taylor series about -1/8. */
function expBetweenMinusQuarterAndZero(a: number): number {
  const exponentOfMinusEighth = 1895147668;
  const third = 715827883;
  const x = a + 2 ** 28;
  const square = multiply(x, x);
  const cube = multiply(square, x);
  const fourth = multiply(square, square);
  const fourthOver4 = roundingDivideByPowerOfTwo(fourth, 2);
  const tail = roundingDivideByPowerOfTwo(multiply(fourthOver4 + cube, third) + square, 1);
  return exponentOfMinusEighth + multiply(exponentOfMinusEighth, x + tail);
}

/** exp(-2^exponent) in Q0, for the binary digits of the argument from 1/4 to 16. */
const powers: readonly { readonly exponent: number; readonly factor: number }[] = [
  { exponent: -2, factor: 1672461947 },
  { exponent: -1, factor: 1302514674 },
  { exponent: 0, factor: 790015084 },
  { exponent: 1, factor: 290630308 },
  { exponent: 2, factor: 39332535 },
  { exponent: 3, factor: 720401 },
  { exponent: 4, factor: 242 },
];

/** exp(x) in Q0 for x ≤ 0 of so many integer bits. */
export function expOfNegative(x: number, integerBits = 5): number {
  if (x === 0) return Q0_ONE;
  const fractionalBits = 31 - integerBits;
  const quarter = 2 ** (fractionalBits - 2);
  const withinQuarter = (x & (quarter - 1)) - quarter;
  let result = expBetweenMinusQuarterAndZero(
    saturatingRoundingMultiplyByPowerOfTwo(withinQuarter, integerBits),
  );
  const remainder = (withinQuarter - x) | 0;
  for (const { exponent, factor } of powers) {
    if (exponent >= integerBits) break;
    if ((remainder & (1 << (fractionalBits + exponent))) !== 0) result = multiply(result, factor);
  }
  return result;
}

const Q2_ONE = 2 ** 29;

/** 2 / (1 + a) in Q2 for a in Q0 of [0, 1): three Newton steps. */
function twoOverOnePlus(a: number): number {
  const constant48Over17 = 1515870810;
  const constantMinus32Over17 = -1010580540;
  const halfDenominator = roundingHalfSum(a, Q0_ONE);
  let x = constant48Over17 + multiply(halfDenominator, constantMinus32Over17);
  for (let step = 0; step < 3; step++) {
    const oneMinus = Q2_ONE - multiply(halfDenominator, x);
    x = x + saturatingRoundingMultiplyByPowerOfTwo(multiply(x, oneMinus), 2);
  }
  return x;
}

/** 1 / (1 + a) in Q0 for a in Q0 of [0, 1). */
function oneOverOnePlus(a: number): number {
  return saturatingRoundingMultiplyByPowerOfTwo(twoOverOnePlus(a), 1);
}

/** gemmlowp's logistic: 1 / (1 + exp(-x)) in Q0 for x in Q4. */
export function logisticOf(x: number): number {
  if (x === 0) return 2 ** 30;
  const ofMagnitude = oneOverOnePlus(expOfNegative(-Math.abs(x), 4));
  return x > 0 ? ofMagnitude : Q0_ONE - ofMagnitude;
}

/** gemmlowp's tanh: (1 - exp(-2x)) / (1 + exp(-2x)) in Q0 for x in Q4, whose bits are 2x in Q5. */
export function tanhOf(x: number): number {
  if (x === 0) return 0;
  const oneMore = twoOverOnePlus(expOfNegative(-Math.abs(x), 5));
  const ofMagnitude = saturatingRoundingMultiplyByPowerOfTwo(oneMore - Q2_ONE, 2);
  return x < 0 ? -ofMagnitude : ofMagnitude;
}

/**
 * GetReciprocal: 1 / sum for a sum of `integerBits` integer bits.
 * @returns the reciprocal's mantissa in Q0 and by how many bits the sum exceeds one
 */
export function reciprocal(sum: number, integerBits: number): { mantissa: number; bitsOverUnit: number } {
  const headroomPlusOne = Math.clz32(sum);
  const shifted = ((sum << headroomPlusOne) >>> 0) - 2 ** 31;
  return { mantissa: oneOverOnePlus(shifted), bitsOverUnit: integerBits - headroomPlusOne };
}
