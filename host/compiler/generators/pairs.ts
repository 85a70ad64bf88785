/**
 * Writes the fully connected kernel for a single input vector as AssemblyScript.
 *
 * Each weight is used once, so expanding it to a lane in RAM, as the convolutions do, would cost more than the product.
 * Instead a word comes from flash with six weights: in each of its three lanes of 21 bits two bytes, u = w + 128,
 *     word = Σ_l (u_l + u′_l·2⁸)·2^(21·l),   A = word & M,   B = (word >> 8) & M,   M = 0xff in each lane
 * and A, B are words of three lanes as in `lanes.ts`: load, two masks, a shift, two products and two sums are six MACs
 * for eight opcodes, at four thirds of the weights' bytes.
 *
 * The 128 is taken off at once for a whole vector: A = W + C with C = 128·(1 + 2²¹ + 2⁴²), so Σ x·A = Σ x·W + C·Σ x
 * modulo 2⁶⁴, and the sums start at the lanes' bias − C·Σ x. What the lanes hold at the end is then exactly what
 * `lane_constants.ts` proved of the signed weights.
 *
 * Tried on paper and rejected: lanes packed in flash (eight bytes for three weights), two lanes of 32 bits (2.1 opcodes
 * a MAC).
 */
import { constantBytes, startSum } from "./lanes.js";

export interface PairsKernel {
  /** Words of six outputs that are summed up at once. */
  readonly words: number;
  /** As in `lanes.ts`. */
  readonly rectified: boolean;
}

/** Taps that are brought in at once: a tile of 8 · words bytes each. */
export const chunkTaps = 16;

/** Name of the generated file. */
export function pairsName({ words, rectified }: PairsKernel): string {
  return `pairs_${words}${rectified ? "_relu" : ""}`;
}

const each = <T>(count: number, make: (index: number) => T): T[] =>
  Array.from({ length: count }, (_, i) => make(i));
const indent = (lines: readonly string[], by: number) =>
  lines.map((line) => " ".repeat(by) + line).join("\n");

const laneMask = `0x${((0xffn << 42n) | (0xffn << 21n) | 0xffn).toString(16)}`;
const offsets = `0x${((128n << 42n) | (128n << 21n) | 128n).toString(16)}`;

/** The file's text. Its one function is called by `compiler/pairs.ts`, which names the arguments. */
export function pairsSource(kernel: PairsKernel): string {
  const { words: Q, rectified } = kernel;
  const outputs = Q * 6;
  const bytes = constantBytes(kernel);
  const names = each(Q, (q) => [`a${q}`, `b${q}`]).flat();
  const taps = each(Q, (q) => [
    `w = load<i64>(t, ${q * 8});`,
    `a${q} += v * (w & ${laneMask});`,
    `b${q} += v * ((w >>> 8) & ${laneMask});`,
  ]).flat();
  const lane = (index: number) =>
    index === 0 ? "(s & 0x1fffff)" : index === 1 ? "((s >>> 21) & 0x1fffff)" : "(s >>> 42)";
  const finish = each(3, (index) => {
    const at = index * bytes;
    const product = `${lane(index)} * <i64>load<i32>(c, ${at + 8}) + load<i64>(c, ${at})`;
    const value = rectified
      ? [`const y${index}: i32 = <i32>((${product}) >> <i64>load<i32>(c, ${at + 12}));`]
      : [
          `const t${index}: i64 = (${product}) >> 31;`,
          `const y${index}: i32 = <i32>((t${index} + load<i64>(c, ${at + 16}) + (t${index} >> 63)) >> <i64>load<i32>(c, ${at + 12}));`,
        ];
    return [...value, `store<i8>(o, clamp(y${index}, minimum, maximum), ${index});`];
  }).flat();
  return `/**
 * Fully connected, one vector, ${outputs} outputs at a time.
 * Made by Wamlet (host/compiler/generators/pairs.ts), which says how it works and why it is exact.
 */
import { clamp } from "../arithmetic";
import { fetchWeights } from "../weights";

export function ${pairsName(kernel)}(
  input: usize, output: usize, weights: i32, tile: usize, sums: usize, depth: i32, outputs: i32,
  minimum: i32, maximum: i32,
): void {
  const inputEnd: usize = input + depth;
  let total: i64 = 0;
  for (let x: usize = input; x < inputEnd; x++) total += <i64>load<i8>(x);
  const start: i64 = ${startSum} - total * ${offsets};
  let channel: i32 = 0;
  while (true) {
${indent(
  names.map((name) => `let ${name}: i64 = start;`),
  4,
)}
    let x: usize = input;
    while (x < inputEnd) {
      const end: usize = min<usize>(x + ${chunkTaps}, inputEnd);
      const bytes: i32 = <i32>(end - x) * ${Q * 8};
      fetchWeights(tile, weights, bytes);
      weights += bytes;
      let t: usize = tile;
      let w: i64;
      do {
        const v: i64 = load<i8>(x);
${indent(taps, 8)}
        t += ${Q * 8};
        x += 1;
      } while (x < end);
    }
${indent(
  names.map((name, index) => `store<i64>(sums, ${name}, ${index * 8});`),
  4,
)}
    fetchWeights(tile, weights, ${outputs * bytes});
    weights += ${outputs * bytes};
    let o: usize = output + channel;
    let c: usize = tile;
    let at: usize = sums;
    do {
      const s: i64 = load<i64>(at);
${indent(finish, 6)}
      o += 3;
      c += ${3 * bytes};
      at += 8;
    } while (at < sums + ${Q * 16});
    // The last block steps back where ${outputs} do not divide the outputs.
    if (channel == outputs - ${outputs}) break;
    channel = min<i32>(channel + ${outputs}, outputs - ${outputs});
  }
}
`;
}
