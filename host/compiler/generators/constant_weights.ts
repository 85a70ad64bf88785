/**
 * Writes the three-lane convolution kernel of one small layer as AssemblyScript: its weights and its channels' constants
 * are literals in the code.
 *
 * WAMR's fast interpreter keeps literals in the frame, where an opcode reads them like a local: a product takes no load,
 * and an output none for its constants. So one pixel at a time is enough, nothing is expanded in RAM, and a word of three
 * weights that are all zero is left out. Where zeros are expected in the input, each tap is tested first, as in
 * `zero_skipping.ts`. The price is code, 13 to 20 bytes for each word of weights, and two cells of the frame: only layers
 * of few weights are worth it.
 */
import { boundLines, clampParameters, epilogueLines, fillLines, type LaneEpilogue } from "./lane_epilogue.js";
import { each, indent, indented } from "./lines.js";

export interface ConstantWeightsKernel extends LaneEpilogue {
  readonly name: string;
  /** Words of three weights by tap and word. */
  readonly weights: readonly (readonly bigint[])[];
  /** What each word's sum begins with. */
  readonly begin: readonly bigint[];
  /** Bytes from a window's first tap to each. */
  readonly offsets: readonly number[];
  /** The input's zero point, where taps are compared with it; null where they are not. */
  readonly skipped: number | null;
  /** Bytes between the first taps of two neighbouring pixels. */
  readonly pixelStep: number;
  readonly rows: number;
  readonly columns: number;
  readonly rowStep: number;
  /** Where there is padding, the rows under a row of windows are gathered: so many, each so many bytes. */
  readonly gathered: { readonly rows: number; readonly pitch: number } | null;
}

/** Bytes of code that a word of weights takes, of 13 to 20 that were measured: literal, product and sum. */
const wordBytes = 18;

/** Bytes of the kernel's code, estimated: 2.3, 5.5 and 5.5 KB where VWW's and micro_speech's have 2.2, 5.5 and 4.3. */
export function constantWeightsCodeBytes({
  weights,
  words,
  literals,
  skipped,
  gathered,
}: ConstantWeightsKernel) {
  const products = weights.flat().filter((word) => word !== 0n).length;
  const tap = skipped === null ? 7 : 16;
  return (
    120 +
    (gathered ? 60 : 0) +
    products * wordBytes +
    weights.length * tap +
    words * 12 +
    (literals?.length ?? 0) * 56
  );
}

/** The file's text. Its one function is called by `compiler/constant_weights.ts`, which names the arguments. */
export function constantWeightsSource(kernel: ConstantWeightsKernel): string {
  const { name, words: Q, weights, begin, offsets, skipped, gathered, pixelBytes } = kernel;
  const { rows, columns, rowStep, pixelStep } = kernel;
  const products = (tap: number) =>
    each(Q, (q) => q).flatMap((q) => {
      const word = weights[tap]?.[q] ?? 0n;
      return word === 0n ? [] : [`s0_${q} += v * (${word});`];
    });
  const taps = weights.flatMap((_, tap) => {
    const lines = products(tap);
    if (lines.length === 0) return [];
    if (skipped === null) return [`v = load<i8>(x, ${offsets[tap]});`, ...lines];
    return [
      `d = <i32>load<i8>(x, ${offsets[tap]}) - (${skipped});`,
      "if (d) {",
      ...indent(["v = d;", ...lines], 2),
      "}",
    ];
  });
  const gather = gathered
    ? [
        `gatherRows(input, buffer, ${gathered.rows}, ${gathered.pitch}, y * stride - padTop, dilation, inputHeight, rowBytes, copyBytes, start, zeroPoint);`,
        "let x: usize = buffer;",
      ]
    : [`let x: usize = input + <usize>(y * ${rowStep});`];
  return `/**
 * Three-lane convolution of one layer, with its weights in the code.
 * Made by Wamlet (host/compiler/generators/constant_weights.ts), which says how it works and why it is exact.
 */
import { clamp } from "../arithmetic";
import { gatherRows } from "../kernels/lanes";

export function ${name}(
  input: usize, output: usize, ${clampParameters(kernel)}
  buffer: usize, copyBytes: i32, start: i32, inputHeight: i32, rowBytes: i32, stride: i32, padTop: i32,
  dilation: i32, zeroPoint: i32,
): void {
${indented([...boundLines(kernel), ...(gathered ? [`memory.fill(buffer, <u8>zeroPoint, ${gathered.rows * gathered.pitch});`] : [])], 2)}
  let o0: usize = output;
  for (let y: i32 = 0; y < ${rows}; y++) {
${indented([...gather, ...fillLines(kernel, "o0", `${columns * (pixelBytes ?? 0)}`)], 4)}
    const rowEnd: usize = o0 + ${columns * (pixelBytes ?? 0)};
    do {
      let v: i64;
${skipped === null ? "" : "      let d: i32;\n"}${indented([...each(Q, (q) => `let s0_${q}: i64 = ${begin[q]};`), ...taps, ...epilogueLines(kernel)], 6)}
      x += ${pixelStep};
      o0 += ${pixelBytes};
    } while (o0 < rowEnd);
  }
}
`;
}
