/**
 * MEAN and SUM, int8, plain reference form: sums over up to three reduced dimensions for each element of up to three kept
 * ones. The compiler joins neighbouring dimensions that are both kept or both reduced and gives each its step.
 */
import { clamp, multiplyByQuantizedMultiplier } from "../arithmetic";

/** Sum over the reduced dimensions, from `source`. */
// @ts-ignore: decorator
@inline
function sumReduced(
  source: usize, size0: i32, size1: i32, size2: i32, step0: i32, step1: i32, step2: i32,
): i32 {
  let sum: i32 = 0;
  for (let i0: i32 = 0; i0 < size0; i0++) {
    let row: usize = source;
    for (let i1: i32 = 0; i1 < size1; i1++) {
      let at: usize = row;
      for (let i2: i32 = 0; i2 < size2; i2++) {
        sum += <i32>load<i8>(at);
        at += step2;
      }
      row += step1;
    }
    source += step0;
  }
  return sum;
}

/**
 * (sum − `offset`) · multiplier + outputZeroPoint: `offset` is the count times the input's zero point; for a mean the
 * multiplier has 1/count in it.
 */
export function mean(
  input: usize, output: usize,
  keptSize0: i32, keptSize1: i32, keptSize2: i32, keptStep0: i32, keptStep1: i32, keptStep2: i32,
  size0: i32, size1: i32, size2: i32, step0: i32, step1: i32, step2: i32,
  offset: i32, multiplier: i32, left: i32, right: i32, outputZeroPoint: i32,
): void {
  for (let k0: i32 = 0; k0 < keptSize0; k0++) {
    for (let k1: i32 = 0; k1 < keptSize1; k1++) {
      for (let k2: i32 = 0; k2 < keptSize2; k2++) {
        const source: usize = input + <usize>(k0 * keptStep0 + k1 * keptStep1 + k2 * keptStep2);
        const sum: i32 = sumReduced(source, size0, size1, size2, step0, step1, step2);
        const value: i32 = multiplyByQuantizedMultiplier(sum - offset, multiplier, left, right);
        store<i8>(output, clamp(value + outputZeroPoint, -128, 127));
        output += 1;
      }
    }
  }
}
