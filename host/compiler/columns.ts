/**
 * The forms of FULLY_CONNECTED for a single vector that go through its inputs one by one, and skip those at their zero
 * point. Kernels: generated (`generators/columns.ts`); exactness: `columns_proof.ts`.
 */
import type { Tensor } from "../model/graph.js";
import { type ColumnsProof, proveColumns } from "./columns_proof.js";
import {
  type ColumnsKernel,
  columnBytes,
  columnsName,
  columnsSource,
  constantBytes,
  scratchBytes,
} from "./generators/columns.js";
import type { LaneConstants } from "./lane_constants.js";
import type { KernelForm } from "./layer.js";
import type { Convolution } from "./sliding_filter.js";

/** A tile of columns that is brought in at once takes about this many bytes, */
const tileBytes = 1536;
/** and holds no more columns than this. */
const mostColumns = 64;
/** Locals of two cells a sum stay where they cost nothing (`generators/lanes.ts`). */
const mostTriples = 72;

const kernelOf = (layer: Convolution, triples: number, inParts: boolean): ColumnsKernel => ({
  triples,
  inParts,
  shared: proveColumns(layer)?.shared ?? true,
  // A call costs as much as bringing in a column of 20 words.
  single: assumedZeros(layer) > 0 && columnBytes(triples) >= 80,
});

const blocksOf = (layer: Convolution, triples: number) => Math.ceil(layer.outputChannels / (triples * 3));

/** Columns that are brought in at once. */
function chunkOf(layer: Convolution, { triples, single }: ColumnsKernel): number {
  if (single) return 1;
  const fitting = Math.floor(tileBytes / columnBytes(triples));
  return Math.min(Math.max(fitting, 1), mostColumns, layer.inputChannels);
}

function tileSize(layer: Convolution, kernel: ColumnsKernel): number {
  const { triples, inParts } = kernel;
  const columns = chunkOf(layer, kernel) * columnBytes(triples);
  const constants = constantBytes(kernel);
  return Math.max(columns, inParts ? Math.max(triples * 8, constants) : triples * 8 + constants);
}

/**
 * The share of inputs that are assumed to be at their zero point, for the cost: half of those whose range begins there,
 * as behind a rectifier (46 to 60 % in ad01_int8, 74 % in micro_speech_quantized); none of any other input.
 */
export function assumedZeros(layer: Convolution): number {
  return layer.inputZeroPoint === -128 ? 0.5 : 0;
}

function columnsForm(triples: number, inParts: boolean): KernelForm<Convolution> {
  return {
    name: `columns_${triples}${inParts ? "_in_parts" : ""}`,
    when: inParts
      ? "int8, one vector, shifts from 1 to 20, any weights whose sums fit lanes in 24 parts"
      : "int8, one vector, shifts from 1 to 20, sums that fit their lanes; assumed: half of a rectified input is zero",
    applies(layer) {
      const proof = proveColumns(layer);
      if (!proof || (proof.parts > 1 && !inParts)) return false;
      // Blocks of even size; any other number of triples in as many blocks would compute more of nothing.
      const all = Math.ceil(layer.outputChannels / 3);
      return triples === Math.ceil(all / Math.ceil(all / triples));
    },
    generated: (layer) => columnsName(kernelOf(layer, triples, inParts)),
    cost: (layer) => cost(layer, kernelOf(layer, triples, inParts)),
    scratch: (layer) => {
      const kernel = kernelOf(layer, triples, inParts);
      return [
        { kind: "weights", bytes: tileSize(layer, kernel) },
        { kind: "scratch", bytes: scratchBytes(kernel) },
      ];
    },
    weights: (layer) => [packBlocks(layer, kernelOf(layer, triples, inParts))],
    emit(layer, places) {
      const kernel = kernelOf(layer, triples, inParts);
      const { part, shared, constants, threshold } = proveColumns(layer) as ColumnsProof;
      const { m, e, r } = constants[0] as LaneConstants;
      const name = columnsName(kernel);
      return [
        {
          file: `generated/${name}`,
          function: name,
          source: () => columnsSource(kernel),
          arguments: [
            ["input", places.address(layer.inputs[0] as Tensor)],
            ["output", places.address(layer.outputs[0] as Tensor)],
            ["weights", places.weights[0] as number],
            ["tile", places.scratch[0] as number],
            ["sums", places.scratch[1] as number],
            ["depth", layer.inputChannels],
            ["part", part],
            ["chunk", chunkOf(layer, kernel)],
            ["outputs", layer.outputChannels],
            ["zeroPoint", layer.inputZeroPoint],
            ["multiplier", shared ? m : 0],
            ["rounding", shared ? Number(r) : 0],
            ["right", shared ? e : 0],
            ["threshold", threshold],
            ["minimum", layer.clamp.minimum],
            ["maximum", layer.clamp.maximum],
          ],
        },
      ];
    },
  };
}

