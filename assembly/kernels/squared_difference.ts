/**
 * SQUARED_DIFFERENCE, int8, plain reference form: both operands are brought to twice the larger input scale at 2⁷
 * times the resolution; their difference is squared and brought to the output's scale.
 */
import { clamp, multiplyByQuantizedMultiplier } from "../arithmetic";

/** TFLite's left shift of both operands (squared_difference.cc). */
const HEADROOM: i32 = 7;

/** Walks as add.ts does; the operands' shifts are to the right only. May run in place. */
export function squaredDifference(
  left: usize, right: usize, output: usize,
  size0: i32, size1: i32, size2: i32, size3: i32,
  leftStep0: i32, leftStep1: i32, leftStep2: i32, leftStep3: i32,
  rightStep0: i32, rightStep1: i32, rightStep2: i32, rightStep3: i32,
  leftZeroPoint: i32, leftMultiplier: i32, leftShift: i32,
  rightZeroPoint: i32, rightMultiplier: i32, rightShift: i32,
  outputZeroPoint: i32, outputMultiplier: i32, outputLeft: i32, outputRight: i32,
): void {
  for (let i0: i32 = 0; i0 < size0; i0++) {
    for (let i1: i32 = 0; i1 < size1; i1++) {
      for (let i2: i32 = 0; i2 < size2; i2++) {
        let a: usize = left + <usize>(i0 * leftStep0 + i1 * leftStep1 + i2 * leftStep2);
        let b: usize = right + <usize>(i0 * rightStep0 + i1 * rightStep1 + i2 * rightStep2);
        const end: usize = output + <usize>size3;
        while (output < end) {
          const difference: i32 = multiplyByQuantizedMultiplier(
            (<i32>load<i8>(a) - leftZeroPoint) << HEADROOM, leftMultiplier, 0, leftShift)
            - multiplyByQuantizedMultiplier(
              (<i32>load<i8>(b) - rightZeroPoint) << HEADROOM, rightMultiplier, 0, rightShift);
          const value: i32 = outputZeroPoint + multiplyByQuantizedMultiplier(
            difference * difference, outputMultiplier, outputLeft, outputRight);
          store<i8>(output, clamp(value, -128, 127));
          a += leftStep3;
          b += rightStep3;
          output += 1;
        }
      }
    }
  }
}
