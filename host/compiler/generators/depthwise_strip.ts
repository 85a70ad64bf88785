/**
 * What the generated depthwise kernels share: a strip of R output columns, how it reads a row of the image, and how
 * finished sums become bytes.
 *
 * A strip goes down the image, so that a channel's constants are loaded once for all of it and a row's pixels once for
 * all outputs that they touch. Columns beside the image are its padding, the input's zero point. Where a strip is as
 * wide as the image their products are constants of the channel; otherwise the first and the last strip load them from
 * where a zero point lies, and no strip asks which one it is. So no padded copy is made.
 *
 * Base pointers stand on a pixel of the image, never left of it: the optimiser may fold a step to the right into a
 * load's offset, and an address below zero then traps.
 */

import { each, indent } from "./lines.js";

/** How rows of the image become sums; `depthwise_schemes.ts` says how each works. */
export type Scheme = "register" | "shared" | "direct";

/** What a kernel is specialised for; layers with the same share it. */
export interface DepthwiseKernel {
  readonly scheme: Scheme;
  /** Output columns of a strip. */
  readonly columns: number;
  readonly height: number;
  readonly width: number;
  /** From column to column. */
  readonly stride: number;
  readonly dilation: number;
  /** Columns of the first and the last strip that lie beside the image. */
  readonly padLeft: number;
  readonly padRight: number;
  /** Rows of padding. */
  readonly padTop: number;
  readonly padBottom: number;
  /** Whether a strip is a whole row. */
  readonly single: boolean;
  /** Bytes from pixel to pixel of input and output, where the kernel knows them. */
  readonly step: { readonly input: number; readonly output: number } | null;
  /** Whether the clamp cuts everything below the output's zero point: one rounding then does (`lane_constants.ts`). */
  readonly rectified: boolean;
  /** Whether the clamp is a table (`clamp_table.ts`); a skipping kernel has only its upper end left. */
  readonly table: boolean;
  /** Of the register: whether pixels carry what keeps lower lanes from borrowing (`depthwise_lift.ts`). */
  readonly lifted: boolean;
  /**
   * Whether outputs whose sum is below the channel's least are left alone: the clamp's minimum is there already. Half of
   * a rectifier's outputs are, and a comparison takes the place of requantising and storing them.
   */
  readonly skipping: boolean;
}

/** One pixel of a strip's row. */
interface Column {
  readonly index: number;
  readonly side: "inside" | "left" | "right";
}

/** Where the weights begin in a channel's record: k i64, m i32, channel u16, e u8, then i8[height · width]. */
export const recordHeader = 15;

/** Where a lifted kernel's record has the number of its q, u8, behind the weights. */
export function liftOffset({ height, width }: Pick<DepthwiseKernel, "height" | "width">): number {
  return recordHeader + height * width;
}

/**
 * Where a skipping kernel's record has the least sum above the clamp's minimum, i24: the upper three bytes of the i32 that
 * begins a byte earlier.
 */
export function leastOffset(kernel: Pick<DepthwiseKernel, "height" | "width" | "lifted">): number {
  return liftOffset(kernel) + (kernel.lifted ? 1 : 0);
}

/** Bytes of one channel's record; each is brought to the same place, so k is aligned there. */
export function recordBytes(
  kernel: Pick<DepthwiseKernel, "height" | "width" | "lifted" | "skipping">,
): number {
  return (leastOffset(kernel) + (kernel.skipping ? 3 : 0) + 3) & ~3;
}

/** The tap of output `j` whose pixel is lifted: each output has one, whatever column they begin with. */
export function liftedTap(kernel: DepthwiseKernel, j: number): number {
  const { width, padLeft, single } = kernel;
  // The one beside the image costs nothing: there, lifting is part of a constant.
  const first = single && padLeft > 0 ? 0 : width - 1;
  return (((first - j) % width) + width) % width;
}

/** Pixels that are lifted, a row: locals of `declareRow`. */
export function liftedColumns(kernel: DepthwiseKernel): number[] {
  if (!kernel.lifted) return [];
  const lifted = new Set(each(kernel.columns, (j) => j + liftedTap(kernel, j)));
  return columnsOf(kernel)
    .filter(({ index, side }) => lifted.has(index) && (side === "inside" || !kernel.single))
    .map(({ index }) => index);
}

