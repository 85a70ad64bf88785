/**
 * What the generated three-lane kernels share: weights become words of three lanes, and an image gets its padding.
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
 * An image of `rows` × `rowBytes` into the middle of a larger one of `paddedRows` × `paddedRowBytes` filled with
 * `value`; `start` is where its first byte goes.
 */
export function padImage(
  input: usize, padded: usize, rows: i32, rowBytes: i32, copyBytes: i32, paddedRows: i32, paddedRowBytes: i32,
  start: i32, value: i32,
): void {
  memory.fill(padded, <u8>value, paddedRows * paddedRowBytes);
  let target: usize = padded + start;
  for (let row: i32 = 0; row < rows; row++) {
    memory.copy(target, input, copyBytes);
    input += rowBytes;
    target += paddedRowBytes;
  }
}
