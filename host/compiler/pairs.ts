/**
 * The forms of FULLY_CONNECTED for a single vector that read two weights a lane from flash. Kernels: generated
 * (`generators/pairs.ts`). A channel whose sums would leave a lane is left out there and computed by the plain kernel.
 */
import type { Tensor } from "../model/graph.js";
import { foldBias } from "./filter.js";
import { type QuantizedMultiplier, shifts } from "./fixed_point.js";
import { constantBytes } from "./generators/lanes.js";
import { chunkTaps, type PairsKernel, pairsName, pairsSource } from "./generators/pairs.js";
import { fitsLane, type LaneConstants, laneConstants } from "./lane_constants.js";
import type { Argument, KernelCall, KernelForm, Places } from "./layer.js";
import type { Convolution } from "./sliding_filter.js";

/** Channels that may be computed apart; with more, the plain form is as good. */
const mostApart = 8;

interface Proof {
  readonly rectified: boolean;
  /** null for a channel that is computed apart. */
  readonly constants: readonly (LaneConstants | null)[];
}

const proofs = new WeakMap<Convolution, Proof | null>();

/** @param layer a fully connected layer as a 1×1 convolution */
function prove(layer: Convolution): Proof | null {
  let found = proofs.get(layer);
  if (found === undefined) {
    found = layer.inputHeight === 1 && layer.inputs[0]?.type === "int8" ? computeProof(layer) : null;
    proofs.set(layer, found);
  }
  return found;
}

function computeProof(layer: Convolution): Proof | null {
  const rectified = layer.clamp.minimum >= layer.outputZeroPoint;
  const constants = layer.filters.map((weights, channel) => {
    if (!fitsLane(weights)) return null;
    const bias = foldedBias(layer, channel);
    return laneConstants(weights, bias, multiplierOf(layer, channel), 1, layer.outputZeroPoint, rectified);
  });
  return constants.filter((one) => one === null).length <= mostApart ? { rectified, constants } : null;
}

const multiplierOf = (layer: Convolution, channel: number) =>
  layer.multipliers[channel] as QuantizedMultiplier;

function foldedBias(layer: Convolution, channel: number): number {
  return foldBias(layer.bias[channel] ?? 0, layer.filters[channel] ?? [], layer.inputZeroPoint);
}

/** Channels at which blocks of `size` begin; the last one steps back. */
function blockStarts(outputs: number, size: number): number[] {
  return Array.from({ length: Math.ceil(outputs / size) }, (_, block) =>
    Math.min(block * size, outputs - size),
  );
}

/** Bytes of a plain record: the folded bias, then the weights (`fully_connected.ts`). */
const plainRecordBytes = (layer: Convolution) => (4 + layer.inputChannels + 3) & ~3;

function apart(layer: Convolution): number[] {
  return (prove(layer)?.constants ?? []).flatMap((one, channel) => (one === null ? [channel] : []));
}

function wordsForm(words: number): KernelForm<Convolution> {
  const size = words * 6;
  const kernelOf = (layer: Convolution): PairsKernel => ({
    words,
    rectified: prove(layer)?.rectified ?? false,
  });
  return {
    name: `pairs_${words}`,
    when: `int8, one vector, 6·N outputs at least, and all but ${mostApart} channels proved to fit lanes of two weights`,
    applies: (layer) => layer.outputChannels >= size && prove(layer) !== null,
    generated: (layer) => pairsName(kernelOf(layer)),
    cost: (layer) => cost(layer, kernelOf(layer)),
    scratch(layer) {
      const tile = Math.max(chunkTaps * words * 8, size * constantBytes(kernelOf(layer)));
      const plain = apart(layer).length > 0 ? plainRecordBytes(layer) : 0;
      return [
        { kind: "weights", bytes: Math.max(tile, plain) },
        { kind: "scratch", bytes: words * 16 },
      ];
    },
    weights: (layer) => [
      packBlocks(layer, kernelOf(layer)),
      ...apart(layer).map((channel) => packPlain(layer, channel)),
    ],
    emit(layer, places) {
      const kernel = kernelOf(layer);
      const name = pairsName(kernel);
      return [
        {
          file: `generated/${name}`,
          function: name,
          source: () => pairsSource(kernel),
          arguments: [
            ...placeArguments(layer, places, 0),
            ["sums", places.scratch[1] as number],
            ["depth", layer.inputChannels],
            ["outputs", layer.outputChannels],
            ["minimum", layer.clamp.minimum],
            ["maximum", layer.clamp.maximum],
          ],
        },
        ...apart(layer).map((channel, index) => plainCall(layer, places, channel, index + 1)),
      ];
    },
  };
}

