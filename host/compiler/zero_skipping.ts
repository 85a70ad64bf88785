/**
 * The forms of a convolution that skip zeros: activations that are exactly the zero point, and padding. Kernels:
 * generated (`generators/zero_skipping.ts`), with `assembly/kernels/lanes.ts`.
 *
 * Exact wherever a three-lane form is. Its lanes sum v = 2²⁰·parts + Σ x·w, these v′ = Σ starts + Σ (x − z)·w with the
 * zero point z, so v = v′ + 2²⁰·parts + z·Σ w − Σ starts, and the difference times the multiplier goes into k. Both
 * sums have ranges of the same width, 255·Σ |w|, which is below 2²¹ since x·w fits its lane; a start of minus the
 * lowest sum therefore keeps (x − z)·w in [0, 2²¹), and where 2²⁰ does for all channels it is a constant of the code.
 */
import { laneBias, startSum } from "./generators/lane_words.js";
import { fitsFrame } from "./generators/lanes.js";
import {
  blockConstantBytes,
  type ZeroSkippingKernel,
  zeroSkippingCodeBytes,
  zeroSkippingName,
  zeroSkippingSource,
} from "./generators/zero_skipping.js";
import type { LaneConstants } from "./lane_constants.js";
import { type Finish, finishes, finishVariants, finishWhen } from "./lane_finish.js";
import { type Geometry, geometry } from "./lane_geometry.js";
import { type Proof, prove } from "./lane_proof.js";
import { dividesByFour, overlayTiles, packTiles, tileCalls, tileScratch, writeStarts } from "./lane_tiles.js";
import type { KernelForm } from "./layer.js";
import type { Convolution } from "./sliding_filter.js";
import { zeroSkippingCost } from "./zero_skipping_cost.js";

/** What a form is made for; the rest of its kernel follows from the layer. */
interface Variant {
  readonly pixels: number;
  readonly words: number;
  readonly together: number;
  readonly fixed: boolean;
  readonly finish: Finish;
  /** Whether the output may take the input's place; then the last pixels of the input are kept apart. */
  readonly inPlace: boolean;
}

/** Products that a round of the innermost loop may hold, all combinations of pixels counted. */
const mostProducts = 96;

/** Smaller blocks test too often for what they skip. */
const fewestWords = 4;

/** Lane starts by channel and part, or null where 2²⁰ does for all: for the range only, or for the gate. */
const starts = new WeakMap<Convolution, readonly (readonly number[])[] | null>();

export function laneStarts(layer: Convolution): readonly (readonly number[])[] | null {
  let found = starts.get(layer);
  if (found === undefined) {
    found = computeStarts(layer);
    starts.set(layer, found);
  }
  return found;
}

/** The starts that kernels of tiles take: for the gate of `lane_proof.ts` where there is one. */
export function zeroStarts(layer: Convolution): readonly (readonly number[])[] | null {
  const { gate } = prove(layer) as Proof;
  if (!gate) return laneStarts(layer);
  return gate.map((least, channel) => [laneBias - least + layer.inputZeroPoint * sumOf(layer, channel)]);
}

const sumOf = ({ filters }: Convolution, channel: number) =>
  (filters[channel] ?? new Int8Array()).reduce((sum, weight) => sum + weight, 0);

function computeStarts(layer: Convolution): readonly (readonly number[])[] | null {
  const { parts } = prove(layer) as Proof;
  const [least, most] = [-128 - layer.inputZeroPoint, 127 - layer.inputZeroPoint];
  let centred = true;
  const byChannel = layer.filters.map((weights) => {
    const size = weights.length / parts;
    return Array.from({ length: parts }, (_, part) => {
      let [lowest, highest] = [0, 0];
      for (const weight of weights.subarray(part * size, (part + 1) * size)) {
        lowest += weight > 0 ? least * weight : most * weight;
        highest += weight > 0 ? most * weight : least * weight;
      }
      centred &&= laneBias + lowest >= 0 && laneBias + highest < 2 * laneBias;
      return -lowest;
    });
  });
  return centred ? null : byChannel;
}

function kernelOf(layer: Convolution, variant: Variant): ZeroSkippingKernel {
  const { pixels, words, together, fixed, finish, inPlace } = variant;
  const { parts, rectified, gate } = prove(layer) as Proof;
  const { segment, pixelStep } = geometry(layer) as Geometry;
  const products = words * together * 2 ** (together - 1);
  return {
    pixels,
    words,
    together,
    parts,
    rectified,
    gated: gate !== null,
    table: finish !== "loop" && !rectified,
    direct: finish === "direct",
    byFour: finish === "direct" && dividesByFour(layer, words),
    starts: gate !== null || laneStarts(layer) !== null,
    overlap: layer.outputChannels < words * 3,
    unroll: [4, 3, 2].find((count) => segment % count === 0 && count * products <= mostProducts) ?? 1,
    inPlace,
    pixelStep: fixed ? pixelStep : null,
    pixelBytes: fixed ? layer.outputChannels : null,
  };
}

/** Whether blocks of so many words divide a layer's words as evenly as any number of blocks can, and are not tiny. */
function isEven(all: number, words: number): boolean {
  return words >= Math.min(all, fewestWords) && Math.ceil(all / Math.ceil(all / words)) === words;
}

