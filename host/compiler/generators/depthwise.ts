/**
 * Writes depthwise convolution kernels as AssemblyScript: strips of R columns that go down the image
 * (`depthwise_strip.ts`), in three schemes.
 *
 * `register`, stride 1 down the image and three rows of weights (or two, 32 bits apart): the weights of a column of the filter share one word,
 * W_kx = w₀ + w₁·2²² + w₂·2⁴⁴. A row of the image adds w₀·x to the output that begins with it, w₁·x to the one that began
 * a row before, w₂·x to the one that ends with it. `sum = (sum << 22) + x₀·W₀ + x₁·W₁ + x₂·W₂` moves each output up a
 * lane, and the top lane is finished: nine MACs for seven opcodes. Lanes are signed, so what lies below the top lane may
 * borrow one from it; adding half of the top lane's unit before the shift gives it back. `depthwise_strips.ts` proves for
 * the layer's weights that every lane's |sum| stays below 2¹⁹. Where it can, the half comes with the pixels instead
 * (`depthwise_lift.ts`).
 *
 * `shared`, stride 2 and three rows of weights: an output shares only its first and its last row with its neighbours, so
 * lanes would save six multiplications of eighteen and cost more in shifts and wide opcodes. Sums are plain i32; a shared
 * row's pixels are loaded once, finish one output and begin the next.
 *
 * `direct`: any filter, stride and dilation. Sums are plain i32, the filter's rows a loop, their weights loaded once for
 * a strip's outputs.
 */
import { laneBits, liftFactor, liftUnit } from "./depthwise_lift.js";
import {
  columnsOf,
  type DepthwiseKernel,
  declareRow,
  each,
  edgeConstants,
  edgeLines,
  edgesOf,
  finishLines,
  indent,
  leastOffset,
  liftedColumns,
  liftedTap,
  liftOffset,
  loadLines,
  padEdges,
  padLines,
  productTerms,
  recordBytes,
  recordHeader,
} from "./depthwise_strip.js";

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

const weight = (tap: number) => `load<i8>(tile, ${recordHeader + tap})`;

/** The channel's weights in locals, and what padding makes of them. */
function weightLines(kernel: DepthwiseKernel): string[] {
  const { scheme, height, width, padTop } = kernel;
  if (scheme === "direct") return [];
  const tap = (ky: number, kx: number) => weight(ky * width + kx);
  if (scheme === "register") {
    const sum = each(width, (kx) => `W${kx}`).join(" + ");
    return [
      ...each(width, (kx) => {
        const lanes = each(height, (ky) =>
          ky === 0 ? `<i64>${tap(ky, kx)}` : `(<i64>${tap(ky, kx)} << ${ky * laneBits(kernel)})`,
        );
        return `const W${kx}: i64 = ${lanes.join(" + ")};`;
      }),
      ...(kernel.lifted
        ? [`const q: i64 = <i64>load<u8>(tile, ${liftOffset(kernel)}) * (${liftUnit});`]
        : []),
      ...edgeConstants(kernel, "W", "i64"),
      // A row of padding above the image has been taken in already.
      padTop > 0 ? `const start: i64 = zeroPoint * (${sum});` : "const start: i64 = 0;",
      ...(kernel.lifted ? liftLines(kernel) : []),
      ...(kernel.skipping && !kernel.lifted
        ? [`const limit: i64 = (<i64>least << ${top(kernel)}) - ${half(kernel)};`]
        : []),
    ];
  }
  return each(height, (ky) => [
    ...each(width, (kx) => `const w${ky}_${kx}: i32 = ${tap(ky, kx)};`),
    ...edgeConstants(kernel, `w${ky}_`, "i32"),
  ]).flat();
}

/** Bits below the register's top lane. */
const top = (kernel: DepthwiseKernel) => (kernel.height - 1) * laneBits(kernel);
/** Half of the top lane's unit, which lanes below never reach. */
const half = (kernel: DepthwiseKernel) => `0x${(1n << BigInt(top(kernel) - 1)).toString(16)}`;

/**
 * What lifted pixels add to a sum once it is steady, by tap, and what goes off again in k. What lies below the top lane
 * is not negative then: the whole word is compared with a least sum, before anything is taken out of it.
 */
function liftLines(kernel: DepthwiseKernel): string[] {
  return each(kernel.width, (kx) => [
    `const lift${kx}: i64 = q * W${kx} * 0x${liftFactor(laneBits(kernel)).toString(16)};`,
    `const h${kx}: i64 = lift${kx} >> ${top(kernel)};`,
    `const k${kx}: i64 = k - h${kx} * m;`,
    ...(kernel.skipping ? [`const limit${kx}: i64 = (<i64>least + h${kx}) << ${top(kernel)};`] : []),
  ]).flat();
}

const assign = (kernel: DepthwiseKernel, target: (j: number) => string, weights: string): string[] =>
  each(kernel.columns, (j) => `${target(j)}${productTerms(kernel, weights, j).join(" + ")};`);

