/**
 * The three-lane forms of a convolution: a grid of tiles, of which those apply whose exactness is proved for the
 * layer's own weights. Kernels: generated (`generators/lanes.ts`), with `assembly/kernels/lanes.ts`.
 */
import type { Tensor } from "../model/graph.js";
import { type ClampTable, fillClampTable, fillCost } from "./clamp_table.js";
import { epilogueOpcodes } from "./generators/lane_epilogue.js";
import {
  blockConstantBytes,
  fitsFrame,
  type LanesKernel,
  lanesCodeBytes,
  lanesName,
  lanesSource,
  startSum,
} from "./generators/lanes.js";
import type { LaneConstants } from "./lane_constants.js";
import { blockStarts, type Geometry, geometry, paddingArguments, wordStarts } from "./lane_geometry.js";
import { type Proof, prove } from "./lane_proof.js";
import { writeRecord } from "./lane_records.js";
import type { KernelForm } from "./layer.js";
import type { Convolution } from "./sliding_filter.js";

/** What a form is made for; the rest of its kernel follows from the layer. */
interface Variant {
  readonly pixels: number;
  readonly words: number;
  readonly table: boolean;
  /** Whether the kernel knows the distances between pixels. */
  readonly fixed: boolean;
}

/** Products that a round of the innermost loop may hold; more where a kernel is made for one layer's speed anyway. */
const mostProducts = { shared: 48, own: 100 };

function kernelOf(layer: Convolution, { pixels, words, table, fixed }: Variant): LanesKernel {
  const { parts, rectified } = prove(layer) as Proof;
  const { segment, pixelStep } = geometry(layer) as Geometry;
  const most = fixed && table ? mostProducts.own : mostProducts.shared;
  const unroll = [4, 3, 2].find((taps) => segment % taps === 0 && taps * pixels * words <= most) ?? 1;
  return {
    pixels,
    words,
    parts,
    rectified,
    table,
    direct: fixed && table && parts === 1 && pixels * words <= mostProducts.shared,
    overlap: layer.outputChannels < words * 3,
    unroll,
    pixelStep: fixed ? pixelStep : null,
    pixelBytes: fixed ? layer.outputChannels : null,
  };
}

function tileForm(variant: Variant): KernelForm<Convolution> {
  const { pixels, words, table, fixed } = variant;
  return {
    name: `lanes_${pixels}x${words}${fixed ? "_fixed" : ""}${table ? "_table" : ""}`,
    when: `int8, P pixels a row and 3·Q − 2 output channels at least, and the sums of each channel's weights proved to fit lanes${table ? "; the clamp is a table of at most 8 KB" : ""}${fixed ? "; code for this layer's shape alone" : ""}`,
    applies(layer) {
      const shape = geometry(layer);
      if (shape === null || shape.columns < pixels || layer.outputChannels < 3) return false;
      if (words > Math.ceil(layer.outputChannels / 3)) return false;
      const proof = prove(layer);
      return proof !== null && (!table || proof.table !== null);
    },
    generated: (layer) => lanesName(kernelOf(layer, variant)),
    codeBytes: (layer) => lanesCodeBytes(kernelOf(layer, variant)),
    cost: (layer) => cost(layer, kernelOf(layer, variant)),
    scratch(layer) {
      const shape = geometry(layer) as Geometry;
      const depth = shape.segments * shape.segment;
      const kernel = kernelOf(layer, variant);
      const clamp = prove(layer)?.table;
      return [
        { kind: "weights", bytes: depth * words * 8 + blockConstantBytes(kernel) },
        { kind: "scratch", bytes: kernel.direct ? 8 : pixels * words * 8 * kernel.parts },
        ...(shape.padded ? [{ kind: "scratch" as const, bytes: shape.segments * shape.pitch }] : []),
        ...(table && clamp ? [{ kind: "scratch" as const, bytes: clamp.bytes }] : []),
      ];
    },
    weights: (layer) => [packBlocks(layer, kernelOf(layer, variant))],
    emit(layer, places) {
      const shape = geometry(layer) as Geometry;
      const { constants, table: clamp } = prove(layer) as Proof;
      const kernel = kernelOf(layer, variant);
      const name = lanesName(kernel);
      const [tile, sums] = places.scratch;
      const buffer = shape.padded ? places.scratch[2] : 0;
      const entries = places.scratch[shape.padded ? 3 : 2] as number;
      return [
        ...(table && clamp ? [fillClampTable(clamp, entries)] : []),
        {
          file: `generated/${name}`,
          function: name,
          source: () => lanesSource(kernel),
          arguments: [
            ["input", places.address(layer.inputs[0] as Tensor)],
            ["output", places.address(layer.outputs[0] as Tensor)],
            ["weights", places.weights[0] as number],
            ["tile", tile as number],
            ["sums", sums as number],
            ["rows", shape.rows],
            ["columns", shape.columns],
            ["rowStep", shape.rowStep],
            ["pixelStep", shape.pixelStep],
            ["segments", shape.segments],
            ["segment", shape.segment],
            ["pitch", shape.pitch],
            ["outputChannels", layer.outputChannels],
            ...(table
              ? [["table", entries] as const]
              : [["minimum", layer.clamp.minimum] as const, ["maximum", layer.clamp.maximum] as const]),
            ...(kernel.rectified ? [["shift", constants[0]?.e ?? 0] as const] : []),
            ...paddingArguments(layer, shape, buffer ?? 0),
          ],
        },
      ];
    },
  };
}

