/**
 * The forms of a small convolution whose weights are literals in the code of a kernel of its own. Kernels: generated
 * (`generators/constant_weights.ts`). Exact wherever a three-lane form is, with the same constants (`lane_proof.ts`), or
 * with those of `zero_skipping.ts` where zeros are skipped.
 */

import { createHash } from "node:crypto";
import type { Tensor } from "../model/graph.js";
import { type ClampTable, fillClampTable, fillCost } from "./clamp_table.js";
import {
  type ConstantWeightsKernel,
  constantWeightsCodeBytes,
  constantWeightsSource,
} from "./generators/constant_weights.js";
import { epilogueOpcodes } from "./generators/lane_epilogue.js";
import { laneBias } from "./generators/lane_words.js";
import type { LaneConstants } from "./lane_constants.js";
import { finishes } from "./lane_finish.js";
import { type Geometry, geometry, paddingArguments, wordStarts } from "./lane_geometry.js";
import { type Proof, prove } from "./lane_proof.js";
import { clampArguments, overlayTiles } from "./lane_tiles.js";
import type { KernelCost, KernelForm, Target } from "./layer.js";
import type { Convolution } from "./sliding_filter.js";
import { difference, zeroStarts } from "./zero_skipping.js";
import { zeroShare } from "./zero_skipping_cost.js";

/** Words of weights beyond which the code is out of proportion, and the frame, too (an i64 takes two cells). */
const mostWords = 288;

const kernels = new WeakMap<Convolution, Map<boolean, ConstantWeightsKernel>>();

function kernelOf(layer: Convolution, skipping: boolean): ConstantWeightsKernel {
  const ofLayer = kernels.get(layer) ?? new Map<boolean, ConstantWeightsKernel>();
  kernels.set(layer, ofLayer);
  const kernel = ofLayer.get(skipping) ?? makeKernel(layer, skipping);
  ofLayer.set(skipping, kernel);
  return kernel;
}

function makeKernel(layer: Convolution, skipping: boolean): ConstantWeightsKernel {
  const { rows, columns, rowStep, pixelStep, segments, segment, pitch, padded } = geometry(layer) as Geometry;
  const { rectified, gate, constants, table } = prove(layer) as Proof;
  const words = Math.ceil(layer.outputChannels / 3);
  const firsts = wordStarts(layer.outputChannels, words);
  const inLanes = (first: number, value: (channel: number) => number) =>
    [0, 1, 2].reduce((word, lane) => word + (BigInt(value(first + lane)) << BigInt(21 * lane)), 0n);
  const zeros = skipping ? zeroStarts(layer) : null;
  const startOf = (channel: number) =>
    zeros ? (zeros[channel]?.[0] ?? 0) : laneBias - (skipping ? 0 : (gate?.[channel] ?? 0));
  const lacking = (channel: number) =>
    skipping ? difference(layer, channel, 1, zeros) : (gate?.[channel] ?? 0);
  const base = BigInt(rectified ? 0 : (table?.base ?? 0));
  const literals = constants.map(({ k, m, e, r }, channel): LaneConstants => {
    const moved = k + BigInt(m) * BigInt(lacking(channel));
    return { k: moved, m, e, r: rectified ? r : r - (base << BigInt(e)) };
  });
  const kernel = {
    pixels: 1,
    words,
    parts: 1,
    rectified,
    table: !rectified,
    gated: gate !== null,
    overlap: layer.outputChannels < words * 3,
    pixelBytes: layer.outputChannels,
    direct: true,
    literals,
    weights: Array.from({ length: segments * segment }, (_, tap) =>
      firsts.map((first) => inLanes(first, (channel) => layer.filters[channel]?.[tap] ?? 0)),
    ),
    begin: firsts.map((first) => BigInt.asIntN(64, inLanes(first, startOf))),
    offsets: Array.from(
      { length: segments * segment },
      (_, tap) => Math.floor(tap / segment) * pitch + (tap % segment),
    ),
    skipped: skipping ? layer.inputZeroPoint : null,
    pixelStep,
    rows,
    columns,
    rowStep,
    gathered: padded ? { rows: segments, pitch } : null,
  };
  const content = JSON.stringify(kernel, (_, value) => (typeof value === "bigint" ? `${value}` : value));
  const digest = createHash("sha256").update(content).digest("hex").slice(0, 12);
  return { ...kernel, name: `constant_weights_${digest}` };
}