/** Loads a row of the image, or pads where it lies above or below. */
function guardedRow(kernel: DepthwiseKernel, pointer: string): string[] {
  const { padTop, padBottom } = kernel;
  if (padTop + padBottom === 0) return loadLines(kernel, pointer);
  const inside = padTop > 0 ? `<usize>(${pointer} - top) < extent` : `${pointer} < bottom`;
  return [
    `if (${inside}) {`,
    ...indent(loadLines(kernel, pointer), 2),
    "} else {",
    ...indent(padLines(kernel), 2),
    "}",
  ];
}

function registerLines(kernel: DepthwiseKernel): string[] {
  const { height, padTop, padBottom } = kernel;
  const lane = laneBits(kernel);
  const sum = (j: number) =>
    kernel.lifted ? `(a${j} >> ${top(kernel)})` : `((a${j} + ${half(kernel)}) >> ${top(kernel)})`;
  const reached = (j: number) => `a${j} >= limit${kernel.lifted ? liftedTap(kernel, j) : ""}`;
  const rows = [
    "do {",
    ...indent(loadLines(kernel, "p"), 2),
    ...liftedColumns(kernel).map((index) => `  v${index} += q;`),
    ...indent(
      assign(kernel, (j) => `a${j} = (a${j} << ${lane}) + `, "W"),
      2,
    ),
    "  if (p >= first) {",
    ...indent(finishLines(kernel, sum, reached), 4),
    "  }",
    "  p += inputRow;",
    "} while (p < end);",
  ];
  return [
    ...each(kernel.columns, (j) => `a${j} = start${kernel.lifted ? ` + lift${liftedTap(kernel, j)}` : ""};`),
    // Rows before the first one that finishes an output.
    `let first: usize = p + <usize>(${height - 1 - padTop} * inputRow);`,
    "let end: usize = p + extent;",
    ...(padBottom === 0
      ? rows
      : [
          "while (true) {",
          ...indent(rows, 2),
          "  if (first == 0) break;",
          "  first = 0;",
          "  p = padding;",
          "  end = padding + 1;",
          ...indent(padEdges(kernel), 2),
          "}",
        ]),
  ];
}

/** From sums that are plain i32. */
const finishPlain = (kernel: DepthwiseKernel) =>
  finishLines(
    kernel,
    (j) => `<i64>a${j}`,
    (j) => `a${j} >= least`,
  );

function sharedLines(kernel: DepthwiseKernel): string[] {
  const { padTop } = kernel;
  return [
    "const top: usize = p;",
    "const bottom: usize = p + extent;",
    ...(padTop > 0 ? ["p -= inputRow;"] : []),
    "let begun: i32 = 0;",
    "while (true) {",
    ...indent(guardedRow(kernel, "p"), 2),
    "  if (begun) {",
    ...indent(
      assign(kernel, (j) => `a${j} += `, "w2_"),
      4,
    ),
    ...indent(finishPlain(kernel), 4),
    "    if (begun == outputHeight) break;",
    "  }",
    "  begun += 1;",
    ...indent(
      assign(kernel, (j) => `a${j} = `, "w0_"),
      2,
    ),
    "  p += inputRow;",
    // Only the first and the last row of a window can lie outside: padding is one row at most.
    ...indent(loadLines(kernel, "p"), 2),
    ...indent(
      assign(kernel, (j) => `a${j} += `, "w1_"),
      2,
    ),
    "  p += inputRow;",
    "}",
  ];
}

function directLines(kernel: DepthwiseKernel): string[] {
  const { width, height, padTop, columns: R } = kernel;
  return [
    "const top: usize = p;",
    "const bottom: usize = p + extent;",
    ...(padTop > 0 ? ["p -= <usize>(padTop * inputRow);"] : []),
    "for (let row: i32 = 0; row < outputHeight; row++) {",
    "  let s: usize = p;",
    "  let w: usize = tile;",
    ...indent(
      each(R, (j) => `a${j} = 0;`),
      2,
    ),
    "  do {",
    ...indent(guardedRow(kernel, "s"), 4),
    ...indent(
      each(width, (kx) => `const w${kx}: i32 = load<i8>(w, ${recordHeader + kx});`),
      4,
    ),
    ...indent(edgeConstants(kernel, "w", "i32"), 4),
    ...indent(
      assign(kernel, (j) => `a${j} += `, "w"),
      4,
    ),
    "    s += rowPitch;",
    `    w += ${width};`,
    `  } while (w < tile + ${width * height});`,
    ...indent(finishPlain(kernel), 2),
    "  p += rowStep;",
    "}",
  ];
}

/** The file's text. Its one function is called by `compiler/depthwise_strips.ts`, which names the arguments. */
export function depthwiseSource(kernel: DepthwiseKernel): string {
  const { scheme, columns: R, height, width, stride, step, rectified, table } = kernel;
  const wide = scheme === "register" ? "i64" : "i32";
  const bytes = recordBytes(kernel);
  const rows = { register: registerLines, shared: sharedLines, direct: directLines }[scheme](kernel);
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
    ...indent(rows, 2),
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
