/**
 * Writes the three-lane convolution kernel that skips zeros as AssemblyScript.
 *
 * After a rectifier about half of all activations are exactly the zero point, and (x − zero point)·w is then 0. This
 * kernel tests x − zero point once for all words of a block, and multiplies only what is left: with Q words, one test
 * stands for 3·Q products. Lanes and words are those of `lanes.ts`. Pixels go `together`: where several of them are
 * not zero at a tap, they share the load of each word. There is code for every combination: each pixel more doubles it.
 *
 * A block's output channels are in locals, so that a wide block loads each activation least often. Exactness: lanes
 * start so that Σ (x − zero point)·w ends inside [0, 2²¹) (`zero_skipping.ts` in the folder above has the proof), and
 * the constants hold the difference to a sum over x. Padding, gathered as the zero point, is skipped like all zeros.
 *
 * Tried on paper and rejected: a compressed list of what is not zero (its own loads cost more than the test), sums in
 * memory.
 */
import { epilogueCodeBytes, epilogueNames, recordBytes } from "./lane_epilogue.js";
import { each, indent } from "./lines.js";
import { type TileKernel, tileSource } from "./tile_loops.js";

/** What a kernel is specialised for; `pixels` are finished at once. */
export interface ZeroSkippingKernel extends TileKernel {
  /** Pixels that share loads; divides `pixels`. */
  readonly together: number;
  /** Whether each word has a start of its own, because lanes that all start alike would leave their range. */
  readonly starts: boolean;
  /** Whether the output takes the input's place, pixel over pixel. */
  readonly inPlace: boolean;
  /** Taps in a round of the innermost loop; divides a segment. */
  readonly unroll: number;
}

/** Name of the generated file. */
export function zeroSkippingName(kernel: ZeroSkippingKernel): string {
  const { pixels, words, together, parts, starts, unroll, pixelStep, pixelBytes, inPlace } = kernel;
  return [
    `zero_skipping_${pixels}x${words}_${together}`,
    unroll > 1 ? `by_${unroll}` : "",
    parts > 1 ? `in_${parts}` : "",
    starts ? "starts" : "",
    pixelStep === null ? "" : `from_${pixelStep}_to_${pixelBytes}`,
    ...epilogueNames(kernel),
    inPlace ? "in_place" : "",
  ]
    .filter((part) => part !== "")
    .join("_");
}

/** Bytes of a block behind its weights: the channels' constants, then the words' starts, or that of all. */
export function blockConstantBytes(kernel: ZeroSkippingKernel): number {
  const { words, parts, starts } = kernel;
  return words * 3 * recordBytes(kernel) + 8 * (starts ? words * parts : 1);
}

/** Bytes of the kernel's code, estimated from what Binaryen makes of each line. */
export function zeroSkippingCodeBytes(kernel: ZeroSkippingKernel): number {
  const { words: Q, together: P, unroll } = kernel;
  const combinations = 2 ** P - 1;
  // A product in half of the combinations for each pixel, a load in all.
  const tap = Q * (9 * P * 2 ** (P - 1) + 5 * combinations) + 15 * (P + combinations);
  return 50 + unroll * tap + P * Q * (kernel.direct ? 5 : 13) + epilogueCodeBytes(kernel);
}

/**
 * One tap: tests nested over the pixels that go together, and at their ends the products of those not zero. Reads `x0`
 * (and `x1`…) and words at `t`, adds to `s<pixel>_<word>`.
 */
export function tapLines(
  kernel: Pick<ZeroSkippingKernel, "words" | "together" | "pixelStep">,
  tap: number,
): string[] {
  const { words: Q, together: P, pixelStep } = kernel;
  const products = (active: readonly number[]): string[] => {
    const word = (q: number) => `load<i64>(t, ${(tap * Q + q) * 8})`;
    if (active.length === 0) return [];
    if (active.length === 1) return each(Q, (q) => `s${active[0]}_${q} += v${active[0]} * ${word(q)};`);
    return each(Q, (q) => [`w = ${word(q)};`, ...active.map((p) => `s${p}_${q} += v${p} * w;`)]).flat();
  };
  const test = (p: number, active: readonly number[]): string[] => {
    if (p === P) return products(active);
    const none = test(p + 1, active);
    return [
      `if (d${p}) {`,
      `  v${p} = d${p};`,
      ...test(p + 1, [...active, p]).map((line) => `  ${line}`),
      ...(none.length > 0 ? ["} else {", ...none.map((line) => `  ${line}`)] : []),
      "}",
    ];
  };
  const loads = each(P, (p) =>
    pixelStep === null ? `load<i8>(x${p}, ${tap})` : `load<i8>(x0, ${p * pixelStep + tap})`,
  );
  return [...loads.map((load, p) => `d${p} = <i32>${load} - zeroPoint;`), ...test(0, [])];
}

