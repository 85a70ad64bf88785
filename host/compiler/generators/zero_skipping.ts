/**
 * Writes the three-lane convolution kernel that skips zeros as AssemblyScript.
 *
 * After a rectifier about half of all activations are exactly the zero point, and (x − zero point)·w is then 0. This
 * kernel tests x − zero point once for all words of a block, and multiplies only what is left: with Q words, one test
 * stands for 3·Q products. Lanes and words are those of `lanes.ts`. Pixels go `together`: where several of them are
 * not zero at a tap, they share the load of each word; there is code for every combination, so two are enough.
 *
 * A block's output channels are in locals, so that a wide block loads each activation least often. Exactness: lanes
 * start so that Σ (x − zero point)·w ends inside [0, 2²¹) (`zero_skipping.ts` in the folder above has the proof), and
 * the constants hold the difference to a sum over x. Padding, gathered as the zero point, is skipped like all zeros.
 *
 * Tried on paper and rejected: a compressed list of what is not zero (its own loads cost more than the test), three
 * pixels together (twice the code, which is RAM, for 8 %), sums in memory.
 */
import {
  clampParameters,
  epilogueCodeBytes,
  epilogueLines,
  epilogueNames,
  expander,
  fillLines,
  type LaneEpilogue,
  recordBytes,
} from "./lane_epilogue.js";

/** What a kernel is specialised for; `pixels` are finished at once. */
export interface ZeroSkippingKernel extends LaneEpilogue {
  /** Pixels that share loads; divides `pixels`. */
  readonly together: number;
  /** Whether each word has a start of its own, because lanes that all start alike would leave their range. */
  readonly starts: boolean;
  /** Bytes between the first taps of two neighbouring pixels, where the kernel knows them (with `pixelBytes`). */
  readonly pixelStep: number | null;
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
  const tap = Q * (10 * P * 2 ** (P - 1) + 6 * combinations) + 15 * (P + combinations);
  return 250 + unroll * tap + P * Q * (kernel.direct ? 5 : 13) + epilogueCodeBytes(kernel);
}

const each = <T>(count: number, make: (index: number) => T): T[] =>
  Array.from({ length: count }, (_, i) => make(i));
const indent = (lines: readonly string[], by: number) =>
  lines.map((line) => " ".repeat(by) + line).join("\n");

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

