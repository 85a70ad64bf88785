/**
 * PAD, plain reference form for 8-bit elements: the output is filled with the padding value, then the input is
 * copied in by runs. The compiler joins dimensions without padding, so a run is as long as can be.
 */

/**
 * input [size0, size1, size2, size3, run] is copied to output, whose first element of it lies at `start`;
 * `step0`…`step3` are the output's distances in bytes between neighbours of each dimension.
 */
export function pad(
  input: usize, output: usize, outputBytes: i32, value: i32, start: i32,
  size0: i32, size1: i32, size2: i32, size3: i32, run: i32, step0: i32, step1: i32, step2: i32, step3: i32,
): void {
  memory.fill(output, <u8>value, outputBytes);
  for (let i0: i32 = 0; i0 < size0; i0++) {
    for (let i1: i32 = 0; i1 < size1; i1++) {
      for (let i2: i32 = 0; i2 < size2; i2++) {
        let target: usize = output + <usize>(start + i0 * step0 + i1 * step1 + i2 * step2);
        for (let i3: i32 = 0; i3 < size3; i3++) {
          memory.copy(target, input, run);
          input += run;
          target += step3;
        }
      }
    }
  }
}
