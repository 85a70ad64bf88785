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
 * A kernel made for one distance between pixels has it in its loads, where it costs nothing; one for any distance moves
 * a pointer per pixel, and more layers share it.
 *
 * Tried and rejected: pixels in the lanes (activations would have to be packed), 16-bit lanes in i32 (two MACs and
 * spills), sums in memory, and the requantisation unrolled over words (twice the code, which is RAM, for 2 %).
 */
import { epilogueCodeBytes, epilogueNames, recordBytes } from "./lane_epilogue.js";
import { each, indent } from "./lines.js";
import { type TileKernel, tileSource } from "./tile_loops.js";

/** What a kernel is specialised for; layers with the same share it. */
export interface LanesKernel extends TileKernel {
  /** Taps in a round of the innermost loop; divides a segment. */
  readonly unroll: number;
}

/** Beyond this many cells of a frame (an i64 takes two) WAMR spends an opcode on every `local.set`. */
const mostCells = 256;
/** Parameters, pointers and what Binaryen adds. */
const otherCells = 44;

/** Whether the tile's locals stay where they cost nothing. */
export function fitsFrame(pixels: number, words: number): boolean {
  return 2 * pixels * words + 4 * pixels + otherCells <= mostCells;
}

/** Name of the generated file. */
export function lanesName(kernel: LanesKernel): string {
  const { pixels, words, parts, unroll, pixelStep, pixelBytes } = kernel;
  return [
    `lanes_${pixels}x${words}`,
    unroll > 1 ? `by_${unroll}` : "",
    parts > 1 ? `in_${parts}` : "",
    pixelStep === null ? "" : `from_${pixelStep}_to_${pixelBytes}`,
    ...epilogueNames(kernel),
  ]
    .filter((part) => part !== "")
    .join("_");
}

/** Bytes of a block's constants: its channels' records, and what its sums begin with, or each word's own begin. */
export function blockConstantBytes(kernel: Pick<LanesKernel, "words" | "rectified" | "gated">): number {
  return kernel.words * 3 * recordBytes(kernel) + 8 * (kernel.gated ? kernel.words : 1);
}

/** Bytes of the kernel's code, estimated from what Binaryen makes of each line. */
export function lanesCodeBytes(kernel: LanesKernel): number {
  const { pixels: P, words: Q, parts, unroll, pixelStep } = kernel;
  const pointers = pixelStep === null ? P : 1;
  const tap = 9 * P * Q + 8 * (P + Q);
  return (
    20 +
    unroll * tap +
    pointers * 20 +
    P * Q * (parts > 1 ? 18 : kernel.direct ? 5 : 13) +
    epilogueCodeBytes(kernel)
  );
}

/** The file's text. Its one function is called by `compiler/lanes.ts`, which names the arguments. */
export function lanesSource(kernel: LanesKernel): string {
  const { pixels: P, words: Q, parts, unroll, pixelStep, gated, direct } = kernel;
  const constantBytes = blockConstantBytes(kernel);
  const names = each(Q, (q) => each(P, (p) => `s${p}_${q}`)).flat();
  const storeSums = names.map((name, index) => `store<i64>(at, ${name}, ${index * 8});`);
  const pointers = pixelStep === null ? P : 1;
  const taps = each(unroll, (tap) => [
    ...each(P, (p) =>
      pixelStep === null
        ? `v${p} = load<i8>(x${p}, ${tap});`
        : `v${p} = load<i8>(x0, ${p * pixelStep + tap});`,
    ),
    ...each(Q, (q) => [
      `w = load<i64>(t, ${(tap * Q + q) * 8});`,
      ...each(P, (p) => `s${p}_${q} += v${p} * w;`),
    ]).flat(),
  ]).flat();
  const ownBegin = each(Q, (q) => [
    `let s0_${q}: i64 = load<i64>(constants, ${Q * 3 * recordBytes(kernel) + q * 8});`,
    ...each(P - 1, (p) => `let s${p + 1}_${q}: i64 = s0_${q};`),
  ]).flat();
  const moveOut = [...storeSums, ...names.map((name) => `${name} = begin;`), `at += ${P * Q * 8};`];
  return tileSource(kernel, {
    name: lanesName(kernel),
    title: `Three-lane convolution in tiles of ${P} pixels × ${Q * 3} channels.`,
    generator: "lanes.ts",
    constantBytes,
    inPlace: false,
    // From memory, not a constant: ten bytes of code for every sum.
    block: gated ? [] : [`const begin: i64 = load<i64>(constants, ${constantBytes - 8});`],
    tile: [
      "let x0: usize = pixel;",
      ...each(pointers - 1, (p) => `let x${p + 1}: usize = x${p} + pixelStep;`),
      "let t: usize = tile;",
      "let at: usize = sums;",
      "let w: i64;",
      ...each(P, (p) => `let v${p}: i64;`),
      ...(gated ? ownBegin : names.map((name) => `let ${name}: i64 = begin;`)),
      "for (let part: i32 = 0; part < segments; part++) {",
      "  const end: usize = x0 + segment;",
      "  do {",
      ...indent([...taps, ...each(pointers, (p) => `x${p} += ${unroll};`)], 4),
      `    t += ${unroll * Q * 8};`,
      "  } while (x0 < end);",
      ...indent([...(parts > 1 ? moveOut : []), ...each(pointers, (p) => `x${p} += skip;`)], 2),
      "}",
      ...(parts > 1 || direct ? [] : storeSums),
    ],
  });
}
