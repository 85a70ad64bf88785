/**
 * The last step of a three-lane tile: from sums to clamped bytes, from memory a word of three channels at a time, or in
 * straight code from the sums' locals.
 *
 * It is a quarter of a pointwise layer's opcodes. Half of a rectifier's outputs are at the clamp's minimum, which is there
 * already: one comparison takes the place of requantising, clamping and storing them. Where lanes begin so that they end at
 * 2²⁰ or above for all others, it compares the lane (`gated`); else the value before the shift, which all channels share
 * with one rounding. With two roundings the clamp is one load from a table where RAM allows
 * (`assembly/kernels/clamp_table.ts`), else two comparisons and two selects.
 *
 * Tried and rejected: clamping three lanes at once in their word (masks from a guard bit; as many opcodes as the
 * selects), gathering bytes for one wide store (a shift and an or cost more than a store).
 */

import type { LaneConstants } from "../lane_constants.js";
import { laneBits } from "./lane_words.js";
import { each } from "./lines.js";

export interface LaneEpilogue {
  readonly pixels: number;
  readonly words: number;
  /** Words of partial sums per tile word, one of each segment; 1: the whole sum in one. */
  readonly parts: number;
  /** Whether the clamp cuts everything below the output's zero point: one rounding then does. */
  readonly rectified: boolean;
  /** Whether the clamp is a table; only where it does not rectify. */
  readonly table: boolean;
  /** Whether lanes end at 2²⁰ or above just where an output is above a rectifier's minimum. */
  readonly gated: boolean;
  /** Whether the last word steps back, because its channels do not fill it. */
  readonly overlap: boolean;
  /** Output channels, where the kernel knows them. */
  readonly pixelBytes: number | null;
  /**
   * Whether the sums are taken from their locals, word by word in straight code: no store and load for each, but code for
   * each. One part and known output channels only, and no comparisons with both ends of a clamp.
   */
  readonly direct?: boolean;
  /** Whether words are expanded by four, where that many divide them. */
  readonly byFour?: boolean;
  /** Each channel's constants, where they are literals in the code of a kernel that is made for one layer (`direct`). */
  readonly literals?: readonly LaneConstants[];
}

/** What a kernel's name says of its last step. */
export function epilogueNames(kernel: LaneEpilogue): string[] {
  const { overlap, rectified, table, gated, direct, byFour } = kernel;
  const names = { overlap, relu: rectified, table, gated, direct, by_four: byFour };
  return Object.entries(names).flatMap(([name, holds]) => (holds ? [name] : []));
}

/** The function that expands weights, of `assembly/kernels/lanes.ts`. */
export const expander = ({ byFour }: LaneEpilogue): string => (byFour ? "expandLanesByFour" : "expandLanes");

/** Bytes of one channel's constants: k i64 and m i64; with two roundings k i64, m i32, e i32 and r i64. */
export function recordBytes({ rectified }: Pick<LaneEpilogue, "rectified">): number {
  return rectified ? 16 : 24;
}

function lane(word: string, index: number): string {
  if (index === 0) return `(${word} & 0x1fffff)`;
  return index === 1 ? `((${word} >>> ${laneBits}) & 0x1fffff)` : `(${word} >>> ${2 * laneBits})`;
}

/** Whether a gated lane ends at 2²⁰ or above; the top one tells before it is taken out. */
function reached(word: string, index: number, value: string): string {
  return index === 2 ? `${word} >= 0x4000000000000000` : `${value} >= 0x100000`;
}

/** Where a word's channels begin, and which of its lanes no word before it has done. */
function wordLanes({ words: Q, overlap, pixelBytes }: LaneEpilogue, word: number) {
  const start = overlap ? Math.min(3 * word, (pixelBytes ?? 3 * Q) - 3) : 3 * word;
  return { start, lanes: [0, 1, 2].filter((index) => start + index >= 3 * word) };
}

/** What the clamp needs of the call, as parameters; `lane_tiles.ts` gives the arguments. */
export function clampParameters({ rectified, table }: Pick<LaneEpilogue, "rectified" | "table">): string {
  if (rectified) return "minimum: i32, maximum: i32, shift: i64,";
  return table ? "table: usize," : "minimum: i32, maximum: i32,";
}

