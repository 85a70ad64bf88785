/**
 * ADD and SUB, int8 and int16, plain reference form: both operands are brought to twice the larger input scale at
 * 2²⁰ (int16: 2¹⁵) times the resolution, added or subtracted, and brought to the output's scale, each step with
 * TFLite's two roundings.
 *
 * Broadcasting walks up to four dimensions with one step per operand and dimension (0 repeats the operand); the
 * compiler joins dimensions that repeat alike, so equal shapes are one single dimension. All elementwise kernels
 * walk like this.
 */
import { clamp, multiplyByQuantizedMultiplier } from "../arithmetic";

/**
 * output = left + rightSign · right; steps in bytes. left · 2^−leftShift and right · 2^−rightShift are both ≤ ½,
 * so their shifts are to the right only. May run in place of an operand that is not repeated.
 */
export function add<T extends number>(
  left: usize, right: usize, output: usize,
  size0: i32, size1: i32, size2: i32, size3: i32,
  leftStep0: i32, leftStep1: i32, leftStep2: i32, leftStep3: i32,
  rightStep0: i32, rightStep1: i32, rightStep2: i32, rightStep3: i32,
  headroom: i32, leftZeroPoint: i32, leftMultiplier: i32, leftShift: i32,
  rightZeroPoint: i32, rightMultiplier: i32, rightShift: i32, rightSign: i32,
  outputZeroPoint: i32, outputMultiplier: i32, outputLeft: i32, outputRight: i32,
  activationMin: i32, activationMax: i32,
): void {
  for (let i0: i32 = 0; i0 < size0; i0++) {
    for (let i1: i32 = 0; i1 < size1; i1++) {
      for (let i2: i32 = 0; i2 < size2; i2++) {
        let a: usize = left + <usize>(i0 * leftStep0 + i1 * leftStep1 + i2 * leftStep2);
        let b: usize = right + <usize>(i0 * rightStep0 + i1 * rightStep1 + i2 * rightStep2);
        const end: usize = output + <usize>size3 * sizeof<T>();
        while (output < end) {
          const scaledA: i32 = multiplyByQuantizedMultiplier(
            (<i32>load<T>(a) - leftZeroPoint) << headroom, leftMultiplier, 0, leftShift);
          const scaledB: i32 = multiplyByQuantizedMultiplier(
            (<i32>load<T>(b) - rightZeroPoint) << headroom, rightMultiplier, 0, rightShift);
          const sum: i32 = outputZeroPoint + multiplyByQuantizedMultiplier(
            scaledA + rightSign * scaledB, outputMultiplier, outputLeft, outputRight);
          store<T>(output, <T>clamp(sum, activationMin, activationMax));
          a += leftStep3;
          b += rightStep3;
          output += sizeof<T>();
        }
      }
    }
  }
}
