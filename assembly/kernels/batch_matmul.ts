/**
 * BATCH_MATMUL, int8, plain reference form. Steps say how each side lies in memory, so a transposed side costs
 * nothing and a batch dimension of 1 is repeated by a step of 0.
 */
import { clamp, multiplyByQuantizedMultiplier } from "../arithmetic";

/** output [size0, size1, size2, rows, columns] = Σ (left − leftZeroPoint) · (right − rightZeroPoint) over `depth`. */
export function batchMatmul(
  left: usize, right: usize, output: usize, size0: i32, size1: i32, size2: i32,
  leftStep0: i32, leftStep1: i32, leftStep2: i32, rightStep0: i32, rightStep1: i32, rightStep2: i32,
  rows: i32, columns: i32, depth: i32, leftRowStep: i32, leftDepthStep: i32, rightColumnStep: i32, rightDepthStep: i32,
  leftZeroPoint: i32, rightZeroPoint: i32, outputZeroPoint: i32, multiplier: i32, shiftLeft: i32, shiftRight: i32,
): void {
  for (let b0: i32 = 0; b0 < size0; b0++) {
    for (let b1: i32 = 0; b1 < size1; b1++) {
      for (let b2: i32 = 0; b2 < size2; b2++) {
        let row: usize = left + <usize>(b0 * leftStep0 + b1 * leftStep1 + b2 * leftStep2);
        const matrix: usize = right + <usize>(b0 * rightStep0 + b1 * rightStep1 + b2 * rightStep2);
        for (let i: i32 = 0; i < rows; i++) {
          let column: usize = matrix;
          for (let j: i32 = 0; j < columns; j++) {
            let a: usize = row;
            let b: usize = column;
            let sum: i32 = 0;
            for (let k: i32 = 0; k < depth; k++) {
              sum += (<i32>load<i8>(a) - leftZeroPoint) * (<i32>load<i8>(b) - rightZeroPoint);
              a += leftDepthStep;
              b += rightDepthStep;
            }
            const value: i32 = multiplyByQuantizedMultiplier(sum, multiplier, shiftLeft, shiftRight);
            store<i8>(output, clamp(value + outputZeroPoint, -128, 127));
            output += 1;
            column += rightColumnStep;
          }
          row += leftRowStep;
        }
      }
    }
  }
}
