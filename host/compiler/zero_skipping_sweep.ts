/**
 * The forms of a convolution of three columns that skip zeros and sweep over the image. Exact where those of
 * `zero_skipping.ts` are, with the same constants; whole sums only, which all begin with 2²⁰. Kernels: generated
 * (`generators/zero_skipping_sweep.ts`), with `assembly/kernels/lanes.ts`.
 */

import type { Tensor } from "../model/graph.js";
import { type ClampTable, fillClampTable, fillCost } from "./clamp_table.js";
import { epilogueOpcodes } from "./generators/lane_epilogue.js";
import { startSum } from "./generators/lane_words.js";
import {
  type SweepKernel,
  sweepCodeBytes,
  sweepColumns,
  sweepConstantBytes,
  sweepName,
  sweepSource,
  tapWords,
} from "./generators/zero_skipping_sweep.js";
import type { LaneConstants } from "./lane_constants.js";
import { finishWhen } from "./lane_finish.js";
import { geometry, wordStarts } from "./lane_geometry.js";
import { type Proof, prove, takesTable } from "./lane_proof.js";
import { writeRecord } from "./lane_records.js";
import { clampArguments } from "./lane_tiles.js";
import type { KernelCost, KernelForm, Target } from "./layer.js";
import { overlayRows } from "./overlay.js";
import type { Convolution } from "./sliding_filter.js";
import { difference, laneStarts } from "./zero_skipping.js";
import { tapOpcodes, zeroShare } from "./zero_skipping_cost.js";

/** Sums beyond this many are not where they cost nothing in WAMR's frame (an i64 takes two of 256 cells). */
const mostSums = 96;
/** Products that a round of the innermost loop may hold, all combinations of rows counted. */
const mostProducts = 96;

function kernelOf(layer: Convolution, pixels: number, table: boolean): SweepKernel {
  const { outputChannels, inputChannels, horizontal } = layer;
  const [full, left] = [Math.floor(outputChannels / 3), outputChannels % 3];
  const products = tapWords({ full, left }) * pixels * 2 ** (pixels - 1);
  return {
    pixels,
    words: full + (left > 0 ? 1 : 0),
    full,
    left,
    parts: 1,
    rectified: (prove(layer) as Proof).rectified,
    // What every sum begins with is one constant, and sums in the middle have to fit, too.
    gated: false,
    table,
    overlap: left > 0,
    pitch: (horizontal.outputs - 1 + sweepColumns) * inputChannels,
    pixelBytes: horizontal.outputs * outputChannels,
    unroll: [4, 3, 2].find((taps) => inputChannels % taps === 0 && taps * products <= mostProducts) ?? 1,
  };
}

function applies(layer: Convolution, pixels: number, table: boolean): boolean {
  const { vertical, horizontal, outputChannels, batches } = layer;
  if (horizontal.size !== sweepColumns || batches !== 1 || outputChannels < 3) return false;
  if ([vertical.stride, vertical.dilation, horizontal.stride, horizontal.dilation].some((step) => step !== 1))
    return false;
  if (vertical.outputs < pixels || pixels * outputChannels > mostSums) return false;
  if (geometry(layer) === null) return false;
  const proof = prove(layer);
  return proof !== null && proof.parts === 1 && laneStarts(layer) === null && (!table || takesTable(proof));
}

function sweepForm(pixels: number, table: boolean): KernelForm<Convolution> {
  const gatheredBytes = (layer: Convolution, { pitch }: SweepKernel) =>
    (layer.vertical.size + pixels - 1) * pitch;
  return {
    name: `zero_skipping_sweep_${pixels}${table ? "_table" : ""}`,
    when: `as lanes, filters of three columns, strides and dilations 1, at most ${mostSums} sums in locals; half of a rectified input is taken to be zero${table ? finishWhen.table : ""}`,
    applies: (layer) => applies(layer, pixels, table),
    generated: (layer) => sweepName(kernelOf(layer, pixels, table)),
    overlay(layer) {
      const { outputs } = layer.vertical;
      const steps = Array.from({ length: Math.ceil(outputs / pixels) }, (_, step) => {
        const first = Math.min(step * pixels, outputs - pixels);
        return { first, end: first + pixels };
      });
      return overlayRows(layer, steps);
    },
    codeBytes: (layer) => sweepCodeBytes(kernelOf(layer, pixels, table)),
    cost: (layer, target) => cost(layer, target, kernelOf(layer, pixels, table)),
    scratch(layer) {
      const kernel = kernelOf(layer, pixels, table);
      const depth = layer.vertical.size * layer.inputChannels;
      const clamp = prove(layer)?.table;
      return [
        { kind: "weights", bytes: depth * tapWords(kernel) * 8 + sweepConstantBytes(kernel) },
        { kind: "scratch", bytes: pixels * kernel.words * 8 },
        { kind: "scratch", bytes: gatheredBytes(layer, kernel) },
        ...(table && clamp ? [{ kind: "scratch" as const, bytes: clamp.bytes }] : []),
      ];
    },
    weights: (layer) => [pack(layer, kernelOf(layer, pixels, table))],
    emit(layer, places) {
      const { table: clamp } = prove(layer) as Proof;
      const kernel = kernelOf(layer, pixels, table);
      const name = sweepName(kernel);
      const [tile, sums, buffer, entries] = places.scratch as [number, number, number, number];
      const start = layer.horizontal.pad * layer.inputChannels;
      const rowBytes = layer.inputWidth * layer.inputChannels;
      return [
        ...(table && clamp ? [fillClampTable(clamp, entries)] : []),
        {
          file: `generated/${name}`,
          function: name,
          source: () => sweepSource(kernel),
          arguments: [
            ["input", places.address(layer.inputs[0] as Tensor)],
            ["output", places.address(layer.outputs[0] as Tensor)],
            ["weights", places.weights[0] as number],
            ["tile", tile],
            ["sums", sums],
            ["rows", layer.vertical.outputs],
            ["columns", layer.horizontal.outputs],
            ["channels", layer.inputChannels],
            ["outputChannels", layer.outputChannels],
            ["kernelHeight", layer.vertical.size],
            ...clampArguments(layer, kernel, entries),
            ["buffer", buffer],
            ["copyBytes", Math.min(rowBytes, kernel.pitch - start)],
            ["start", start],
            ["inputHeight", layer.inputHeight],
            ["rowBytes", rowBytes],
            ["padTop", layer.vertical.pad],
            ["zeroPoint", layer.inputZeroPoint],
          ],
        },
      ];
    },
  };
}

