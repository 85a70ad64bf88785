/**
 * How rows of the image become sums of a strip (`depthwise_strip.ts`), in three schemes.
 *
 * `register`, stride 1 down the image and three rows of weights (or two, 32 bits apart): the weights of a column of the
 * filter share one word, W_kx = w₀ + w₁·2²² + w₂·2⁴⁴. A row of the image adds w₀·x to the output that begins with it, w₁·x to the one that began
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
  type DepthwiseKernel,
  edgeConstants,
  finishLines,
  liftedColumns,
  liftedTap,
  liftOffset,
  loadLines,
  padEdges,
  padLines,
  productTerms,
  recordHeader,
} from "./depthwise_strip.js";
import { each, indent } from "./lines.js";

const weight = (tap: number) => `load<i8>(tile, ${recordHeader + tap})`;

/** The channel's weights in locals, and what padding makes of them. */
export function weightLines(kernel: DepthwiseKernel): string[] {
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

/** A strip's rows, from the first one to its last output. */
export function rowLines(kernel: DepthwiseKernel): string[] {
  return { register: registerLines, shared: sharedLines, direct: directLines }[kernel.scheme](kernel);
}
