/** What kernels that skip zeros cost: half a frame of zeros is expected where a rectifier went before. */
import type { Tensor } from "../model/graph.js";
import { epilogueOpcodes } from "./generators/lane_epilogue.js";
import { blockConstantBytes, type ZeroSkippingKernel } from "./generators/zero_skipping.js";
import { type Geometry, geometry } from "./lane_geometry.js";
import { tileCost } from "./lane_tiles.js";
import type { KernelCost, Target } from "./layer.js";
import type { Convolution } from "./sliding_filter.js";
import { taps } from "./window.js";

/**
 * The share of a rectified input that is taken to be zero: what trained networks show (KWS 46–55 %, the ResNet 31–75 %,
 * VWW 21–95 %). It decides which kernel is taken, and is in the opcodes that `inspect` shows; answers are exact
 * whatever the share is.
 */
export const assumedZeroShare = 0.5;

/** The share of taps that is expected to be skipped. */
export function zeroShare(layer: Convolution, target: Target): number {
  const { vertical, horizontal } = layer;
  const share = target.rectified?.has(layer.inputs[0] as Tensor) ? assumedZeroShare : 0;
  const read = taps(vertical, layer.inputHeight).read * taps(horizontal, layer.inputWidth).read;
  const all = vertical.outputs * vertical.size * horizontal.outputs * horizontal.size;
  return 1 - (1 - share) * (read / all);
}

/** Opcodes of one tap, a word and all words apart, averaged over what `together` pixels may hold. */
export function tapOpcodes(
  kernel: Pick<ZeroSkippingKernel, "together" | "words" | "pixelStep" | "unroll">,
  zero: number,
): number {
  const { together: P, words: Q, pixelStep, unroll } = kernel;
  const left = 1 - zero;
  let [products, combinations] = [0, 1];
  for (let active = 0; active <= P; active++) {
    const share = combinations * left ** active * zero ** (P - active);
    if (active > 0) products += share * (1 + 2 * active);
    combinations = (combinations * (P - active)) / (active + 1);
  }
  // Load, subtraction and test of each pixel; of those not zero a widening, and a jump past what is for the others.
  const tests = P * (3 + 2 * left) - left;
  return Q * products + tests + ((pixelStep === null ? P : 1) + 3) / unroll;
}

/** Opcodes as the generated code has them; see its source beside this. */
export function zeroSkippingCost(layer: Convolution, target: Target, kernel: ZeroSkippingKernel): KernelCost {
  const { pixels, words: Q, together: P, parts, starts: ownStarts } = kernel;
  const { segments, segment } = geometry(layer) as Geometry;
  const pointers = kernel.pixelStep === null ? P : 1;
  const begin = (ownStarts ? Q : 0) + P * Q;
  const perSegment = segment * tapOpcodes(kernel, zeroShare(layer, target)) + pointers + 5;
  const perRun =
    segments * perSegment +
    parts * (begin + (kernel.direct ? 0 : P * Q) + (parts > 1 ? 2 : 0)) +
    pointers +
    9;
  const perTile = (pixels / P) * perRun + epilogueOpcodes(kernel) + 10;
  return tileCost(layer, kernel, blockConstantBytes(kernel), perTile);
}
