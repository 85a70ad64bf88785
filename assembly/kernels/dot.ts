/**
 * The inner loop of every multiply-accumulate kernel: int8 · int8 into int32, int16 · int8 into int64. Unrolled by
 * four because under an interpreter the two pointer steps, the comparison and the branch cost as much as a whole
 * product.
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

/**
 * sum + Σ x[i]·w[i] for i < count of int16 · int8 into int64. Products have 23 bits, so four of them add up in
 * 32 bits before the sum takes them in one step.
 */
// @ts-ignore: decorator
@inline
export function dotInt16(x: usize, w: usize, count: i32, sum: i64): i64 {
  let end: usize = w + <usize>(count & ~3);
  while (w < end) {
    let four: i32 = <i32>load<i16>(x) * <i32>load<i8>(w);
    four += <i32>load<i16>(x, 2) * <i32>load<i8>(w, 1);
    four += <i32>load<i16>(x, 4) * <i32>load<i8>(w, 2);
    four += <i32>load<i16>(x, 6) * <i32>load<i8>(w, 3);
    sum += <i64>four;
    x += 8;
    w += 4;
  }
  end = w + <usize>(count & 3);
  while (w < end) {
    sum += <i64>(<i32>load<i16>(x) * <i32>load<i8>(w));
    x += 2;
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
