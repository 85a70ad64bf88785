/** PRELU, int8, plain reference form: x from zero on, alpha · x below, each with a multiplier of its own. */
import { clamp, multiplyByQuantizedMultiplier } from "../arithmetic";

/** `left` is the input, `right` alpha. Walks as add.ts does; may run in place of the input. */
export function prelu(
  left: usize, right: usize, output: usize,
  size0: i32, size1: i32, size2: i32, size3: i32,
  leftStep0: i32, leftStep1: i32, leftStep2: i32, leftStep3: i32,
  rightStep0: i32, rightStep1: i32, rightStep2: i32, rightStep3: i32,
  inputZeroPoint: i32, alphaZeroPoint: i32, outputZeroPoint: i32,
  identityMultiplier: i32, identityLeft: i32, identityRight: i32,
  slopeMultiplier: i32, slopeLeft: i32, slopeRight: i32,
): void {
  for (let i0: i32 = 0; i0 < size0; i0++) {
    for (let i1: i32 = 0; i1 < size1; i1++) {
      for (let i2: i32 = 0; i2 < size2; i2++) {
        let a: usize = left + <usize>(i0 * leftStep0 + i1 * leftStep1 + i2 * leftStep2);
        let b: usize = right + <usize>(i0 * rightStep0 + i1 * rightStep1 + i2 * rightStep2);
        const end: usize = output + <usize>size3;
        while (output < end) {
          const x: i32 = <i32>load<i8>(a) - inputZeroPoint;
          const value: i32 = x >= 0
            ? multiplyByQuantizedMultiplier(x, identityMultiplier, identityLeft, identityRight)
            : multiplyByQuantizedMultiplier(
              x * (<i32>load<i8>(b) - alphaZeroPoint), slopeMultiplier, slopeLeft, slopeRight);
          store<i8>(output, clamp(value + outputZeroPoint, -128, 127));
          a += leftStep3;
          b += rightStep3;
          output += 1;
        }
      }
    }
  }
}
