/**
 * Writes the kernel that skips zeros and sweeps over the image column by column, for filters three columns wide.
 *
 * A window at a time tests every activation once for each of the windows that see it, which with few output channels is
 * a third of all. Here an activation is tested once a filter row, for all three windows of an output row: their sums
 * are in locals, the weights of all three filter columns are one tap. When a column of the image is done, one of the
 * three windows is, and the others move up. Output rows go together as pixels do in `zero_skipping.ts`.
 *
 * Three windows fill lanes that channels leave: of 3·Q + 1 or 3·Q + 2 channels the last ones have a word each, its
 * lanes the three windows, which move up by a shift: 16 channels take 16 words for three windows and not 18. Sums only
 * ever lie in [0, 2²¹), in the middle as at the end: part of the taps gives no less than all negative products and no
 * more than all positive ones. So a shift by a lane moves whole lanes; the top one goes
 * before, since three lanes leave a bit of the word.
 */

import {
  boundLines,
  clampParameters,
  epilogueCodeBytes,
  epilogueLines,
  fillLines,
  type LaneEpilogue,
  recordBytes,
} from "./lane_epilogue.js";
import { laneBias } from "./lane_words.js";
import { each, indented } from "./lines.js";
import { tapLines } from "./zero_skipping.js";

/** What a kernel is specialised for; `pixels` are output rows, `pixelBytes` from one to the next. */
export interface SweepKernel extends LaneEpilogue {
  /** Words of three channels. */
  readonly full: number;
  /** Channels with a word of their own, 0 to 2. */
  readonly left: number;
  /** Bytes from one gathered row to the next. */
  readonly pitch: number;
  /** Taps in a round of the innermost loop; divides the input's channels. */
  readonly unroll: number;
}

/** Filter columns; as many as a word has lanes. */
export const sweepColumns = 3;

/** Words of one tap. */
export function tapWords({ full, left }: Pick<SweepKernel, "full" | "left">): number {
  return sweepColumns * full + left;
}

/** Name of the generated file. */
export function sweepName({
  pixels,
  full,
  left,
  pitch,
  pixelBytes,
  rectified,
  table,
  unroll,
}: SweepKernel): string {
  const kind = `${rectified ? "_relu" : ""}${table ? "_table" : ""}`;
  return `zero_skipping_sweep_${pixels}_${full}_${left}_by_${unroll}_from_${pitch}_to_${pixelBytes}${kind}`;
}

/** Bytes behind the weights: the channels' constants, and what every sum begins with. */
export function sweepConstantBytes(kernel: SweepKernel): number {
  return kernel.words * 3 * recordBytes(kernel) + 8;
}

/** Bytes of the kernel's code, estimated from what Binaryen makes of each line. */
export function sweepCodeBytes(kernel: SweepKernel): number {
  const words = tapWords(kernel);
  const { pixels: R, unroll } = kernel;
  const combinations = 2 ** R - 1;
  const tap = words * (10 * R * 2 ** (R - 1) + 6 * combinations) + 15 * (R + combinations);
  return 330 + unroll * tap + R * words * 16 + epilogueCodeBytes(kernel);
}

/** Sums of the finished window to memory, a word of three channels after the other. */
function storeLines({ pixels: R, full: Q, left }: SweepKernel): string[] {
  return each(R, (r) => {
    const done = (q: number) => `s${r}_${2 * Q + q}`;
    const top = (index: number) => `(s${r}_${3 * Q + index} >>> 42)`;
    const last =
      left === 1
        ? `(${done(Q - 1)} >>> 21) | (${top(0)} << 42)`
        : `(${done(Q - 1)} >>> 42) | (${top(0)} << 21) | (${top(1)} << 42)`;
    return [
      ...each(Q, (q) => `store<i64>(sums, ${done(q)}, ${(q * R + r) * 8});`),
      ...(left > 0 ? [`store<i64>(sums, ${last}, ${(Q * R + r) * 8});`] : []),
    ];
  }).flat();
}

