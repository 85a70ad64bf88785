/** MUL, int8 and int16, plain reference form: the product of both operands, rescaled once. */
import { clamp, multiplyByQuantizedMultiplier } from "../arithmetic";

/** Walks as add.ts does, steps in bytes. May run in place of an operand that is not repeated. */
export function mul<T extends number>(
  left: usize, right: usize, output: usize,
  size0: i32, size1: i32, size2: i32, size3: i32,
  leftStep0: i32, leftStep1: i32, leftStep2: i32, leftStep3: i32,
  rightStep0: i32, rightStep1: i32, rightStep2: i32, rightStep3: i32,
  leftZeroPoint: i32, rightZeroPoint: i32, outputZeroPoint: i32,
  multiplier: i32, shiftLeft: i32, shiftRight: i32, activationMin: i32, activationMax: i32,
): void {
  for (let i0: i32 = 0; i0 < size0; i0++) {
    for (let i1: i32 = 0; i1 < size1; i1++) {
      for (let i2: i32 = 0; i2 < size2; i2++) {
        let a: usize = left + <usize>(i0 * leftStep0 + i1 * leftStep1 + i2 * leftStep2);
        let b: usize = right + <usize>(i0 * rightStep0 + i1 * rightStep1 + i2 * rightStep2);
        const end: usize = output + <usize>size3 * sizeof<T>();
        while (output < end) {
          const product: i32 = (<i32>load<T>(a) - leftZeroPoint) * (<i32>load<T>(b) - rightZeroPoint);
          const value: i32 = outputZeroPoint + multiplyByQuantizedMultiplier(product, multiplier, shiftLeft, shiftRight);
          store<T>(output, <T>clamp(value, activationMin, activationMax));
          a += leftStep3;
          b += rightStep3;
          output += sizeof<T>();
        }
      }
    }
  }
}
