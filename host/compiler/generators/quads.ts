/**
 * Writes the fully connected kernel for few outputs as AssemblyScript: input by input as `columns.ts`, four outputs at a
 * time in 32 bits.
 *
 * Four weights, u = w + 128, come in one word of four bytes, W = u₀ + 2⁸u₁ + 2¹⁶u₂ + 2²⁴u₃. With sums
 * s_j = Σ x·(W >>> 8j), which need no mask, Σ x·u_j = s_j − 2⁸·s_{j+1} and Σ x·u₃ = s₃, all modulo 2³²: what TensorFlow
 * Lite's own sums are. So this is exact for any weights and any number of inputs, and takes no more flash than the
 * weights do. 128·Σ x comes off at the end. An input at its zero point is left out for three opcodes.
 *
 * Lanes of 32 bits in an i64 would be as many instructions; lanes of 21 bits (`columns.ts`) take twice the flash where
 * a word is half empty, and cannot hold the sums of thousands of inputs.
 */

/** Inputs whose test is unrolled: with few outputs, stepping on would cost as much as the test. */
const unrolled = 8;

/** Name of the generated file. */
export const quadsName = "quads";

/** Bytes of the tile beside columns: four sums, then bias, multiplier and shift of four outputs. */
export const quadsTailBytes = 16 + 4 * 12;

const tap = (index: number) => `      v = load<i8>(x, ${index});
      if (v != zeroPoint) {
        v -= zeroPoint;
        total += v;
        w = load<u32>(t, ${index * 4});
        s0 += v * w;
        s1 += v * (w >> 8);
        s2 += v * (w >> 16);
        s3 += v * (w >> 24);
      }`;

/** The file's text. Its one function is called by `compiler/quads.ts`, which names the arguments. */
export function quadsSource(): string {
  return `/**
 * Fully connected, one vector, four outputs at a time.
 * Made by Wamlet (host/compiler/generators/quads.ts), which says how it works and why it is exact.
 */
import { clamp, multiplyByQuantizedMultiplier } from "../arithmetic";
import { fetchWeights } from "../weights";

export function ${quadsName}(
  input: usize, output: usize, weights: i32, tile: usize, depth: i32, chunk: i32, outputs: i32, zeroPoint: i32,
  outputZeroPoint: i32, minimum: i32, maximum: i32,
): void {
  const inputEnd: usize = input + depth;
  const outputEnd: usize = output + outputs;
  while (true) {
    let s0: i32 = 0;
    let s1: i32 = 0;
    let s2: i32 = 0;
    let s3: i32 = 0;
    let total: i32 = 0;
    let v: i32;
    let w: u32;
    let x: usize = input;
    do {
      const count: i32 = min<i32>(chunk, <i32>(inputEnd - x));
      fetchWeights(tile, weights, count * 4);
      weights += count * 4;
      let t: usize = tile;
      let end: usize = x + (count & ${-unrolled});
      while (x < end) {
${Array.from({ length: unrolled }, (_, index) => tap(index))
  .join("\n")
  .replace(/^/gm, "  ")}
        x += ${unrolled};
        t += ${unrolled * 4};
      }
      end += count & ${unrolled - 1};
      while (x < end) {
${tap(0).replace(/^/gm, "  ")}
        x += 1;
        t += 4;
      }
    } while (x < inputEnd);
    total <<= 7;
    store<i32>(tile, s0 - (s1 << 8) - total);
    store<i32>(tile, s1 - (s2 << 8) - total, 4);
    store<i32>(tile, s2 - (s3 << 8) - total, 8);
    store<i32>(tile, s3 - total, 12);
    fetchWeights(tile + 16, weights, 48);
    weights += 48;
    let sum: usize = tile;
    let c: usize = tile + 16;
    do {
      const shift: i32 = load<i32>(c, 8);
      const scaled: i32 = multiplyByQuantizedMultiplier(
        load<i32>(sum) + load<i32>(c), load<i32>(c, 4), max<i32>(shift, 0), max<i32>(-shift, 0));
      store<i8>(output, clamp(scaled + outputZeroPoint, minimum, maximum));
      output += 1;
      if (output == outputEnd) return;
      sum += 4;
      c += 12;
    } while (sum < tile + 16);
  }
}
`;
}
