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
    expandWord(target, source, 0);
    source += 3;
    target += 8;
  }
}

/** The same for a number of words that four divides, at a quarter of the loop's cost. */
export function expandLanesByFour(target: usize, source: usize, words: i32): void {
  const end: usize = target + <usize>(words * 8);
  do {
    expandWord(target, source, 0);
    expandWord(target, source, 1);
    expandWord(target, source, 2);
    expandWord(target, source, 3);
    source += 12;
    target += 32;
  } while (target < end);
}

// @ts-ignore: decorator
@inline
function expandWord(target: usize, source: usize, index: usize): void {
  const first: i64 = load<i8>(source + index * 3);
  const second: i64 = load<i8>(source + index * 3, 1);
  const third: i64 = load<i8>(source + index * 3, 2);
  store<i64>(target + index * 8, first + (second << 21) + (third << 42));
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
