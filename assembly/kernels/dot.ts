/**
 * The inner loop of every multiply-accumulate kernel: int8 · int8 into int32. Unrolled by four because under an
 * interpreter the two pointer steps, the comparison and the branch cost as much as a whole product.
 */

/** sum + Σ x[i]·w[i] for i < count. */
// @ts-ignore: decorator
@inline
export function dot(x: usize, w: usize, count: i32, sum: i32): i32 {
  let end: usize = x + <usize>(count & ~3);
  while (x < end) {
    sum += <i32>load<i8>(x) * <i32>load<i8>(w);
    sum += <i32>load<i8>(x, 1) * <i32>load<i8>(w, 1);
    sum += <i32>load<i8>(x, 2) * <i32>load<i8>(w, 2);
    sum += <i32>load<i8>(x, 3) * <i32>load<i8>(w, 3);
    x += 4;
    w += 4;
  }
  end = x + <usize>(count & 3);
  while (x < end) {
    sum += <i32>load<i8>(x) * <i32>load<i8>(w);
    x += 1;
    w += 1;
  }
  return sum;
}

/** Σ w[i] for i < count. */
// @ts-ignore: decorator
@inline
export function sumOf(w: usize, count: i32): i32 {
  let sum: i32 = 0;
  const end: usize = w + <usize>count;
  while (w < end) {
    sum += <i32>load<i8>(w);
    w += 1;
  }
  return sum;
}