/** Whether every pixel's outputs lie just where its inputs did, which all have been read by then. */
function overlays(layer: Convolution, { segments, segment, pixelStep }: Geometry, words: number): boolean {
  const pointwise = segments === 1 && segment === pixelStep && segment === layer.inputChannels;
  return (
    pointwise &&
    layer.inputChannels === layer.outputChannels &&
    layer.outputChannels <= words * 3 &&
    layer.inputs[0]?.bytes === layer.outputs[0]?.bytes
  );
}

function tileForm(variant: Variant): KernelForm<Convolution> {
  const { pixels, words, together, fixed, finish, inPlace } = variant;
  return {
    name: `zero_skipping_${pixels}x${words}_${together}${fixed ? "_fixed" : ""}${finish === "loop" ? "" : `_${finish}`}${inPlace ? "_in_place" : ""}`,
    when: `as lanes; quicker where an input comes from a rectifier: half of it is taken to be zero${inPlace ? "; one window a pixel, and as many output channels as input channels" : ""}${finishWhen[finish]}`,
    applies(layer) {
      const shape = geometry(layer);
      if (shape === null || shape.columns < pixels || layer.outputChannels < 3) return false;
      if (!isEven(Math.ceil(layer.outputChannels / 3), words)) return false;
      if (inPlace && !overlays(layer, shape, words)) return false;
      const proof = prove(layer);
      return proof !== null && finishes(proof, finish);
    },
    generated: (layer) => zeroSkippingName(kernelOf(layer, variant)),
    overlay: (layer) => (inPlace ? null : overlayTiles(layer, words)),
    codeBytes: (layer) => zeroSkippingCodeBytes(kernelOf(layer, variant)),
    cost: (layer, target) => zeroSkippingCost(layer, target, kernelOf(layer, variant)),
    ...(inPlace ? { inPlace: (layer: Convolution) => layer.inputs } : {}),
    scratch(layer) {
      const kernel = kernelOf(layer, variant);
      return tileScratch(layer, kernel, {
        constants: blockConstantBytes(kernel),
        sums: kernel.direct ? 8 : pixels * words * 8 * kernel.parts,
        ...(inPlace ? { more: pixels * (geometry(layer) as Geometry).pixelStep } : {}),
      });
    },
    weights: (layer) => [packBlocks(layer, kernelOf(layer, variant))],
    emit(layer, places) {
      const kernel = kernelOf(layer, variant);
      return tileCalls(layer, places, kernel, {
        name: zeroSkippingName(kernel),
        source: () => zeroSkippingSource(kernel),
        more: inPlace ? [["saved", places.scratch.at(-1) as number]] : [],
      });
    },
  };
}

/** With each channel's constants moved by what its sums lack, and the words' starts where they have their own. */
function packBlocks(layer: Convolution, kernel: ZeroSkippingKernel): Uint8Array {
  const { constants } = prove(layer) as Proof;
  const lanes = zeroStarts(layer);
  const moved = (channel: number): LaneConstants => {
    const { k, ...rest } = constants[channel] as LaneConstants;
    return { k: k + BigInt(rest.m) * BigInt(difference(layer, channel, kernel.parts, lanes)), ...rest };
  };
  return packTiles(layer, kernel, blockConstantBytes(kernel), moved, (view, from, channels) => {
    if (!lanes) {
      view.setBigUint64(from, BigInt(startSum), true);
      return from + 8;
    }
    let at = from;
    for (let part = 0; part < kernel.parts; part++)
      at = writeStarts(view, at, channels, (channel) => lanes[channel]?.[part] ?? 0);
    return at;
  });
}

/** v − v′ of a channel. @param starts by channel and part; null: 2²⁰ for all */
export function difference(
  layer: Convolution,
  channel: number,
  parts: number,
  starts: readonly (readonly number[])[] | null,
): number {
  const started = starts?.[channel]?.reduce((sum, start) => sum + start, 0) ?? parts * laneBias;
  return parts * laneBias + layer.inputZeroPoint * sumOf(layer, channel) - started;
}

/** Pixels finished at once, and of them together. */
const tiles = [
  [1, 1],
  [2, 2],
  [4, 2],
  [3, 3],
  [4, 4],
  [5, 5],
] as const;
/** More than the sums of one pixel fit where they cost nothing in WAMR's frame. */
const mostWords = 48;

const forms = (inPlace: boolean): KernelForm<Convolution>[] =>
  tiles.flatMap(([pixels, together]) =>
    Array.from({ length: mostWords }, (_, word) => word + 1).flatMap((words) =>
      finishVariants
        .filter(() => fitsFrame(together, words))
        .filter(({ finish }) => finish !== "direct" || pixels === together)
        .map((variant) => tileForm({ pixels, words, together, inPlace, ...variant })),
    ),
  );

/** The forms, of each number of words. */
export const zeroSkippingForms: readonly KernelForm<Convolution>[] = forms(false);

/** The same where the output may take the input's place: RAM for wider blocks. */
export const zeroSkippingInPlaceForms: readonly KernelForm<Convolution>[] = forms(true);
