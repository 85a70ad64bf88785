/**
 * L2_NORMALIZATION, int8, plain reference form: each row divided by the root of its sum of squares. The reciprocal
 * root is gemmlowp's fixed point, bit for bit (GetInvSqrtQuantizedMultiplierExp in TFLite's common.h). Numbers
 * named Qm.n are int32 with m integer and n fractional bits.
 */
import {
  clamp, multiplyByQuantizedMultiplier, roundingDivideByPowerOfTwo, roundingDoublingHighMultiply, saturatingShiftLeft,
} from "../arithmetic";

/** The output's scale is 2⁻⁷. */
const OUTPUT_BITS: i32 = 7;

/** 1/√a as Q3.28 for a in [¼, 1) in Q3.28: five Newton steps from 1, x ← 3/2 · x − a/2 · x³. */
// @ts-ignore: decorator
@inline
function reciprocalRoot(a: i32): i32 {
  const half: i32 = roundingDivideByPowerOfTwo(a, 1);
  let x: i32 = 1 << 28;
  for (let step: i32 = 0; step < 5; step++) {
    const cube: i32 = saturatingShiftLeft(roundingDoublingHighMultiply(roundingDoublingHighMultiply(x, x), x), 6);
    x = saturatingShiftLeft(
      roundingDoublingHighMultiply((1 << 28) + (1 << 27), x) - roundingDoublingHighMultiply(half, cube), 3);
  }
  return x;
}

/** Rows of `depth` values → rows of length 1 at scale 2⁻⁷ and zero point 0. May run in place. */
export function l2Normalization(input: usize, output: usize, rows: i32, depth: i32, zeroPoint: i32): void {
  for (let row: i32 = 0; row < rows; row++) {
    const end: usize = input + <usize>depth;
    let sum: i32 = 0;
    for (let at: usize = input; at < end; at++) {
      const x: i32 = <i32>load<i8>(at) - zeroPoint;
      sum += x * x;
    }
    // Sums of 0 and 1 are left out of the general way, where they would overflow.
    let multiplier: i32 = i32.MAX_VALUE;
    let shift: i32 = OUTPUT_BITS;
    if (sum > 1) {
      shift = OUTPUT_BITS - 11;
      while (sum >= 1 << 29) {
        sum /= 4;
        shift -= 1;
      }
      const pairs: i32 = (clz<i32>(sum) - 1) / 2 - 1;
      shift += pairs;
      multiplier = roundingDoublingHighMultiply(reciprocalRoot((sum << (2 * pairs)) >> 1), 1518500250); // √½
      // The exponent of the root itself is at most 0; what is over goes into the multiplier.
      if (shift > OUTPUT_BITS) {
        multiplier <<= shift - OUTPUT_BITS;
        shift = OUTPUT_BITS;
      }
    }
    const left: i32 = max<i32>(shift, 0);
    const right: i32 = max<i32>(-shift, 0);
    while (input < end) {
      const value: i32 = multiplyByQuantizedMultiplier(<i32>load<i8>(input) - zeroPoint, multiplier, left, right);
      store<i8>(output, clamp(value, -128, 127));
      input += 1;
      output += 1;
    }
  }
}
