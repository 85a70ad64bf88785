/**
 * What the generated three-lane kernels share: weights become words of three lanes, and rows get their padding.
 */

/**
 * `words` words W = w₀ + w₁·2²¹ + w₂·2⁴² from triples of int8 weights. `source` may be the last bytes of `target`:
 * a word of eight bytes replaces three, so writing never overtakes reading.
 */
export function expandLanes(target: usize, source: usize, words: i32): void {
  const end: usize = target + <usize>(words * 8);
  while (target < end) {
    const first: i64 = load<i8>(source);
    const second: i64 = load<i8>(source, 1);
    const third: i64 = load<i8>(source, 2);
    store<i64>(target, first + (second << 21) + (third << 42));
    source += 3;
    target += 8;
  }
}

/**
 * The image rows under one row of windows, into `rows` rows of `pitch` bytes with padding at both ends: `start` is where
 * a row's first byte goes; the margins hold the padding value already. A row outside the image is padding throughout.
 */
export function gatherRows(
  input: usize, buffer: usize, rows: i32, pitch: i32, first: i32, dilation: i32, inputHeight: i32, rowBytes: i32,
  copyBytes: i32, start: i32, zeroPoint: i32,
): void {
  let target: usize = buffer + start;
  for (let row: i32 = 0; row < rows; row++) {
    if (<u32>first < <u32>inputHeight) memory.copy(target, input + <usize>(first * rowBytes), copyBytes);
    else memory.fill(target, <u8>zeroPoint, copyBytes);
    first += dilation;
    target += pitch;
  }
}
