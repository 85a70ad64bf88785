/**
 * TensorFlow Lite's table for int16 sigmoid and tanh (sigmoid_table_uint16 in kernels/internal/common.h):
 * 2¹⁶ · sigmoid(i / 24), 256 entries. It is not plainly rounded: where the interpolation between entries gains by
 * it, TensorFlow Lite's entry is one higher. Those entries are listed, for results must be its own bit for bit.
 */
const oneHigher: ReadonlySet<number> = new Set([
  4, 8, 12, 14, 15, 16, 17, 19, 20, 21, 22, 25, 27, 28, 29, 30, 31, 33, 34, 35, 37, 39, 40, 41, 43, 44, 45,
  46, 49, 50, 54, 62, 63, 64, 66, 82, 86, 93, 100, 103, 112, 116, 135, 255,
]);

/** The 256 entries, each a uint16. */
export const sigmoidTable: readonly number[] = Array.from(
  { length: 256 },
  (_, index) => Math.round(65536 / (1 + Math.exp(-index / 24))) + (oneHigher.has(index) ? 1 : 0),
);
