/**
 * What the generated kernels of tiles share: the function around a tile. It goes over blocks of output channels, whose
 * weights it brings to RAM and expands, over the rows of the image, which it gathers where there is padding, and along a
 * row from tile to tile.
 */
import {
  boundLines,
  clampParameters,
  epilogueLines,
  expander,
  fillLines,
  type LaneEpilogue,
} from "./lane_epilogue.js";
import { indented } from "./lines.js";

export interface TileKernel extends LaneEpilogue {
  /** Bytes between the first taps of two neighbouring pixels, where the kernel knows them (with `pixelBytes`). */
  readonly pixelStep: number | null;
}

/** What makes one kernel differ from another. */
export interface TileText {
  /** Name of the function. */
  readonly name: string;
  /** What it is, in a line. */
  readonly title: string;
  /** The generator's file, which says how it works. */
  readonly generator: string;
  /** Bytes of a block behind its weights. */
  readonly constantBytes: number;
  /** Whether the output takes the input's place; the last pixels of the input are kept at `saved` then. */
  readonly inPlace: boolean;
  /** Lines of each block, once its words and constants are in RAM. */
  readonly block: readonly string[];
  /** Lines of each tile, from `pixel`, its first pixel's first tap, to its sums, in memory at `sums` or in locals. */
  readonly tile: readonly string[];
}

/** The file's text. Its one function is called by `compiler/lane_tiles.ts`, which names the arguments. */
export function tileSource(kernel: TileKernel, text: TileText): string {
  const { pixels: P, words: Q, pixelStep, pixelBytes } = kernel;
  const { name, title, generator, constantBytes, inPlace, block, tile } = text;
  const channels = Q * 3;
  const step = pixelStep ?? "pixelStep";
  // The first block of channels fills the row for all of them.
  const rowFill = fillLines(kernel, "rowOut", "columns * outputChannels")
    .map((line) => `      if (channel == 0) ${line}\n`)
    .join("");
  const before = [
    ...(inPlace
      ? [
          "// The last tile steps back over pixels that are outputs by then.",
          `memory.copy(saved, input + <usize>((columns - ${P}) * ${step}), ${P} * ${step});`,
        ]
      : []),
    ...boundLines(kernel),
    "if (copyBytes) memory.fill(buffer, <u8>zeroPoint, segments * pitch);",
  ];
  return `/**
 * ${title}
 * Made by Wamlet (host/compiler/generators/${generator}), which says how it works and why it is exact.
 */
import { clamp } from "../arithmetic";
import { ${expander(kernel)}, gatherRows } from "../kernels/lanes";
import { fetchWeights } from "../weights";

export function ${name}(
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
${indented(before, 2)}
  while (true) {
    fetchWeights(constants - weightBytes, weights, weightBytes + ${constantBytes});
    weights += weightBytes + ${constantBytes};
    ${expander(kernel)}(tile, constants - weightBytes, depth * ${Q});
${indented([...block, "let row: usize = input;"], 4)}
    let rowOut: usize = output + channel;
    for (let y: i32 = 0; y < rows; y++) {
      if (copyBytes) {
        const first: i32 = y * stride - padTop;
        gatherRows(input, buffer, segments, pitch, first, dilation, inputHeight, rowBytes, copyBytes, start, zeroPoint);
        row = buffer;
      }
${inPlace ? "" : rowFill}      let column: i32 = 0;
      while (true) {
        let pixel: usize = ${inPlace ? `column == columns - ${P} ? saved : ` : ""}row + <usize>(column * ${step});
${indented(tile, 8)}
        let o0: usize = rowOut + <usize>(column * ${pixelBytes ?? "outputChannels"});
${indented([...(inPlace ? fillLines(kernel, "o0", `${P} * ${pixelBytes ?? "outputChannels"}`) : []), ...epilogueLines(kernel)], 8)}
        // The last tile of a row steps back where ${P} do not divide the row: some pixels are computed twice.
        if (column == columns - ${P}) break;
        column = min<i32>(column + ${P}, columns - ${P});
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