/** Pixels that a strip reads of each row, from left to right. */
export function columnsOf(kernel: DepthwiseKernel): Column[] {
  const { columns, width, stride, dilation, padLeft, padRight } = kernel;
  const count = (columns - 1) * stride + (width - 1) * dilation + 1;
  const used = new Set(each(columns, (j) => each(width, (kx) => j * stride + kx * dilation)).flat());
  return [...used]
    .sort((a, b) => a - b)
    .map((index) => ({
      index,
      side: index < padLeft ? "left" : index >= count - padRight ? "right" : "inside",
    }));
}

/** Columns beside the image that are asked for, since strips differ in them. */
export const edgesOf = (kernel: DepthwiseKernel): Column[] =>
  kernel.single ? [] : columnsOf(kernel).filter(({ side }) => side !== "inside");

/** Locals of a row, declared once: inside a loop AssemblyScript would set them to zero each time. */
export function declareRow(kernel: DepthwiseKernel, type: string): string[] {
  return [
    ...columnsOf(kernel)
      .filter(({ side }) => side === "inside" || !kernel.single)
      .map(({ index }) => `let v${index}: ${type} = 0;`),
    ...(kernel.step ? [] : ["let pixel: usize = 0;"]),
  ];
}

/** Bytes from the first pixel inside every image to the one at `index`, as an expression. */
function distance({ padLeft, step }: DepthwiseKernel, index: number): string {
  const pixels = index - padLeft;
  return step ? `${pixels * step.input}` : `${pixels} * inputPixel`;
}

/**
 * At a strip's start: where its edges are loaded from. `(pointer & keepLeft) + left0` is a pixel left of the pointer, or
 * `padding`, where a zero point lies.
 */
export function edgeLines(kernel: DepthwiseKernel): string[] {
  return ends.flatMap(({ side, keep, within }) => {
    const edges = edgesOf(kernel).filter((edge) => edge.side === side);
    if (edges.length === 0) return [];
    return [
      `let ${keep}: usize = <usize>(${within} ? -1 : 0);`,
      ...edges.map(
        ({ index }) => `let edge${index}: usize = ${within} ? <usize>(${distance(kernel, index)}) : padding;`,
      ),
    ];
  });
}

const ends = [
  { side: "left", keep: "keepLeft", within: "column > 0" },
  { side: "right", keep: "keepRight", within: "column < lastColumn" },
] as const;

/** From here on all edges are padding. */
export function padEdges(kernel: DepthwiseKernel): string[] {
  return ends.flatMap(({ side, keep }) => {
    const edges = edgesOf(kernel).filter((edge) => edge.side === side);
    if (edges.length === 0) return [];
    return [`${keep} = 0;`, ...edges.map(({ index }) => `edge${index} = padding;`)];
  });
}

/** Loads a row of pixels whose first one inside every image is at `pointer`. */
export function loadLines(kernel: DepthwiseKernel, pointer: string): string[] {
  const { padLeft, step } = kernel;
  const edges = ends.flatMap(({ side, keep }) =>
    edgesOf(kernel)
      .filter((edge) => edge.side === side)
      .map(({ index }) => `v${index} = load<i8>((${pointer} & ${keep}) + edge${index});`),
  );
  let at = padLeft;
  const pixels = columnsOf(kernel).flatMap(({ index, side }) => {
    if (side !== "inside") return [];
    if (step) return [`v${index} = load<i8>(${pointer}, ${(index - padLeft) * step.input});`];
    const from = at === padLeft ? pointer : "pixel";
    const pixels = index - at;
    at = index;
    if (pixels === 0) return [`v${index} = load<i8>(${from});`];
    return [
      `pixel = ${from} + ${pixels === 1 ? "inputPixel" : `${pixels} * inputPixel`};`,
      `v${index} = load<i8>(pixel);`,
    ];
  });
  return [...edges, ...pixels];
}

