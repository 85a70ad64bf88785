/**
 * Writes depthwise convolution kernels as AssemblyScript: strips of R columns that go down the image
 * (`depthwise_strip.ts`), in three schemes (`depthwise_schemes.ts`). Channel by channel: its constants and weights come
 * to RAM, and all strips of the image are finished.
 */
import { rowLines, weightLines } from "./depthwise_schemes.js";
import {
  columnsOf,
  type DepthwiseKernel,
  declareRow,
  edgeLines,
  edgesOf,
  leastOffset,
  recordBytes,
} from "./depthwise_strip.js";
import { each, indent } from "./lines.js";

/** Name of the generated file. */
export function depthwiseName(kernel: DepthwiseKernel): string {
  const { height, width, stride, dilation, padLeft, padRight, padTop, padBottom, step } = kernel;
  return [
    `depthwise_${kernel.scheme}_${height}x${width}_by_${kernel.columns}`,
    ...(stride > 1 ? [`stride_${stride}`] : []),
    ...(dilation > 1 ? [`dilation_${dilation}`] : []),
    ...(padLeft + padRight + padTop + padBottom > 0
      ? [`pad_${padLeft}${padRight}${padTop}${padBottom}`]
      : []),
    ...(kernel.single ? ["row"] : []),
    ...(step ? [`step_${step.input}${step.output === step.input ? "" : `_${step.output}`}`] : []),
    ...(kernel.rectified ? ["relu"] : []),
    ...(kernel.table ? ["table"] : []),
    ...(kernel.lifted ? ["lifted"] : []),
    ...(kernel.skipping ? ["skipping"] : []),
  ].join("_");
}

/** Bytes of zero point that stand for pixels beside the image or a row below it. */
export function paddingBytes(kernel: DepthwiseKernel, inputPixel: number): number {
  if (kernel.scheme !== "register" || kernel.padBottom === 0) return edgesOf(kernel).length > 0 ? 1 : 0;
  const inside = columnsOf(kernel).filter(({ side }) => side === "inside");
  return ((inside.at(-1)?.index ?? 0) - kernel.padLeft) * inputPixel + 1;
}

/** The file's text. Its one function is called by `compiler/depthwise_strips.ts`, which names the arguments. */
export function depthwiseSource(kernel: DepthwiseKernel): string {
  const { scheme, columns: R, height, width, stride, step, rectified, table } = kernel;
  const wide = scheme === "register" ? "i64" : "i32";
  const bytes = recordBytes(kernel);
  const body = [
    ...(rectified
      ? [`const k: i64 = load<i64>(tile)${table ? " + (<i64>table << e)" : ""};`]
      : [
          "const k: i64 = load<i64>(tile);",
          `const r: i64 = (<i64>1 << (e - 1)) + ((offset${table ? " + <i64>table" : ""}) << e);`,
        ]),
    ...(kernel.skipping ? [`const least: i32 = load<i32>(tile, ${leastOffset(kernel) - 1}) >> 8;`] : []),
    ...weightLines(kernel),
    "let column: i32 = 0;",
    "while (true) {",
    `  let p: usize = image + <usize>(column * ${step ? stride * step.input : `inputPixel * ${stride}`});`,
    `  let o: usize = target + <usize>(column * ${step ? step.output : "outputPixel"});`,
    ...indent(edgeLines(kernel), 2),
    ...indent(rowLines(kernel), 2),
    ...(kernel.single
      ? ["  break;"]
      : [
          // The last strip steps back where R does not divide the row: some columns are computed twice.
          "  if (column == lastColumn) break;",
          `  column = min<i32>(column + ${R}, lastColumn);`,
        ]),
    "}",
  ];
  return `/**
 * Depthwise ${height}×${width} convolution in strips of ${R} columns.
 * Made by Wamlet (host/compiler/generators/depthwise.ts), which says how it works and why it is exact.
 */
import { clamp } from "../arithmetic";
import { fetchWeights } from "../weights";

export function ${depthwiseName(kernel)}(
  input: usize, output: usize, weights: i32, tile: usize, padding: usize, table: usize, minimum: i32, maximum: i32,
  records: i32, copies: i32, inputPixel: i32, inputRow: i32, outputPixel: i32, outputRow: i32,
  extent: usize, outputHeight: i32, lastColumn: i32, padTop: i32, rowStep: i32, rowPitch: i32,
  inputZeroPoint: i32, offset: i64,${kernel.skipping ? " filled: i32," : ""}
): void {
  const zeroPoint: ${wide} = inputZeroPoint;
  // From the last column of a strip to the first one of the next row.
  const toNextRow: i32 = outputRow - ${step ? 0 : R - 1} * outputPixel;
${indent([...declareRow(kernel, wide), ...each(R, (j) => `let a${j}: ${wide} = 0;`)], 2).join("\n")}
${paddingBytes(kernel, 1) > 0 ? `  memory.fill(padding, <u8>inputZeroPoint, ${paddingFill(kernel)});\n` : ""}${kernel.skipping ? "  memory.fill(output, <u8>minimum, filled);\n" : ""}  for (let record: i32 = 0; record < records; record++) {
    fetchWeights(tile, weights, ${bytes});
    weights += ${bytes};
    const m: i64 = load<i32>(tile, 8);
    const channel: i32 = load<u16>(tile, 12);
    const e: i64 = load<u8>(tile, 14);
    const image: usize = input + <usize>(channel / copies);
    const target: usize = output + <usize>channel;
${indent(body, 4).join("\n")}
  }
}
`;
}

/** Length of the row of padding, as an expression. */
function paddingFill(kernel: DepthwiseKernel): string {
  if (kernel.step) return `${paddingBytes(kernel, kernel.step.input)}`;
  return `<usize>(${paddingBytes(kernel, 1) - 1} * inputPixel + 1)`;
}
