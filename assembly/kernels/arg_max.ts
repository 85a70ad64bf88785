/** ARG_MAX and ARG_MIN, int8 → int32, plain reference form: of equal elements the first. */

/** input [outer, size, inner] → output [outer, inner]; `flip` is 0 for the largest, −1 for the smallest. */
export function argMax(input: usize, output: usize, outer: i32, size: i32, inner: i32, flip: i32): void {
  for (let row: i32 = 0; row < outer; row++) {
    for (let column: i32 = 0; column < inner; column++) {
      let at: usize = input + <usize>column;
      let largest: i32 = <i32>load<i8>(at) ^ flip;
      let index: i32 = 0;
      for (let i: i32 = 1; i < size; i++) {
        at += inner;
        const value: i32 = <i32>load<i8>(at) ^ flip;
        if (value > largest) {
          largest = value;
          index = i;
        }
      }
      store<i32>(output, index);
      output += 4;
    }
    input += <usize>(size * inner);
  }
}