/** Per block and part its columns and starts, then the constants. */
function packBlocks(layer: Convolution, kernel: ColumnsKernel): Uint8Array {
  const { starts, constants, part, parts } = proveColumns(layer) as ColumnsProof;
  const { triples, shared } = kernel;
  const blocks = blocksOf(layer, triples);
  const perBlock = layer.inputChannels * columnBytes(triples) + parts * triples * 8 + constantBytes(kernel);
  const bytes = new Uint8Array(blocks * perBlock);
  const view = new DataView(bytes.buffer);
  let at = 0;
  const lanes = (value: (lane: number) => number) =>
    [0, 1, 2].reduce((word, lane) => word | (BigInt(value(lane)) << BigInt(21 * lane)), 0n);
  for (let block = 0; block < blocks; block++) {
    const first = block * triples * 3;
    // Outputs that do not exist have weights of zero.
    const byte = (channel: number, tap: number) => (layer.filters[first + channel]?.[tap] ?? 0) + 128;
    for (let index = 0; index < parts; index++) {
      for (let tap = index * part; tap < Math.min((index + 1) * part, layer.inputChannels); tap++) {
        for (let triple = 0; triple < triples; triple += 2, at += 8) {
          const word = lanes((lane) => byte(triple * 3 + lane, tap));
          const other = triple + 1 < triples ? lanes((lane) => byte(triple * 3 + 3 + lane, tap)) : 0n;
          view.setBigUint64(at, word | (other << 8n), true);
        }
      }
      for (let triple = 0; triple < triples; triple++, at += 8)
        view.setBigUint64(
          at,
          lanes((lane) => starts[first + triple * 3 + lane]?.[index] ?? 0),
          true,
        );
    }
    if (shared) {
      view.setBigInt64(at, (constants[0] as LaneConstants).k, true);
      at += 8;
      continue;
    }
    for (let channel = 0; channel < triples * 3; channel++, at += 24) {
      const { k, m, e, r } = constants[first + channel] ?? { k: 0n, m: 0, e: 1, r: 0n };
      view.setBigInt64(at, k, true);
      view.setInt32(at + 8, m, true);
      view.setInt32(at + 12, e, true);
      view.setBigInt64(at + 16, r, true);
    }
  }
  return bytes;
}

/** Opcodes as the generated code has them, with `assumedZeros`. */
function cost(layer: Convolution, kernel: ColumnsKernel) {
  const { triples, inParts, shared } = kernel;
  const { parts, part } = proveColumns(layer) as ColumnsProof;
  const depth = layer.inputChannels;
  const pairs = Math.floor(triples / 2);
  const blocks = blocksOf(layer, triples);
  const column = 3 + pairs * 7 + (triples % 2) * 3;
  const used = 1 - assumedZeros(layer);
  const chunks = kernel.single ? depth * used * 0.1 : parts * Math.ceil(part / chunkOf(layer, kernel));
  const words = pairs * 15 + (triples % 2) * 4;
  // A lane comes out with 4/3 opcodes; of shared outputs, half are at the minimum of a rectifier.
  const rectified = layer.clamp.minimum >= layer.outputZeroPoint ? 0.5 : 1;
  const perOutput = shared ? 2 + 11 * rectified : 17;
  const perPart = triples * 2 + 16 + words + triples * 4;
  const finish = inParts
    ? parts * triples * 3 * 4.33 + triples * 3 * (perOutput + 1) + triples * 4
    : triples * 3 * (perOutput + 1.33);
  const perBlock = depth * (7 + column * used) + chunks * 10 + parts * perPart + finish + 30;
  return {
    opcodes: Math.round(blocks * perBlock),
    bytesMoved: packedBytes(layer, kernel) + layer.outputChannels * 2,
  };
}

function packedBytes(layer: Convolution, kernel: ColumnsKernel): number {
  const { parts } = proveColumns(layer) as ColumnsProof;
  const columns = layer.inputChannels * columnBytes(kernel.triples);
  return blocksOf(layer, kernel.triples) * (columns + parts * kernel.triples * 8 + constantBytes(kernel));
}

/** The forms, one per number of words; with sums in their lanes to the end, and in parts. */
export const columnsForms: readonly KernelForm<Convolution>[] = Array.from(
  { length: mostTriples },
  (_, index) => [columnsForm(index + 1, false), columnsForm(index + 1, true)],
).flat();
