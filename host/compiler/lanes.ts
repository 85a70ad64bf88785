/**
 * The three-lane forms of a convolution: a grid of tiles, of which those apply whose exactness is proved for the
 * layer's own weights. Kernels: generated (`generators/lanes.ts`), with `assembly/kernels/lanes.ts`.
 */
import type { Tensor } from "../model/graph.js";
import { type ClampTable, clampTable, fillClampTable, fillCost } from "./clamp_table.js";
import { foldBias } from "./filter.js";
import { multiplyByQuantizedMultiplier, type QuantizedMultiplier } from "./fixed_point.js";
import { epilogueOpcodes, recordBytes } from "./generators/lane_epilogue.js";
import {
  blockConstantBytes,
  fitsFrame,
  type LanesKernel,
  lanesCodeBytes,
  lanesName,
  lanesSource,
  startSum,
} from "./generators/lanes.js";
import { fitsLane, type LaneConstants, laneConstants, sumRange, withCommonShift } from "./lane_constants.js";
import type { Argument, KernelForm } from "./layer.js";
import type { Convolution } from "./sliding_filter.js";

/** How the layer's windows lie in memory: rows of pixels, each window in contiguous segments. */
export interface Geometry {
  readonly rows: number;
  readonly columns: number;
  readonly pixelStep: number;
  readonly rowStep: number;
  readonly segments: number;
  readonly segment: number;
  readonly pitch: number;
  /**
   * Where windows reach into padding, the rows under one row of windows are gathered in a buffer with padded ends: a
   * padded copy of the whole image would cost more RAM than all else.
   */
  readonly padded: boolean;
}

const geometries = new WeakMap<Convolution, Geometry | null>();

/** null where windows do not lie in contiguous segments. */
export function geometry(layer: Convolution): Geometry | null {
  let found = geometries.get(layer);
  if (found === undefined) {
    found = computeGeometry(layer);
    geometries.set(layer, found);
  }
  return found;
}

function computeGeometry(layer: Convolution): Geometry | null {
  const { vertical, horizontal, inputChannels: channels, batches } = layer;
  if (layer.inputs[0]?.type !== "int8") return null;
  if (layer.filterChannels !== channels || (horizontal.dilation > 1 && horizontal.size > 1)) return null;
  const pointwise =
    vertical.size === 1 && horizontal.size === 1 && vertical.stride === 1 && horizontal.stride === 1;
  if (pointwise) {
    const columns = batches * layer.inputHeight * layer.inputWidth;
    return {
      rows: 1,
      columns,
      pixelStep: channels,
      rowStep: 0,
      segments: 1,
      segment: channels,
      pitch: channels,
      padded: false,
    };
  }
  if (batches !== 1) return null;
  const padded = vertical.padded || horizontal.padded;
  const reach = (horizontal.outputs - 1) * horizontal.stride + horizontal.size;
  const pitch = padded ? reach * channels : vertical.dilation * layer.inputWidth * channels;
  // Filter rows that follow each other without a gap are one segment.
  const whole = horizontal.size * channels === pitch && !padded;
  return {
    rows: vertical.outputs,
    columns: horizontal.outputs,
    pixelStep: horizontal.stride * channels,
    rowStep: vertical.stride * layer.inputWidth * channels,
    segments: whole ? 1 : vertical.size,
    segment: horizontal.size * channels * (whole ? vertical.size : 1),
    pitch,
    padded,
  };
}

export interface Proof {
  readonly parts: number;
  /** Whether one rounding does, with one shift for all channels. */
  readonly rectified: boolean;
  readonly constants: readonly LaneConstants[];
  /** null where it would be large. */
  readonly table: ClampTable | null;
}

const proofs = new WeakMap<Convolution, Proof | null>();

/** The lane form's constants where it is exact for every channel, else null. */
export function prove(layer: Convolution): Proof | null {
  let found = proofs.get(layer);
  if (found === undefined) {
    const shape = geometry(layer);
    found = shape && computeProof(layer, shape);
    proofs.set(layer, found);
  }
  return found;
}

