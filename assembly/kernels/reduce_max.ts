/**
 * REDUCE_MAX, int8, plain reference form: the largest over up to three reduced dimensions for each element of up to
 * three kept ones, walked as mean.ts does.
 */

/** The largest over the reduced dimensions, from `source`. */
// @ts-ignore: decorator
@inline
function largestReduced(
  source: usize, size0: i32, size1: i32, size2: i32, step0: i32, step1: i32, step2: i32,
): i32 {
  let largest: i32 = -128;
  for (let i0: i32 = 0; i0 < size0; i0++) {
    let row: usize = source;
    for (let i1: i32 = 0; i1 < size1; i1++) {
      let at: usize = row;
      for (let i2: i32 = 0; i2 < size2; i2++) {
        const value: i32 = <i32>load<i8>(at);
        largest = select<i32>(value, largest, value > largest);
        at += step2;
      }
      row += step1;
    }
    source += step0;
  }
  return largest;
}

export function reduceMax(
  input: usize, output: usize,
  keptSize0: i32, keptSize1: i32, keptSize2: i32, keptStep0: i32, keptStep1: i32, keptStep2: i32,
  size0: i32, size1: i32, size2: i32, step0: i32, step1: i32, step2: i32,
): void {
  for (let k0: i32 = 0; k0 < keptSize0; k0++) {
    for (let k1: i32 = 0; k1 < keptSize1; k1++) {
      for (let k2: i32 = 0; k2 < keptSize2; k2++) {
        const source: usize = input + <usize>(k0 * keptStep0 + k1 * keptStep1 + k2 * keptStep2);
        store<i8>(output, largestReduced(source, size0, size1, size2, step0, step1, step2));
        output += 1;
      }
    }
  }
}