/** @param block which of the form's weight blocks; @param first output channel that is written */
function placeArguments(layer: Convolution, places: Places, block: number, first = 0): Argument[] {
  return [
    ["input", places.address(layer.inputs[0] as Tensor)],
    ["output", places.address(layer.outputs[0] as Tensor) + first],
    ["weights", places.weights[block] as number],
    ["tile", places.scratch[0] as number],
  ];
}

/** One channel by the plain kernel. */
function plainCall(layer: Convolution, places: Places, channel: number, block: number): KernelCall {
  const { multiplier, shift } = multiplierOf(layer, channel);
  const { left, right } = shifts(shift);
  return {
    file: "kernels/fully_connected",
    function: "fullyConnected",
    arguments: [
      ...placeArguments(layer, places, block, channel),
      ["batches", 1],
      ["inputDepth", layer.inputChannels],
      ["outputDepth", 1],
      ["multiplier", multiplier],
      ["left", left],
      ["right", right],
      ["outputZeroPoint", layer.outputZeroPoint],
      ["activationMin", layer.clamp.minimum],
      ["activationMax", layer.clamp.maximum],
    ],
  };
}

function packPlain(layer: Convolution, channel: number): Uint8Array {
  const bytes = new Uint8Array(plainRecordBytes(layer));
  new DataView(bytes.buffer).setInt32(0, foldedBias(layer, channel), true);
  const weights = layer.filters[channel] as Int8Array;
  bytes.set(new Uint8Array(weights.buffer, weights.byteOffset, weights.length), 4);
  return bytes;
}

/** Per block and tap its words, then the channels' constants. */
function packBlocks(layer: Convolution, kernel: PairsKernel): Uint8Array {
  const { constants } = prove(layer) as Proof;
  const { words } = kernel;
  const size = words * 6;
  const each = constantBytes(kernel);
  const starts = blockStarts(layer.outputChannels, size);
  const bytes = new Uint8Array(starts.length * (layer.inputChannels * words * 8 + size * each));
  const view = new DataView(bytes.buffer);
  let at = 0;
  for (const start of starts) {
    // A channel that is computed apart has zeros here, so that it cannot overflow into its neighbours.
    const byte = (channel: number, tap: number) =>
      BigInt((constants[start + channel] ? (layer.filters[start + channel]?.[tap] ?? 0) : 0) + 128);
    for (let tap = 0; tap < layer.inputChannels; tap++) {
      for (let word = 0; word < words; word++, at += 8) {
        let value = 0n;
        for (let lane = 0; lane < 3; lane++) {
          const pair = byte(word * 6 + lane, tap) | (byte(word * 6 + 3 + lane, tap) << 8n);
          value |= pair << BigInt(21 * lane);
        }
        view.setBigUint64(at, value, true);
      }
    }
    for (let channel = 0; channel < size; channel++, at += each) {
      const { k, m, e, r } = constants[start + channel] ?? { k: 0n, m: 0, e: 1, r: 0n };
      view.setBigInt64(at, k, true);
      view.setInt32(at + 8, m, true);
      view.setInt32(at + 12, e, true);
      if (!kernel.rectified) view.setBigInt64(at + 16, r, true);
    }
  }
  return bytes;
}

/** Opcodes as the generated code has them. */
function cost(layer: Convolution, { words: Q, rectified }: PairsKernel) {
  const depth = layer.inputChannels;
  const blocks = blockStarts(layer.outputChannels, Q * 6).length;
  const chunks = Math.ceil(depth / chunkTaps);
  const perOutput = rectified ? 16 : 22;
  const perBlock = depth * (8 * Q + 5) + chunks * 12 + Q * (4 + 6 * perOutput + 8) + 24;
  const alone = apart(layer).length * (60 + depth * 5.25);
  return {
    opcodes: Math.round(depth * 5 + blocks * perBlock + alone),
    bytesMoved: blocks * (depth * Q * 8 + Q * 6 * constantBytes({ rectified })),
  };
}

/** The forms, one per number of words: two sums a word, in locals. */
export const pairsForms: readonly KernelForm<Convolution>[] = Array.from({ length: 16 }, (_, index) =>
  wordsForm(index + 1),
);