/** The next column: every window moves up, a new one begins. */
function moveLines({ pixels: R, full: Q, left }: SweepKernel): string[] {
  return each(R, (r) => [
    ...each(2 * Q, (word) => `s${r}_${3 * Q - 1 - word} = s${r}_${2 * Q - 1 - word};`),
    ...each(Q, (word) => `s${r}_${word} = begin;`),
    ...each(
      left,
      (index) => `s${r}_${3 * Q + index} = ((s${r}_${3 * Q + index} & 0x3ffffffffff) << 21) + ${laneBias};`,
    ),
  ]).flat();
}

/** The file's text. Its one function is called by `compiler/zero_skipping_sweep.ts`, which names the arguments. */
export function sweepSource(kernel: SweepKernel): string {
  const { pixels: R, pitch, pixelBytes, unroll } = kernel;
  const words = tapWords(kernel);
  const constants = sweepConstantBytes(kernel);
  const names = each(R, (r) => each(words, (word) => `s${r}_${word}`)).flat();
  const tap = { words, together: R, pixelStep: pitch };
  return `/**
 * Three-lane convolution that skips zeros and sweeps over columns, ${R} output rows at once.
 * Made by Wamlet (host/compiler/generators/zero_skipping_sweep.ts), which says how it works and why it is exact.
 */
import { clamp } from "../arithmetic";
import { expandLanes, gatherRows } from "../kernels/lanes";
import { fetchWeights } from "../weights";

export function ${sweepName(kernel)}(
  input: usize, output: usize, weights: i32, tile: usize, sums: usize, rows: i32, columns: i32, channels: i32,
  outputChannels: i32, kernelHeight: i32, ${clampParameters(kernel)}
  buffer: usize, copyBytes: i32, start: i32, inputHeight: i32, rowBytes: i32, padTop: i32, zeroPoint: i32,
): void {
  const depth: i32 = kernelHeight * channels;
  const weightBytes: i32 = depth * ${words * 3};
  const constants: usize = tile + <usize>(depth * ${words * 8});
  fetchWeights(constants - weightBytes, weights, weightBytes + ${constants});
  expandLanes(tile, constants - weightBytes, depth * ${words});
${boundLines(kernel)
  .map((line) => `  ${line}\n`)
  .join("")}  const begin: i64 = load<i64>(constants, ${constants - 8});
  const gathered: i32 = kernelHeight + ${R - 1};
  memory.fill(buffer, <u8>zeroPoint, gathered * ${pitch});
  let y: i32 = 0;
  while (true) {
    gatherRows(input, buffer, gathered, ${pitch}, y - padTop, 1, inputHeight, rowBytes, copyBytes, start, zeroPoint);
    let to: usize = output + <usize>(y * ${pixelBytes});
${fillLines(kernel, "to", `${R * (pixelBytes ?? 0)}`)
  .map((line) => `    ${line}\n`)
  .join("")}    let pixel: usize = buffer;
    let w: i64;
${indented([...each(R, (r) => [`let d${r}: i32;`, `let v${r}: i64;`]).flat(), ...names.map((name) => `let ${name}: i64 = begin;`)], 4)}
    for (let column: i32 = -2; column < columns; column++) {
      let t: usize = tile;
      let row: usize = pixel;
      for (let ky: i32 = 0; ky < kernelHeight; ky++) {
        let x0: usize = row;
        const end: usize = x0 + channels;
        do {
${indented(each(unroll, (index) => tapLines(tap, index)).flat(), 10)}
          x0 += ${unroll};
          t += ${unroll * words * 8};
        } while (x0 < end);
        row += ${pitch};
      }
      if (column >= 0) {
${indented(storeLines(kernel), 8)}
        let o0: usize = to;
${indented(epilogueLines(kernel), 8)}
        to += outputChannels;
      }
${indented(moveLines(kernel), 6)}
      pixel += channels;
    }
    // The last rows step back where ${R} do not divide them: some are computed twice.
    if (y == rows - ${R}) break;
    y = min<i32>(y + ${R}, rows - ${R});
  }
}
`;
}