/** Per block: weights as triples in the order of the words, then the channels' constants. */
function packBlocks(layer: Convolution, kernel: LanesKernel): Uint8Array {
  const { constants, table } = prove(layer) as Proof;
  const size = kernel.words * 3;
  const depth = layer.filters[0]?.length ?? 0;
  const base = kernel.table ? (table?.base ?? 0) : 0;
  const starts = blockStarts(layer.outputChannels, size);
  const bytes = new Uint8Array(starts.length * (depth * size + blockConstantBytes(kernel)));
  const view = new DataView(bytes.buffer);
  let at = 0;
  for (const start of starts) {
    const channels = wordStarts(layer.outputChannels - start, kernel.words).flatMap((first) =>
      [0, 1, 2].map((lane) => start + first + lane),
    );
    for (let tap = 0; tap < depth; tap++) {
      for (const channel of channels) view.setInt8(at++, layer.filters[channel]?.[tap] ?? 0);
    }
    for (const channel of channels) {
      at = writeRecord(view, at, constants[channel] as LaneConstants, base, kernel.rectified);
    }
    view.setBigUint64(at, BigInt(startSum), true);
    at += 8;
  }
  return bytes;
}

/** Opcodes as the generated code has them; see its source beside this. */
function cost(layer: Convolution, kernel: LanesKernel) {
  const { pixels: P, words: Q, parts, unroll, table } = kernel;
  const { rows, columns, segments, segment, pitch, padded } = geometry(layer) as Geometry;
  const depth = segments * segment;
  const blocks = blockStarts(layer.outputChannels, Q * 3).length;
  const tiles = rows * Math.ceil(columns / P);
  const pointers = kernel.pixelStep === null ? P : 1;
  const taps = segment * (2 * P * Q + P + Q) + (segment / unroll) * (pointers + 3);
  const perSegment = taps + pointers + 5 + (parts > 1 ? 2 * P * Q : 0);
  const perTile =
    segments * perSegment +
    P * Q * (parts > 1 || kernel.direct ? 1 : 2) +
    epilogueOpcodes(kernel) +
    2 * pointers +
    14;
  const moved = blocks * (depth * Q * 3 + blockConstantBytes(kernel));
  // Gathering: a call, and for each row a test, a copy and two steps.
  const gather = padded ? rows * (16 + segments * 16) : 0;
  const copied = padded
    ? blocks * rows * segments * Math.min(pitch, layer.inputWidth * layer.inputChannels)
    : 0;
  const clamp = table ? fillCost(prove(layer)?.table as ClampTable) : { opcodes: 0, bytesMoved: 0 };
  return {
    opcodes: Math.round(
      clamp.opcodes + blocks * (40 + depth * Q * 12 + rows * 10 + gather + tiles * perTile),
    ),
    bytesMoved: moved + copied + clamp.bytesMoved,
  };
}

const yesOrNo = [false, true] as const;

/** The forms, of each tile that fits a frame. */
export const lanesForms: readonly KernelForm<Convolution>[] = Array.from({ length: 8 }, (_, p) =>
  Array.from({ length: 16 }, (_, q) => [p + 1, q + 1] as const),
)
  .flat()
  .filter(([pixels, words]) => fitsFrame(pixels, words))
  .flatMap(([pixels, words]) =>
    yesOrNo.flatMap((fixed) => yesOrNo.map((table) => tileForm({ pixels, words, fixed, table }))),
  );