/** The file's text. Its one function is called by `compiler/zero_skipping.ts`, which names the arguments. */
export function zeroSkippingSource(kernel: ZeroSkippingKernel): string {
  const { pixels, words: Q, together: P, parts, starts, unroll, pixelStep, pixelBytes } = kernel;
  const { inPlace, direct } = kernel;
  const fill = fillLines(kernel, inPlace);
  const channels = Q * 3;
  const constants = blockConstantBytes(kernel);
  const pointers = pixelStep === null ? P : 1;
  const step = pixelStep ?? "pixelStep";
  const sums = each(Q, (q) => each(P, (p) => ({ name: `s${p}_${q}`, q, p }))).flat();
  const store = sums.map(({ name, q, p }) => `store<i64>(at, ${name}, ${(q * pixels + p) * 8});`);
  const begin = starts
    ? each(Q, (q) => [
        `s0_${q} = load<i64>(lanesStart, ${q * 8});`,
        ...each(P - 1, (p) => `s${p + 1}_${q} = s0_${q};`),
      ]).flat()
    : sums.map(({ name }) => `${name} = begin;`);
  const beginTogether = `        let to: usize = sums;
        do {
`;
  const nextTogether = `${parts > 1 ? "" : `${indent(store, 10)}\n`}          to += ${P * 8};
          pixel += ${pixelStep === null ? `pixelStep * ${P}` : P * pixelStep};
        } while (to < sums + ${pixels * 8});
`;
  const nextPart = [...store, `at += ${pixels * Q * 8};`];
  return `/**
 * Three-lane convolution that skips zeros, ${pixels} pixels × ${channels} channels at once.
 * Made by Wamlet (host/compiler/generators/zero_skipping.ts), which says how it works and why it is exact.
 */
import { clamp } from "../arithmetic";
import { ${expander(kernel)}, gatherRows } from "../kernels/lanes";
import { fetchWeights } from "../weights";

export function ${zeroSkippingName(kernel)}(
  input: usize, output: usize, weights: i32, tile: usize, sums: usize, rows: i32, columns: i32, rowStep: i32,
  pixelStep: i32, segments: i32, segment: i32, pitch: i32, outputChannels: i32, ${clampParameters(kernel)}
  buffer: usize, copyBytes: i32, start: i32, inputHeight: i32, rowBytes: i32, stride: i32, padTop: i32,
  dilation: i32, zeroPoint: i32,${inPlace ? " saved: usize," : ""}
): void {
  const depth: i32 = segments * segment;
  const weightBytes: i32 = depth * ${channels};
  const constants: usize = tile + <usize>(depth * ${Q * 8});
  const skip: usize = pitch - segment;
  let channel: i32 = 0;
${starts ? "" : "  let begin: i64;\n"}${inPlace ? `  // The last tile steps back over pixels that are outputs by then.\n  memory.copy(saved, input + <usize>((columns - ${pixels}) * ${step}), ${pixels} * ${step});\n` : ""}${fill.first.map((line) => `  ${line}\n`).join("")}  if (copyBytes) memory.fill(buffer, <u8>zeroPoint, segments * pitch);
  while (true) {
    fetchWeights(constants - weightBytes, weights, weightBytes + ${constants});
    weights += weightBytes + ${constants};
    ${expander(kernel)}(tile, constants - weightBytes, depth * ${Q});
${starts ? "" : `    begin = load<i64>(constants, ${Q * 3 * recordBytes(kernel)});\n`}    let row: usize = input;
    let rowOut: usize = output + channel;
    for (let y: i32 = 0; y < rows; y++) {
      if (copyBytes) {
        const first: i32 = y * stride - padTop;
        gatherRows(input, buffer, segments, pitch, first, dilation, inputHeight, rowBytes, copyBytes, start, zeroPoint);
        row = buffer;
      }
      let column: i32 = 0;
      while (true) {
        let pixel: usize = ${inPlace ? `column == columns - ${pixels} ? saved : ` : ""}row + <usize>(column * ${step});
${direct ? "" : beginTogether}          let x0: usize = pixel;
${indent(
  [
    ...each(pointers - 1, (p) => `let x${p + 1}: usize = x${p} + pixelStep;`),
    "let t: usize = tile;",
    ...(direct ? [] : ["let at: usize = to;"]),
    ...(starts ? [`let lanesStart: usize = constants + ${Q * 3 * recordBytes(kernel)};`] : []),
    "let w: i64;",
    ...each(P, (p) => [`let d${p}: i32;`, `let v${p}: i64;`]).flat(),
    ...sums.map(({ name }) => `let ${name}: i64;`),
    ...(parts > 1 ? [] : begin),
  ],
  10,
)}
          for (let part: i32 = 0; part < segments; part++) {
${parts > 1 ? `${indent(begin, 12)}\n` : ""}            const end: usize = x0 + segment;
            do {
${indent([...each(unroll, (tap) => tapLines(kernel, tap)).flat(), ...each(pointers, (p) => `x${p} += ${unroll};`)], 14)}
              t += ${unroll * Q * 8};
            } while (x0 < end);
${indent(
  [
    ...(parts > 1 ? nextPart : []),
    ...(parts > 1 && starts ? [`lanesStart += ${Q * 8};`] : []),
    ...each(pointers, (p) => `x${p} += skip;`),
  ],
  12,
)}
          }
${direct ? "" : nextTogether}        let o0: usize = rowOut + <usize>(column * ${pixelBytes ?? "outputChannels"});
${indent([...fill.tile, ...epilogueLines(kernel)], 8)}
        // The last tile of a row steps back where ${pixels} do not divide the row: some pixels are computed twice.
        if (column == columns - ${pixels}) break;
        column = min<i32>(column + ${pixels}, columns - ${pixels});
      }
      row += rowStep;
      rowOut += columns * outputChannels;
    }
    // So does the last block of channels, where there are several.
    if (channel >= outputChannels - ${channels}) break;
    channel = min<i32>(channel + ${channels}, outputChannels - ${channels});
  }
}
`;
}
