/**
 * Keeping the register's lower lanes from borrowing at the price of one addition for every third column, not for every
 * output.
 *
 * What lies below the top lane may be negative; the shift that takes the top lane out then gives one too few. Adding a
 * constant to every sum in every row would prevent it. Now each output uses exactly one of every `width` neighbouring
 * pixels, so it is enough to add a q to those: an output whose lifted pixel is its tap t gets q·W_t in every row, and
 *     lift_t = lift_t · 2^lane + q·W_t,  so  lift_t = q·W_t / (1 − 2^lane)  (mod 2⁶⁴)
 * once it is steady, which it is from the first row on if the sum begins with lift_t. (1 − x)(1 + x + x²) = 1 − x³ makes
 * the quotient a product with 1 + 2²² + 2⁴⁴ for three lanes and 1 + 2³² for two.
 *
 * With the sum V·2^top + L, |L| < B, the word is V·2^top + L + lift_t. If lift_t mod 2^top lies in [B, 2^top − B), L
 * never borrows and never carries: (word >> top) = V + h_t with h_t = lift_t >> top, provided V + h_t fits the bits
 * above. k − h_t·m takes h_t off again. A q with which that holds for all taps of a channel is searched on the host: about
 * one of four does, unless a column's weights are all zero but the last, where none can.
 */

/** Bits between lanes: what leaves the top lane of two or three must leave the word. */
export function laneBits({ height }: { readonly height: number }): number {
  return height === 3 ? 22 : 32;
}

/** 1 / (1 − 2^lane) modulo 2⁶⁴. */
export function liftFactor(lane: number): bigint {
  const step = 1n << BigInt(lane);
  return BigInt.asUintN(64, 1n + step + step * step);
}

/** q is a multiple of it: 2⁶⁴ divided by the golden ratio, whose multiples are spread evenly. */
export const liftUnit = BigInt.asIntN(64, 0x9e3779b97f4a7c15n);
/** A record has a byte for the factor. */
const mostFactor = 255n;

/**
 * The factor of a q that keeps the lanes of one channel apart, 1 to 255, or null.
 * @param weights of one channel, i8[height · width]
 */
export function findLift(weights: Int8Array, height: number, width: number): number | null {
  const lane = laneBits({ height });
  const top = BigInt((height - 1) * lane);
  const most = BigInt(128 * weights.reduce((sum, weight) => sum + Math.abs(weight), 0)) + 1n;
  // Lanes below the top one, each at most `most`.
  let below = 0n;
  for (let row = 0; row < height - 1; row++) below += most << BigInt(row * lane);
  const words = Array.from({ length: width }, (_, kx) => {
    let word = 0n;
    for (let ky = 0; ky < height; ky++) word += BigInt(weights[ky * width + kx] ?? 0) << BigInt(ky * lane);
    return word;
  });
  const room = (1n << (63n - top)) - most;
  const fits = (q: bigint) =>
    words.every((word) => {
      const lift = BigInt.asIntN(64, q * word * liftFactor(lane));
      const low = BigInt.asUintN(Number(top), lift);
      const high = lift >> top;
      return low >= below && low < (1n << top) - below && high >= -room && high < room;
    });
  for (let factor = 1n; factor <= mostFactor; factor++) {
    if (fits(factor * liftUnit)) return Number(factor);
  }
  return null;
}