function computeProof(layer: Convolution, { segments, segment }: Geometry): Proof | null {
  const whole = layer.filters.every((weights) => fitsLane(weights));
  const bySegment = () =>
    layer.filters.every((weights) =>
      Array.from({ length: segments }, (_, part) =>
        weights.subarray(part * segment, (part + 1) * segment),
      ).every(fitsLane),
    );
  if (!whole && !bySegment()) return null;
  const parts = whole ? 1 : segments;
  const sums: number[] = [];
  let [lowest, highest] = [0, 0];
  const biases = layer.filters.map((weights, channel) => {
    const bias = foldBias(layer.bias[channel] ?? 0, weights, layer.inputZeroPoint);
    const range = sumRange(weights);
    const multiplier = layer.multipliers[channel] as QuantizedMultiplier;
    sums.push(Math.max(Math.abs(bias + range.lowest), Math.abs(bias + range.highest)));
    lowest = Math.min(lowest, multiplyByQuantizedMultiplier(bias + range.lowest, multiplier));
    highest = Math.max(highest, multiplyByQuantizedMultiplier(bias + range.highest, multiplier));
    return bias;
  });
  const all = (rectified: boolean): LaneConstants[] | null => {
    const found = layer.filters.map((weights, channel) => {
      const multiplier = layer.multipliers[channel] as QuantizedMultiplier;
      return laneConstants(
        weights,
        biases[channel] ?? 0,
        multiplier,
        parts,
        layer.outputZeroPoint,
        rectified,
      );
    });
    const whole = found.flatMap((one) => (one === null ? [] : [one]));
    return whole.length === found.length ? whole : null;
  };
  const rounded = layer.clamp.minimum >= layer.outputZeroPoint ? all(true) : null;
  const common = rounded && withCommonShift(rounded, sums);
  const constants = common ?? all(false);
  if (!constants) return null;
  // One rounding may give a unit less than two below the zero point, where the clamp makes them equal.
  const range = { lowest: lowest + layer.outputZeroPoint - 1, highest: highest + layer.outputZeroPoint };
  return { parts, rectified: common !== null, constants, table: clampTable(range, layer.clamp) };
}

/** What a form is made for; the rest of its kernel follows from the layer. */
interface Variant {
  readonly pixels: number;
  readonly words: number;
  readonly table: boolean;
  /** Whether the kernel knows the distances between pixels. */
  readonly fixed: boolean;
}

/** Products that a round of the innermost loop may hold: beyond that, code grows and nothing is gained. */
const mostProducts = 48;

/** Channels at which the blocks begin; the last one of several steps back. */
export function blockStarts(channels: number, size: number): number[] {
  const blocks = Math.ceil(channels / size);
  return Array.from({ length: blocks }, (_, block) => Math.max(0, Math.min(block * size, channels - size)));
}

/** Channels at which a block's words begin; the last word of the only block steps back where it would not be full. */
export function wordStarts(channels: number, words: number): number[] {
  return Array.from({ length: words }, (_, word) => Math.min(word * 3, channels - 3));
}

function kernelOf(layer: Convolution, { pixels, words, table, fixed }: Variant): LanesKernel {
  const { parts, rectified } = prove(layer) as Proof;
  const { segment, pixelStep } = geometry(layer) as Geometry;
  const unroll = [4, 3, 2].find((taps) => segment % taps === 0 && taps * pixels * words <= mostProducts) ?? 1;
  return {
    pixels,
    words,
    parts,
    rectified,
    table,
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
        { kind: "scratch", bytes: pixels * words * 8 * kernel.parts },
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

/** How rows are gathered; `copyBytes` 0 says that they are not. */
export function paddingArguments(layer: Convolution, shape: Geometry, buffer: number): Argument[] {
  const channels = layer.inputChannels;
  const start = layer.horizontal.pad * channels;
  const rowBytes = layer.inputWidth * channels;
  return [
    ["buffer", buffer],
    ["copyBytes", shape.padded ? Math.min(rowBytes, shape.pitch - start) : 0],
    ["start", start],
    ["inputHeight", layer.inputHeight],
    ["rowBytes", rowBytes],
    ["stride", layer.vertical.stride],
    ["padTop", layer.vertical.pad],
    ["dilation", layer.vertical.dilation],
    ["zeroPoint", layer.inputZeroPoint],
  ];
}

/** Per block: weights as triples in the order of the words, then the channels' constants. */
function packBlocks(layer: Convolution, kernel: LanesKernel): Uint8Array {
  const { constants, table } = prove(layer) as Proof;
  const size = kernel.words * 3;
  const depth = layer.filters[0]?.length ?? 0;
  const each = recordBytes(kernel);
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
      const { k, m, e, r } = constants[channel] as LaneConstants;
      if (kernel.rectified) {
        view.setBigInt64(at, k - (BigInt(base) << BigInt(e)), true);
        view.setBigInt64(at + 8, BigInt(m), true);
      } else {
        view.setBigInt64(at, k, true);
        view.setInt32(at + 8, m, true);
        view.setInt32(at + 12, e, true);
        view.setBigInt64(at + 16, r - (BigInt(base) << BigInt(e)), true);
      }
      at += each;
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
    segments * perSegment + P * Q * (parts > 1 ? 1 : 2) + epilogueOpcodes(kernel) + 2 * pointers + 14;
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