function constantWeightsForm(skipping: boolean): KernelForm<Convolution> {
  return {
    name: `constant_weights${skipping ? "_skipping" : ""}`,
    when: `as lanes, at most ${mostWords} words of three weights, which are literals of code for this layer alone${skipping ? "; half of a rectified input is taken to be zero" : ""}`,
    applies(layer) {
      const shape = geometry(layer);
      if (shape === null || layer.outputChannels < 3) return false;
      if (shape.segments * shape.segment * Math.ceil(layer.outputChannels / 3) > mostWords) return false;
      const proof = prove(layer);
      return proof !== null && finishes(proof, "direct");
    },
    generated: (layer) => kernelOf(layer, skipping).name,
    overlay: (layer) => overlayTiles(layer, kernelOf(layer, skipping).words),
    codeBytes: (layer) => constantWeightsCodeBytes(kernelOf(layer, skipping)),
    cost: (layer, target) => cost(layer, target, kernelOf(layer, skipping)),
    scratch(layer) {
      const { gathered, table } = kernelOf(layer, skipping);
      const clamp = table ? prove(layer)?.table : null;
      return [
        ...(gathered ? [{ kind: "scratch" as const, bytes: gathered.rows * gathered.pitch }] : []),
        ...(clamp ? [{ kind: "scratch" as const, bytes: clamp.bytes }] : []),
      ];
    },
    weights: () => [],
    emit(layer, places) {
      const kernel = kernelOf(layer, skipping);
      const { table: clamp } = prove(layer) as Proof;
      const entries = places.scratch[kernel.gathered ? 1 : 0] ?? 0;
      const buffer = kernel.gathered ? (places.scratch[0] ?? 0) : 0;
      return [
        ...(kernel.table && clamp ? [fillClampTable(clamp, entries)] : []),
        {
          file: `generated/${kernel.name}`,
          function: kernel.name,
          source: () => constantWeightsSource(kernel),
          arguments: [
            ["input", places.address(layer.inputs[0] as Tensor)],
            ["output", places.address(layer.outputs[0] as Tensor)],
            ...clampArguments(layer, kernel, entries),
            ...paddingArguments(layer, geometry(layer) as Geometry, buffer),
          ],
        },
      ];
    },
  };
}

/** Opcodes as the generated code has them; see its source beside this. */
function cost(layer: Convolution, target: Target, kernel: ConstantWeightsKernel): KernelCost {
  const { weights, words, skipped, rows, columns, gathered, table, rectified, pixelBytes } = kernel;
  const left = skipped === null ? 1 : 1 - zeroShare(layer, target);
  const perTap = weights.map((tap) => {
    const products = tap.filter((word) => word !== 0n).length;
    if (products === 0) return 0;
    return skipped === null ? 1 + 2 * products : 3 + left * (1 + 2 * products);
  });
  const perPixel = perTap.reduce((sum, tap) => sum + tap, 0) + words + epilogueOpcodes(kernel) + 4;
  const perRow = 6 + (gathered ? 16 + gathered.rows * 16 : 0) + columns * perPixel;
  const clamp = table ? fillCost(prove(layer)?.table as ClampTable) : { opcodes: 0, bytesMoved: 0 };
  const copied = gathered
    ? gathered.rows * Math.min(gathered.pitch, layer.inputWidth * layer.inputChannels)
    : 0;
  return {
    opcodes: Math.round(clamp.opcodes + 20 + rows * perRow),
    bytesMoved: clamp.bytesMoved + rows * (copied + (rectified ? columns * (pixelBytes ?? 0) : 0)),
  };
}

/** The forms: every tap multiplied, or only those that are not zero. */
export const constantWeightsForms: readonly KernelForm<Convolution>[] = [false, true].map(
  constantWeightsForm,
);