/** A row of padding in place of one of the image. */
export function padLines(kernel: DepthwiseKernel): string[] {
  return columnsOf(kernel)
    .filter(({ side }) => side === "inside" || !kernel.single)
    .map(({ index }) => `v${index} = zeroPoint;`);
}

/** Taps of output `j` that always lie beside the image. */
export function tapsOutside(kernel: DepthwiseKernel, j: number): number[] {
  if (!kernel.single) return [];
  const inside = new Set(columnsOf(kernel).flatMap(({ index, side }) => (side === "inside" ? [index] : [])));
  return each(kernel.width, (kx) => kx).filter((kx) => !inside.has(j * kernel.stride + kx * kernel.dilation));
}

const edgeName = (weights: string, taps: readonly number[], lifted: number | null) =>
  `${weights}_beside_${taps.join("_")}${lifted === null ? "" : `_lifted_${lifted}`}`;

/** The lifted tap of output `j` where it lies beside the image. */
function liftedOutside(kernel: DepthwiseKernel, j: number, outside: readonly number[]): number | null {
  const tap = liftedTap(kernel, j);
  return kernel.lifted && outside.includes(tap) ? tap : null;
}

/** Products of a row of pixels with a row of weights `<weights>0`, `<weights>1` … for output `j`: terms of a sum. */
export function productTerms(kernel: DepthwiseKernel, weights: string, j: number): string[] {
  const outside = tapsOutside(kernel, j);
  const inside = each(kernel.width, (kx) => kx).filter((kx) => !outside.includes(kx));
  return [
    ...inside.map((kx) => `v${j * kernel.stride + kx * kernel.dilation} * ${weights}${kx}`),
    ...(outside.length > 0 ? [edgeName(weights, outside, liftedOutside(kernel, j, outside))] : []),
  ];
}

/** The constants that `productTerms` names: padding beside the image times the weights there. */
export function edgeConstants(kernel: DepthwiseKernel, weights: string, type: string): string[] {
  const lines = new Map<string, string>();
  for (let j = 0; j < kernel.columns; j++) {
    const outside = tapsOutside(kernel, j);
    if (outside.length === 0) continue;
    const lifted = liftedOutside(kernel, j, outside);
    const name = edgeName(weights, outside, lifted);
    const sum = outside.map((kx) => `${weights}${kx}`).join(" + ");
    const lift = lifted === null ? "" : ` + q * ${weights}${lifted}`;
    lines.set(name, `const ${name}: ${type} = zeroPoint * (${sum})${lift};`);
  }
  return [...lines.values()];
}

/**
 * Requantises and stores R finished sums, and moves `o` to the next row.
 * @param sum the expression (i64) of output `j`
 * @param reached whether output `j` is above the minimum, for a skipping kernel
 */
export function finishLines(
  kernel: DepthwiseKernel,
  sum: (j: number) => string,
  reached: (j: number) => string,
): string[] {
  const { columns: R, step, rectified, table, lifted, skipping } = kernel;
  return each(R, (j) => {
    const k = lifted ? `k${liftedTap(kernel, j)}` : "k";
    const value = rectified
      ? [`const y${j}: i32 = <i32>((${sum(j)} * m + ${k}) >> e);`]
      : [
          `const t${j}: i64 = (${sum(j)} * m + ${k}) >> 31;`,
          `const y${j}: i32 = <i32>((t${j} + r + (t${j} >> 63)) >> e);`,
        ];
    const clamped = skipping ? `min<i32>(y${j}, maximum)` : `clamp(y${j}, minimum, maximum)`;
    const byte = table ? `load<u8>(<usize>y${j})` : clamped;
    const moves = step ? j === R - 1 : true;
    const finished = [...value, `store<u8>(o, ${byte}${step && j > 0 ? `, ${j * step.output}` : ""});`];
    return [
      ...(skipping ? [`if (${reached(j)}) {`, ...indent(finished, 2), "}"] : finished),
      ...(moves ? [j === R - 1 ? "o += toNextRow;" : "o += outputPixel;"] : []),
    ];
  }).flat();
}