/**
 * From the words of a sum, one for each part, to a lane's byte.
 * @param suffix of the channel's constants k, m, e and r
 * @param to the arguments of the store behind its value: pointer and offset
 */
function finish(
  kernel: LaneEpilogue,
  suffix: string,
  pixel: number,
  words: readonly string[],
  index: number,
  to: readonly [string, number],
): string[] {
  const { rectified, gated, table } = kernel;
  const sum = words.map((word) => lane(word, index)).join(" + ");
  const t = `t${pixel}_${suffix}`;
  const store = (value: string) => `store<u8>(${to[0]}, ${value}, ${to[1]});`;
  const product = `(${sum}) * m${suffix} + k${suffix}`;
  const rectify = (value: string) => store(`min<i32>(<i32>((${value}) >> shift), maximum)`);
  if (gated) {
    const [word = ""] = words;
    if (index === 2) return [`if (${reached(word, index, "")}) ${rectify(product)}`];
    return [
      `const ${t}: i64 = ${sum};`,
      `if (${reached(word, index, t)}) ${rectify(`${t} * m${suffix} + k${suffix}`)}`,
    ];
  }
  if (rectified) {
    return [`const ${t}: i64 = ${product};`, `if (${t} >= bound) ${rectify(t)}`];
  }
  const value = `<i32>((${t} + r${suffix} + (${t} >> 63)) >> e${suffix})`;
  return [
    `const ${t}: i64 = (${product}) >> 31;`,
    store(table ? `load<u8>(table + <usize>(${value}))` : `clamp(${value}, minimum, maximum)`),
  ];
}

/** A channel's constants as literals, which cost an opcode nothing. */
function literalLines({ rectified }: LaneEpilogue, suffix: string, { k, m, e, r }: LaneConstants): string[] {
  const constants = rectified ? { k, m } : { k, m, e, r };
  return Object.entries(constants).map(([name, value]) => `const ${name}${suffix}: i64 = ${value};`);
}

/** A channel's constants into locals. @param at where its record lies, as an expression and an offset */
function constantLines({ rectified }: LaneEpilogue, suffix: string, at: readonly [string, number]): string[] {
  const load = (type: string, offset: number) => `load<${type}>(${at[0]}, ${at[1] + offset});`;
  return [
    `const k${suffix}: i64 = ${load("i64", 0)}`,
    ...(rectified
      ? [`const m${suffix}: i64 = ${load("i64", 8)}`]
      : [
          `const m${suffix}: i64 = ${load("i32", 8)}`,
          `const e${suffix}: i64 = ${load("i32", 12)}`,
          `const r${suffix}: i64 = ${load("i64", 16)}`,
        ]),
  ];
}

/** Lines for the kernel's start: what `finish` compares with, what one above the minimum has at least before the shift. */
export function boundLines({ rectified, gated }: LaneEpilogue): string[] {
  return rectified && !gated ? ["const bound: i64 = <i64>(minimum + 1) << shift;"] : [];
}

/**
 * What a rectifier's outputs are before any is computed, the clamp's minimum. Row by row or tile by tile, not all at once:
 * the rest may be input still.
 */
export function fillLines({ rectified }: LaneEpilogue, to: string, bytes: string): string[] {
  return rectified ? [`memory.fill(${to}, <u8>minimum, ${bytes});`] : [];
}

/** The same from locals `s<pixel>_<word>`, with all distances known. */
function directLines(kernel: LaneEpilogue): string[] {
  const { pixels: P, words: Q, pixelBytes, literals } = kernel;
  return each(Q, (q) => {
    const { start, lanes } = wordLanes(kernel, q);
    return lanes.flatMap((index) => {
      const suffix = `${q}_${index}`;
      const literal = literals?.[start + index];
      const to = (p: number) => ["o0", p * (pixelBytes ?? 0) + start + index] as const;
      return [
        ...(literal
          ? literalLines(kernel, suffix, literal)
          : constantLines(kernel, suffix, ["constants", (3 * q + index) * recordBytes(kernel)])),
        ...each(P, (p) => finish(kernel, suffix, p, [`s${p}_${q}`], index, to(p))).flat(),
      ];
    });
  }).flat();
}

