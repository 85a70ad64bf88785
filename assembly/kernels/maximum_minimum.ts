/** MAXIMUM and MINIMUM, int8, plain reference form: operands and output are quantised alike. */

/** The larger of both operands, or the smaller where `smaller` is 1. Walks as add.ts does; may run in place. */
export function maximumMinimum(
  left: usize, right: usize, output: usize,
  size0: i32, size1: i32, size2: i32, size3: i32,
  leftStep0: i32, leftStep1: i32, leftStep2: i32, leftStep3: i32,
  rightStep0: i32, rightStep1: i32, rightStep2: i32, rightStep3: i32,
  smaller: i32,
): void {
  for (let i0: i32 = 0; i0 < size0; i0++) {
    for (let i1: i32 = 0; i1 < size1; i1++) {
      for (let i2: i32 = 0; i2 < size2; i2++) {
        let a: usize = left + <usize>(i0 * leftStep0 + i1 * leftStep1 + i2 * leftStep2);
        let b: usize = right + <usize>(i0 * rightStep0 + i1 * rightStep1 + i2 * rightStep2);
        const end: usize = output + <usize>size3;
        while (output < end) {
          const x: i32 = <i32>load<i8>(a);
          const y: i32 = <i32>load<i8>(b);
          store<i8>(output, select<i32>(x, y, <i32>(x > y) ^ smaller));
          a += leftStep3;
          b += rightStep3;
          output += 1;
        }
      }
    }
  }
}
