/**
 * ADD and SUB on int8 with one product an operand, one shift and one table:
 *     output = table[(leftFactor · left + rightFactor · right + offset) >> shift]
 * The table clamps. That this is TensorFlow Lite's result for every pair of operands, with its two roundings at each of
 * three steps, is tried out at compile time (`host/compiler/linear.ts`). Sums wrap; what is shifted is unsigned.
 */
import { fetchWeights } from "../weights";

// @ts-ignore: decorator
@inline
function sum(
  left: usize, right: usize, leftFactor: i32, rightFactor: i32, offset: i32, shift: i32, table: usize, at: usize,
): u8 {
  const value: i32 = <i32>load<i8>(left + at) * leftFactor + <i32>load<i8>(right + at) * rightFactor + offset;
  return load<u8>(table + <usize>(<u32>value >> shift));
}

/**
 * Walks as add.ts does, over rows of `size3` bytes that both operands have in full; `tile` holds the table. May run in
 * place of an operand that is not repeated.
 */
export function addLinear(
  left: usize, right: usize, output: usize,
  size0: i32, size1: i32, size2: i32, size3: i32,
  leftStep0: i32, leftStep1: i32, leftStep2: i32, rightStep0: i32, rightStep1: i32, rightStep2: i32,
  weights: i32, tile: usize, tableBytes: i32, leftFactor: i32, rightFactor: i32, offset: i32, shift: i32,
): void {
  fetchWeights(tile, weights, tableBytes);
  for (let i0: i32 = 0; i0 < size0; i0++) {
    for (let i1: i32 = 0; i1 < size1; i1++) {
      for (let i2: i32 = 0; i2 < size2; i2++) {
        let a: usize = left + <usize>(i0 * leftStep0 + i1 * leftStep1 + i2 * leftStep2);
        let b: usize = right + <usize>(i0 * rightStep0 + i1 * rightStep1 + i2 * rightStep2);
        let end: usize = output + <usize>(size3 & ~7);
        while (output < end) {
          store<u8>(output, sum(a, b, leftFactor, rightFactor, offset, shift, tile, 0));
          store<u8>(output, sum(a, b, leftFactor, rightFactor, offset, shift, tile, 1), 1);
          store<u8>(output, sum(a, b, leftFactor, rightFactor, offset, shift, tile, 2), 2);
          store<u8>(output, sum(a, b, leftFactor, rightFactor, offset, shift, tile, 3), 3);
          store<u8>(output, sum(a, b, leftFactor, rightFactor, offset, shift, tile, 4), 4);
          store<u8>(output, sum(a, b, leftFactor, rightFactor, offset, shift, tile, 5), 5);
          store<u8>(output, sum(a, b, leftFactor, rightFactor, offset, shift, tile, 6), 6);
          store<u8>(output, sum(a, b, leftFactor, rightFactor, offset, shift, tile, 7), 7);
          a += 8;
          b += 8;
          output += 8;
        }
        end += <usize>(size3 & 7);
        while (output < end) {
          store<u8>(output, sum(a, b, leftFactor, rightFactor, offset, shift, tile, 0));
          a += 1;
          b += 1;
          output += 1;
        }
      }
    }
  }
}
