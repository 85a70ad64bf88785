/**
 * Writes the three-lane convolution kernel for tiles of P pixels × Q words as AssemblyScript.
 *
 * Under WAMR's fast interpreter an i64 multiplication costs what an i32 one does, so int8 weights of three output
 * channels share one word, W = w₀ + w₁·2²¹ + w₂·2⁴², and `sum += x·W` is three MACs for two opcodes. A tile keeps its
 * P·Q sums in locals: each x is loaded once for Q words and each W once for P pixels.
 *
 * Lanes start at 2²⁰ and end in [0, 2²¹), which `lane_constants.ts` proves for the layer's weights before this form is
 * offered; they then come out by shift and mask, exact whatever their neighbours hold. On the way they may overflow
 * into each other: the word is right modulo 2⁶⁴.
 *
 * Tried and rejected: pixels in the lanes (activations would have to be packed), 16-bit lanes in i32 (two MACs and
 * spills), sums in memory, and the requantisation unrolled over words (twice the code, which is RAM, for 2 %).
 */

/** What a kernel is specialised for; layers with the same share it. */
export interface LanesKernel {
  readonly pixels: number;
  readonly words: number;
  /** Segments after each of which the sums are moved out, because a whole window would overflow a lane; 1: none. */
  readonly parts: number;
  /** Whether the clamp cuts everything below the output's zero point: one rounding then does. */
  readonly rectified: boolean;
}

/** Bits between lanes. */
export const laneBits = 21;
/** What each lane starts with, so that it does not end below zero. */
export const laneBias = 1 << 20;

/** The bias in all three lanes. */
export const startSum = `0x${((1n << 20n) | (1n << 41n) | (1n << 62n)).toString(16)}`;

/** Beyond this many cells of a frame (an i64 takes two) WAMR spends an opcode on every `local.set`. */
const mostCells = 256;
/** Parameters, pointers and what Binaryen adds. */
const otherCells = 44;

/** Whether the tile's locals stay where they cost nothing. */
export function fitsFrame(pixels: number, words: number): boolean {
  return 2 * pixels * words + 4 * pixels + otherCells <= mostCells;
}

/** Name of the generated file. */
export function lanesName({ pixels, words, parts, rectified }: LanesKernel): string {
  return `lanes_${pixels}x${words}${parts > 1 ? `_in_${parts}` : ""}${rectified ? "_relu" : ""}`;
}

/** Bytes of one channel's constants: k i64, m i32, e i32 and, with two roundings, r i64 (`lane_constants.ts`). */
export function constantBytes(kernel: Pick<LanesKernel, "rectified">): number {
  return kernel.rectified ? 16 : 24;
}

const each = <T>(count: number, make: (index: number) => T): T[] =>
  Array.from({ length: count }, (_, i) => make(i));
const indent = (lines: readonly string[], by: number) =>
  lines.map((line) => " ".repeat(by) + line).join("\n");