/** Weights by filter row and input channel: the full words of each filter column, then a word for each channel left. */
function pack(layer: Convolution, kernel: SweepKernel): Uint8Array {
  const { constants, table } = prove(layer) as Proof;
  const { inputChannels, vertical, filters } = layer;
  const depth = vertical.size * inputChannels;
  const bytes = new Uint8Array(depth * tapWords(kernel) * 3 + sweepConstantBytes(kernel));
  const view = new DataView(bytes.buffer);
  let at = 0;
  for (let row = 0; row < vertical.size; row++) {
    for (let input = 0; input < inputChannels; input++) {
      const weight = (channel: number, column: number) =>
        filters[channel]?.[(row * sweepColumns + column) * inputChannels + input] ?? 0;
      for (let column = 0; column < sweepColumns; column++) {
        for (let channel = 0; channel < kernel.full * 3; channel++)
          view.setInt8(at++, weight(channel, column));
      }
      for (let channel = kernel.full * 3; channel < layer.outputChannels; channel++) {
        for (let column = 0; column < sweepColumns; column++) view.setInt8(at++, weight(channel, column));
      }
    }
  }
  const base = kernel.table ? (table?.base ?? 0) : 0;
  for (const first of wordStarts(layer.outputChannels, kernel.words)) {
    for (let channel = first; channel < first + 3; channel++) {
      const { k, ...rest } = constants[channel] as LaneConstants;
      const moved = k + BigInt(rest.m) * BigInt(difference(layer, channel, 1, null));
      at = writeRecord(view, at, { k: moved, ...rest }, base, kernel.rectified);
    }
  }
  view.setBigUint64(at, BigInt(startSum), true);
  return bytes;
}

/** Opcodes as the generated code has them; see its source beside this. */
function cost(layer: Convolution, target: Target, kernel: SweepKernel): KernelCost {
  const { vertical, horizontal, inputChannels } = layer;
  const { pixels: R, pitch, unroll, table } = kernel;
  const words = tapWords(kernel);
  const groups = Math.ceil(vertical.outputs / R);
  const depth = vertical.size * inputChannels;
  const tap = tapOpcodes({ together: R, words, pixelStep: pitch, unroll }, zeroShare(layer, target));
  const perColumn = depth * tap + vertical.size * 6 + R * (words + 2 * kernel.left) + 8;
  const perOutput = R * (kernel.words + 4 * kernel.left) + epilogueOpcodes(kernel) + 3;
  const gathered = vertical.size + R - 1;
  const perGroup =
    (horizontal.outputs + 2) * perColumn + horizontal.outputs * perOutput + R * words + gathered * 16 + 30;
  const clamp = table ? fillCost(prove(layer)?.table as ClampTable) : { opcodes: 0, bytesMoved: 0 };
  return {
    opcodes: Math.round(clamp.opcodes + 60 + depth * words * 12 + groups * perGroup),
    bytesMoved:
      clamp.bytesMoved +
      depth * words * 3 +
      sweepConstantBytes(kernel) +
      gathered * pitch +
      groups * gathered * Math.min(pitch, layer.inputWidth * inputChannels),
  };
}

/** One or two rows together, with and without a table. */
export const sweepForms: readonly KernelForm<Convolution>[] = [1, 2].flatMap((pixels) =>
  [false, true].map((table) => sweepForm(pixels, table)),
);