/** The sums of pixels that go together. @param store takes them to memory */
function sumLines(kernel: ZeroSkippingKernel, store: readonly string[]): string[] {
  const { pixels, words: Q, together: P, parts, starts, unroll, pixelStep, direct } = kernel;
  const names = each(Q, (q) => each(P, (p) => `s${p}_${q}`)).flat();
  const pointers = pixelStep === null ? P : 1;
  const begin = starts
    ? each(Q, (q) => [
        `s0_${q} = load<i64>(lanesStart, ${q * 8});`,
        ...each(P - 1, (p) => `s${p + 1}_${q} = s0_${q};`),
      ]).flat()
    : names.map((name) => `${name} = begin;`);
  const nextPart = [...store, `at += ${pixels * Q * 8};`, ...(starts ? [`lanesStart += ${Q * 8};`] : [])];
  return [
    "let x0: usize = pixel;",
    ...each(pointers - 1, (p) => `let x${p + 1}: usize = x${p} + pixelStep;`),
    "let t: usize = tile;",
    ...(direct ? [] : ["let at: usize = to;"]),
    ...(starts ? [`let lanesStart: usize = constants + ${Q * 3 * recordBytes(kernel)};`] : []),
    "let w: i64;",
    ...each(P, (p) => [`let d${p}: i32;`, `let v${p}: i64;`]).flat(),
    ...names.map((name) => `let ${name}: i64;`),
    ...(parts > 1 ? [] : begin),
    "for (let part: i32 = 0; part < segments; part++) {",
    ...(parts > 1 ? indent(begin, 2) : []),
    "  const end: usize = x0 + segment;",
    "  do {",
    ...indent(
      [
        ...each(unroll, (tap) => tapLines(kernel, tap)).flat(),
        ...each(pointers, (p) => `x${p} += ${unroll};`),
        `t += ${unroll * Q * 8};`,
      ],
      4,
    ),
    "  } while (x0 < end);",
    ...indent([...(parts > 1 ? nextPart : []), ...each(pointers, (p) => `x${p} += skip;`)], 2),
    "}",
  ];
}

/** The file's text. Its one function is called by `compiler/zero_skipping.ts`, which names the arguments. */
export function zeroSkippingSource(kernel: ZeroSkippingKernel): string {
  const { pixels, words: Q, together: P, parts, starts, pixelStep, inPlace, direct } = kernel;
  const store = each(Q, (q) => each(P, (p) => `store<i64>(at, s${p}_${q}, ${(q * pixels + p) * 8});`)).flat();
  const sums = sumLines(kernel, store);
  const throughMemory = [
    "let to: usize = sums;",
    "do {",
    ...indent(
      [
        ...sums,
        ...(parts > 1 ? [] : store),
        `to += ${P * 8};`,
        `pixel += ${pixelStep === null ? `pixelStep * ${P}` : P * pixelStep};`,
      ],
      2,
    ),
    `} while (to < sums + ${pixels * 8});`,
  ];
  return tileSource(kernel, {
    name: zeroSkippingName(kernel),
    title: `Three-lane convolution that skips zeros, ${pixels} pixels × ${Q * 3} channels at once.`,
    generator: "zero_skipping.ts",
    constantBytes: blockConstantBytes(kernel),
    inPlace,
    block: starts ? [] : [`const begin: i64 = load<i64>(constants, ${Q * 3 * recordBytes(kernel)});`],
    tile: direct ? sums : throughMemory,
  });
}
