/** What the generated depthwise kernels execute, counted from their text (`generators/depthwise.ts`). */
import {
  columnsOf,
  type DepthwiseKernel,
  edgesOf,
  liftedColumns,
  tapsOutside,
} from "./generators/depthwise_strip.js";

/** What the kernel is called for. */
export interface DepthwiseCall {
  /** Channels that it computes. */
  readonly channels: number;
  readonly strips: number;
  readonly inputHeight: number;
  readonly outputHeight: number;
  /** Rows of the filter in the image, over all rows of outputs. */
  readonly filterRows: number;
}

/** Loading a row of pixels. */
function loadOpcodes(kernel: DepthwiseKernel): number {
  const inside = columnsOf(kernel).filter(({ side }) => side === "inside").length;
  return (kernel.step ? inside : 2 * inside - 1) + 3 * edgesOf(kernel).length;
}

/** Products of a row with a row of weights, summed, for all outputs of a strip. */
function productOpcodes(kernel: DepthwiseKernel): number {
  let opcodes = 0;
  for (let j = 0; j < kernel.columns; j++) {
    const outside = tapsOutside(kernel, j).length;
    opcodes += 2 * (kernel.width - outside) - 1 + (outside > 0 ? 1 : 0);
  }
  return opcodes;
}

/** The share of a rectifier's outputs that are taken to be at the clamp's minimum. */
const assumedAtMinimum = 0.5;

/** Requantising and storing a strip's outputs. */
function finishOpcodes(kernel: DepthwiseKernel): number {
  const { scheme, columns, rectified, table, step, lifted, skipping } = kernel;
  const clamp = skipping ? 2 : table ? 1 : 5;
  const each = (scheme === "register" && !lifted ? 2 : 1) + (rectified ? 4 : 8) + clamp + 1;
  return columns * (skipping ? 2 + (1 - assumedAtMinimum) * each : each) + (step ? 1 : columns);
}

/** Bytes of the kernel's code, estimated: measured kernels on a line. */
export function depthwiseCodeBytes({ scheme, columns, height, width, rectified }: DepthwiseKernel): number {
  const perColumn = (rectified ? 50 : 75) + 10 * (scheme === "shared" ? height * width : width);
  return scheme === "register" ? 600 + columns * (perColumn + 10) : 340 + columns * perColumn;
}

/** Executed opcodes of one call. */
export function depthwiseOpcodes(kernel: DepthwiseKernel, call: DepthwiseCall): number {
  const { scheme, columns: R, height, width, padTop, padBottom } = kernel;
  const { inputHeight, outputHeight } = call;
  const load = loadOpcodes(kernel) + liftedColumns(kernel).length;
  const products = productOpcodes(kernel);
  const finish = finishOpcodes(kernel);
  const guard = padTop > 0 ? 3 : padBottom > 0 ? 2 : 0;
  const pixels = columnsOf(kernel).length;
  const strip = {
    register: () =>
      R +
      (inputHeight + padBottom) * (load + products + 2 * R + 5) +
      outputHeight * finish +
      (padBottom > 0 ? 10 : 0),
    shared: () =>
      (2 * outputHeight + 1 - padTop - padBottom) * load +
      (padTop + padBottom) * pixels +
      (outputHeight + 1) * (guard + 1) +
      outputHeight * (3 * products + 2 * R + finish + 6),
    direct: () =>
      call.filterRows * load +
      (outputHeight * height - call.filterRows) * pixels +
      outputHeight * (height * (guard + 6 + width + products + R) + R + finish + 5),
  }[scheme]();
  const taps = height * width;
  const weights = { register: 3 * taps + 4 + (kernel.lifted ? 5 * width + 1 : 0), shared: taps, direct: 0 }[
    scheme
  ];
  return 40 + call.channels * (26 + weights + (kernel.rectified ? 2 : 6) + call.strips * (14 + strip));
}
