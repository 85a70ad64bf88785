/**
 * The three-lane forms of a convolution: a grid of tiles, of which those apply whose exactness is proved for the
 * layer's own weights. Kernels: generated (`generators/lanes.ts`), with `assembly/kernels/lanes.ts`.
 */

import { epilogueOpcodes } from "./generators/lane_epilogue.js";
import { laneBias, startSum } from "./generators/lane_words.js";
import {
  blockConstantBytes,
  fitsFrame,
  type LanesKernel,
  lanesCodeBytes,
  lanesName,
  lanesSource,
} from "./generators/lanes.js";
import type { LaneConstants } from "./lane_constants.js";
import { type Finish, finishes, finishVariants, finishWhen } from "./lane_finish.js";
import { type Geometry, geometry } from "./lane_geometry.js";
import { type Proof, prove } from "./lane_proof.js";
import {
  dividesByFour,
  overlayTiles,
  packTiles,
  tileCalls,
  tileCost,
  tileScratch,
  writeStarts,
} from "./lane_tiles.js";
import type { KernelCost, KernelForm } from "./layer.js";
import type { Convolution } from "./sliding_filter.js";

/** What a form is made for; the rest of its kernel follows from the layer. */
interface Variant {
  readonly pixels: number;
  readonly words: number;
  /** Whether the kernel knows the distances between pixels. */
  readonly fixed: boolean;
  readonly finish: Finish;
}

/** Products that a round of the innermost loop may hold; more where a kernel is made for one layer's speed anyway. */
const mostProducts = { shared: 48, own: 112 };
/** Sums of a tile that are worth straight code. */
const mostDirect = 64;

function kernelOf(layer: Convolution, { pixels, words, fixed, finish }: Variant): LanesKernel {
  const { parts, rectified, gate } = prove(layer) as Proof;
  const { segment, pixelStep } = geometry(layer) as Geometry;
  const most = finish === "direct" ? mostProducts.own : mostProducts.shared;
  const unroll = [4, 3, 2].find((taps) => segment % taps === 0 && taps * pixels * words <= most) ?? 1;
  return {
    pixels,
    words,
    parts,
    rectified,
    gated: gate !== null,
    table: finish !== "loop" && !rectified,
    direct: finish === "direct" && parts === 1 && pixels * words <= mostDirect,
    byFour: finish === "direct" && dividesByFour(layer, words),
    overlap: layer.outputChannels < words * 3,
    unroll,
    pixelStep: fixed ? pixelStep : null,
    pixelBytes: fixed ? layer.outputChannels : null,
  };
}

function tileForm(variant: Variant): KernelForm<Convolution> {
  const { pixels, words, fixed, finish } = variant;
  return {
    name: `lanes_${pixels}x${words}${fixed ? "_fixed" : ""}${finish === "loop" ? "" : `_${finish}`}`,
    when: `int8, P pixels a row and 3·Q − 2 output channels at least, and the sums of each channel's weights proved to fit lanes${fixed ? "; code for this layer's shape alone" : ""}${finishWhen[finish]}`,
    applies(layer) {
      const shape = geometry(layer);
      if (shape === null || shape.columns < pixels || layer.outputChannels < 3) return false;
      if (words > Math.ceil(layer.outputChannels / 3)) return false;
      const proof = prove(layer);
      return proof !== null && finishes(proof, finish);
    },
    generated: (layer) => lanesName(kernelOf(layer, variant)),
    overlay: (layer) => overlayTiles(layer, words),
    codeBytes: (layer) => lanesCodeBytes(kernelOf(layer, variant)),
    cost: (layer) => cost(layer, kernelOf(layer, variant)),
    scratch(layer) {
      const kernel = kernelOf(layer, variant);
      const sums = kernel.direct ? 8 : pixels * words * 8 * kernel.parts;
      return tileScratch(layer, kernel, { constants: blockConstantBytes(kernel), sums });
    },
    weights: (layer) => [packBlocks(layer, kernelOf(layer, variant))],
    emit(layer, places) {
      const kernel = kernelOf(layer, variant);
      return tileCalls(layer, places, kernel, { name: lanesName(kernel), source: () => lanesSource(kernel) });
    },
  };
}

function packBlocks(layer: Convolution, kernel: LanesKernel): Uint8Array {
  const { constants, gate } = prove(layer) as Proof;
  const of = (channel: number): LaneConstants => {
    const { k, ...rest } = constants[channel] as LaneConstants;
    return { k: k + BigInt(rest.m) * BigInt(gate?.[channel] ?? 0), ...rest };
  };
  return packTiles(layer, kernel, blockConstantBytes(kernel), of, (view, from, channels) => {
    if (gate) return writeStarts(view, from, channels, (channel) => laneBias - (gate[channel] ?? 0));
    view.setBigUint64(from, BigInt(startSum), true);
    return from + 8;
  });
}

/** Opcodes as the generated code has them; see its source beside this. */
function cost(layer: Convolution, kernel: LanesKernel): KernelCost {
  const { pixels: P, words: Q, parts, unroll } = kernel;
  const { segments, segment } = geometry(layer) as Geometry;
  const pointers = kernel.pixelStep === null ? P : 1;
  const taps = segment * (2 * P * Q + P + Q) + (segment / unroll) * (pointers + 3);
  const perSegment = taps + pointers + 5 + (parts > 1 ? 2 * P * Q : 0);
  const perTile =
    segments * perSegment +
    P * Q * (parts > 1 || kernel.direct ? 1 : 2) +
    (kernel.gated ? Q : 0) +
    epilogueOpcodes(kernel) +
    2 * pointers +
    14;
  return tileCost(layer, kernel, blockConstantBytes(kernel), perTile);
}

/** The forms, of each tile that fits a frame. */
export const lanesForms: readonly KernelForm<Convolution>[] = Array.from({ length: 8 }, (_, p) =>
  Array.from({ length: 16 }, (_, q) => [p + 1, q + 1] as const),
)
  .flat()
  .filter(([pixels, words]) => fitsFrame(pixels, words))
  .flatMap(([pixels, words]) => finishVariants.map((variant) => tileForm({ pixels, words, ...variant })));