/** Lines that read `constants`, `sums` and `o0` (and move it on), and the clamp's parameters. */
export function epilogueLines(kernel: LaneEpilogue): string[] {
  if (kernel.direct) return directLines(kernel);
  const { pixels: P, words: Q, parts, overlap, pixelBytes } = kernel;
  const bytes = recordBytes(kernel);
  const sums = (p: number) => each(parts, (part) => `b${p}_${part}`);
  const to = (p: number, index: number) =>
    pixelBytes === null ? ([`o${p}`, index] as const) : (["o0", p * pixelBytes + index] as const);
  const outputs = pixelBytes === null ? P : 1;
  const step = overlap ? "step" : "3";
  return [
    "let c: usize = constants;",
    "let a: usize = sums;",
    ...(pixelBytes === null
      ? each(P - 1, (p) => `let o${p + 1}: usize = o${p} + <usize>outputChannels;`)
      : []),
    ...(overlap ? [`const last: usize = o0 + <usize>(outputChannels - 3);`] : []),
    "do {",
    ...each(P, (p) =>
      each(parts, (part) => `  const b${p}_${part}: i64 = load<i64>(a, ${(part * P * Q + p) * 8});`),
    ).flat(),
    ...each(3, (index) =>
      [
        ...constantLines(kernel, `${index}`, ["c", index * bytes]),
        ...each(P, (p) => finish(kernel, `${index}`, p, sums(p), index, to(p, index))).flat(),
      ].map((line) => `  ${line}`),
    ).flat(),
    ...(overlap ? ["  const step: usize = min<usize>(3, last - o0);"] : []),
    ...each(outputs, (p) => `  o${p} += ${step};`),
    `  a += ${P * 8};`,
    `  c += ${3 * bytes};`,
    `} while (c < constants + ${Q * 3 * bytes});`,
  ];
}

/** The share of a rectifier's outputs that are taken to be at the clamp's minimum. */
const assumedAtMinimum = 0.5;

/** Opcodes from a lane's sum to its byte. */
function finishOpcodes({ rectified, gated, table }: LaneEpilogue): number {
  const left = 1 - assumedAtMinimum;
  // A comparison, and of what is left product, k, shift, wrap, the upper end and the store.
  if (gated) return 2 + left * 7;
  // Product and k; then the comparison, or a second rounding.
  return rectified ? 4 + left * 5 : 7 + (table ? 2 : 5);
}

/** Opcodes of the lines, a tile. */
export function epilogueOpcodes(kernel: LaneEpilogue): number {
  const { pixels: P, words: Q, parts, rectified, gated, overlap, pixelBytes } = kernel;
  const outputs = pixelBytes === null ? P : 1;
  const constants = kernel.literals ? 0 : rectified ? 2 : 4;
  const finished = finishOpcodes(kernel);
  // The top lane of gated ones is taken out only where it is needed.
  const laneOpcodes = gated ? 1 + (1 - assumedAtMinimum) / 3 : 4 / 3;
  if (kernel.direct) {
    const channels = each(Q, (q) => wordLanes(kernel, q).lanes.length).reduce((sum, lanes) => sum + lanes, 0);
    return channels * (constants + P * (laneOpcodes + finished));
  }
  const perOutput = laneOpcodes * parts + (parts - 1) + finished;
  const perWord = P * parts + 3 * constants + 3 * P * perOutput + outputs + (overlap ? 3 : 0) + 4;
  return Q * perWord + outputs + (overlap ? 1 : 0) + 2;
}

/** Bytes of the lines' code, estimated. */
export function epilogueCodeBytes(kernel: LaneEpilogue): number {
  const { pixels: P, words: Q, parts, rectified, table, direct } = kernel;
  const finished = 25 + (rectified ? 14 : table ? 12 : 28);
  // Distances and names of locals beyond 127 take two bytes and more.
  if (direct) return 3 * Q * ((rectified ? 12 : 24) + P * (finished + 16));
  return 60 + P * 9 * parts + 3 * (rectified ? 22 : 44) + 3 * P * (finished + 10 * parts);
}