/** The file's text. Its one function is called by `compiler/lanes.ts`, which names the arguments. */
export function lanesSource(kernel: LanesKernel): string {
  const { pixels: P, words: Q, parts } = kernel;
  const channels = Q * 3;
  const constants = channels * constantBytes(kernel);
  const names = each(Q, (q) => each(P, (p) => `s${p}_${q}`)).flat();
  const storeSums = names.map((name, index) => `store<i64>(at, ${name}, ${index * 8});`);
  const taps = [
    ...each(P, (p) => `const v${p}: i64 = load<i8>(x${p});`),
    ...each(Q, (q) => [`w = load<i64>(t, ${q * 8});`, ...each(P, (p) => `s${p}_${q} += v${p} * w;`)]).flat(),
    ...each(P, (p) => `x${p} += 1;`),
  ];
  const moveOut = [...storeSums, ...names.map((name) => `${name} = ${startSum};`), `at += ${P * Q * 8};`];
  return `/**
 * Three-lane convolution in tiles of ${P} pixels × ${channels} channels.
 * Made by Wamlet (host/compiler/generators/lanes.ts), which says how it works and why it is exact.
 */
import { clamp } from "../arithmetic";
import { expandLanes, gatherRows } from "../kernels/lanes";
import { fetchWeights } from "../weights";

export function ${lanesName(kernel)}(
  input: usize, output: usize, weights: i32, tile: usize, sums: usize, rows: i32, columns: i32, rowStep: i32,
  pixelStep: i32, segments: i32, segment: i32, pitch: i32, outputChannels: i32, minimum: i32, maximum: i32,
  buffer: usize, copyBytes: i32, start: i32, inputHeight: i32, rowBytes: i32, stride: i32, padTop: i32, dilation: i32,
  zeroPoint: i32,
): void {
  const depth: i32 = segments * segment;
  const weightBytes: i32 = depth * ${channels};
  const constants: usize = tile + <usize>(depth * ${Q * 8});
  const skip: usize = pitch - segment;
  let channel: i32 = 0;
  if (copyBytes) memory.fill(buffer, <u8>zeroPoint, segments * pitch);
  while (true) {
    fetchWeights(constants - weightBytes, weights, weightBytes + ${constants});
    weights += weightBytes + ${constants};
    expandLanes(tile, constants - weightBytes, depth * ${Q});
    let row: usize = input;
    let rowOut: usize = output + channel;
    for (let y: i32 = 0; y < rows; y++) {
      if (copyBytes) {
        const first: i32 = y * stride - padTop;
        gatherRows(input, buffer, segments, pitch, first, dilation, inputHeight, rowBytes, copyBytes, start, zeroPoint);
        row = buffer;
      }
      let column: i32 = 0;
      while (true) {
        let x0: usize = row + <usize>(column * pixelStep);
${indent(
  each(P - 1, (p) => `let x${p + 1}: usize = x${p} + pixelStep;`),
  8,
)}
        let t: usize = tile;
        let at: usize = sums;
        let w: i64;
${indent(
  names.map((name) => `let ${name}: i64 = ${startSum};`),
  8,
)}
        for (let part: i32 = 0; part < segments; part++) {
          const end: usize = x0 + segment;
          do {
${indent(taps, 12)}
            t += ${Q * 8};
          } while (x0 < end);
${parts > 1 ? `${indent(moveOut, 10)}\n` : ""}${indent(
  each(P, (p) => `x${p} += skip;`),
  10,
)}
        }
${parts > 1 ? "" : `${indent(storeSums, 8)}\n`}${indent(finish(kernel), 8)}
        // The last tile of a row steps back where ${P} do not divide the row: some pixels are computed twice.
        if (column == columns - ${P}) break;
        column = min<i32>(column + ${P}, columns - ${P});
      }
      row += rowStep;
      rowOut += columns * outputChannels;
    }
    // So does the last block of channels.
    if (channel == outputChannels - ${channels}) break;
    channel = min<i32>(channel + ${channels}, outputChannels - ${channels});
  }
}
`;
}

/** From sums in memory to clamped bytes, a word of three channels at a time. */
function finish(kernel: LanesKernel): string[] {
  const { pixels: P, words: Q, parts } = kernel;
  const bytes = constantBytes(kernel);
  const lane = (word: string, index: number) =>
    index === 0
      ? `(${word} & 0x1fffff)`
      : index === 1
        ? `((${word} >>> ${laneBits}) & 0x1fffff)`
        : `(${word} >>> ${2 * laneBits})`;
  const value = (p: number, index: number) => each(parts, (part) => lane(`b${p}_${part}`, index)).join(" + ");
  const requantise = (p: number, index: number) =>
    kernel.rectified
      ? [`const y${p}_${index}: i32 = <i32>(((${value(p, index)}) * m${index} + k${index}) >> e${index});`]
      : [
          `const t${p}_${index}: i64 = ((${value(p, index)}) * m${index} + k${index}) >> 31;`,
          `const y${p}_${index}: i32 = <i32>((t${p}_${index} + r${index} + (t${p}_${index} >> 63)) >> e${index});`,
        ];
  return [
    "let c: usize = constants;",
    "let a: usize = sums;",
    "let o0: usize = rowOut + <usize>(column * outputChannels);",
    ...each(P - 1, (p) => `let o${p + 1}: usize = o${p} + outputChannels;`),
    "do {",
    ...each(P, (p) =>
      each(parts, (part) => `  const b${p}_${part}: i64 = load<i64>(a, ${(part * P * Q + p) * 8});`),
    ).flat(),
    ...each(3, (index) => [
      `  const k${index}: i64 = load<i64>(c, ${index * bytes});`,
      `  const m${index}: i64 = load<i32>(c, ${index * bytes + 8});`,
      `  const e${index}: i64 = load<i32>(c, ${index * bytes + 12});`,
      ...(kernel.rectified ? [] : [`  const r${index}: i64 = load<i64>(c, ${index * bytes + 16});`]),
      ...each(P, (p) => [
        ...requantise(p, index).map((line) => `  ${line}`),
        `  store<i8>(o${p}, clamp(y${p}_${index}, minimum, maximum), ${index});`,
      ]).flat(),
    ]).flat(),
    ...each(P, (p) => `  o${p} += 3;`),
    `  a += ${P * 8};`,
    `  c += ${3 * bytes};`,
    `} while (c < constants + ${Q * 3 * bytes});`,
  ];
}
