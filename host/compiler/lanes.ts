/**
 * The three-lane forms of a convolution: a grid of tiles, of which those apply whose exactness is proved for the
 * layer's own weights. Kernels: generated (`generators/lanes.ts`), with `assembly/kernels/lanes.ts`.
 */
import type { Tensor } from "../model/graph.js";
import { foldBias } from "./filter.js";
import type { QuantizedMultiplier } from "./fixed_point.js";
import { constantBytes, fitsFrame, type LanesKernel, lanesName, lanesSource } from "./generators/lanes.js";
import { fitsLane, type LaneConstants, laneConstants } from "./lane_constants.js";
import type { Argument, KernelForm } from "./layer.js";
import type { Convolution } from "./sliding_filter.js";

/** How the layer's windows lie in memory: rows of pixels, each window in contiguous segments. */
interface Geometry {
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
function geometry(layer: Convolution): Geometry | null {
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

interface Proof {
  readonly parts: number;
  readonly rectified: boolean;
  readonly constants: readonly LaneConstants[];
}

const proofs = new WeakMap<Convolution, Proof | null>();

/** The lane form's constants where it is exact for every channel, else null. */
function prove(layer: Convolution): Proof | null {
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
  const rectified = layer.clamp.minimum >= layer.outputZeroPoint;
  const constants: LaneConstants[] = [];
  for (const [channel, weights] of layer.filters.entries()) {
    const bias = foldBias(layer.bias[channel] ?? 0, weights, layer.inputZeroPoint);
    const multiplier = layer.multipliers[channel] as QuantizedMultiplier;
    const one = laneConstants(weights, bias, multiplier, parts, layer.outputZeroPoint, rectified);
    if (!one) return null;
    constants.push(one);
  }
  return { parts, rectified, constants };
}

/** Channels at which the blocks of `size` channels begin; the last one steps back. */
function blockStarts(channels: number, size: number): number[] {
  return Array.from({ length: Math.ceil(channels / size) }, (_, block) =>
    Math.min(block * size, channels - size),
  );
}

function tileForm(pixels: number, words: number): KernelForm<Convolution> {
  const channels = words * 3;
  const kernelOf = (layer: Convolution): LanesKernel => {
    const { parts, rectified } = prove(layer) as Proof;
    return { pixels, words, parts, rectified };
  };
  return {
    name: `lanes_${pixels}x${words}`,
    when: "int8, P pixels a row and 3·Q output channels at least, and the sums of each channel's weights proved to fit lanes",
    applies(layer) {
      const shape = geometry(layer);
      return (
        shape !== null && shape.columns >= pixels && layer.outputChannels >= channels && prove(layer) !== null
      );
    },
    generated: (layer) => lanesName(kernelOf(layer)),
    cost: (layer) => cost(layer, kernelOf(layer)),
    scratch(layer) {
      const shape = geometry(layer) as Geometry;
      const depth = shape.segments * shape.segment;
      const kernel = kernelOf(layer);
      return [
        { kind: "weights", bytes: depth * words * 8 + channels * constantBytes(kernel) },
        { kind: "scratch", bytes: pixels * words * 8 * kernel.parts },
        ...(shape.padded ? [{ kind: "scratch" as const, bytes: shape.segments * shape.pitch }] : []),
      ];
    },
    weights: (layer) => [packBlocks(layer, kernelOf(layer))],
    emit(layer, places) {
      const shape = geometry(layer) as Geometry;
      const kernel = kernelOf(layer);
      const name = lanesName(kernel);
      const [tile, sums, buffer] = places.scratch;
      return [
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
            ["minimum", layer.clamp.minimum],
            ["maximum", layer.clamp.maximum],
            ...paddingArguments(layer, shape, buffer ?? 0),
          ],
        },
      ];
    },
  };
}

/** How rows are gathered; `copyBytes` 0 says that they are not. */
function paddingArguments(layer: Convolution, shape: Geometry, buffer: number): Argument[] {
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
  const { constants } = prove(layer) as Proof;
  const size = kernel.words * 3;
  const depth = layer.filters[0]?.length ?? 0;
  const each = constantBytes(kernel);
  const starts = blockStarts(layer.outputChannels, size);
  const bytes = new Uint8Array(starts.length * (depth * size + size * each));
  const view = new DataView(bytes.buffer);
  let at = 0;
  for (const start of starts) {
    for (let tap = 0; tap < depth; tap++) {
      for (let channel = 0; channel < size; channel++)
        view.setInt8(at++, layer.filters[start + channel]?.[tap] ?? 0);
    }
    for (let channel = 0; channel < size; channel++, at += each) {
      const { k, m, e, r } = constants[start + channel] as LaneConstants;
      view.setBigInt64(at, k, true);
      view.setInt32(at + 8, m, true);
      view.setInt32(at + 12, e, true);
      if (!kernel.rectified) view.setBigInt64(at + 16, r, true);
    }
  }
  return bytes;
}

/** Opcodes as the generated code has them; see its source beside this. */
function cost(layer: Convolution, { pixels: P, words: Q, parts, rectified }: LanesKernel) {
  const { rows, columns, segments, segment, pitch, padded } = geometry(layer) as Geometry;
  const depth = segments * segment;
  const blocks = blockStarts(layer.outputChannels, Q * 3).length;
  const tiles = rows * Math.ceil(columns / P);
  const taps = segment * (2 * P * Q + 2 * P + Q + 3);
  const perSegment = taps + P + 5 + (parts > 1 ? 2 * P * Q : 0);
  const perOutput = (5 / 3 + 1) * parts - 1 + (rectified ? 3 : 7) + 1 + 5 + 1;
  const finish = Q * (P * parts + 3 * (rectified ? 3 : 4) + 3 * P * perOutput + P + 4);
  const perTile = segments * perSegment + P * Q * (parts > 1 ? 1 : 2) + finish + 2 * P + 14;
  const moved = blocks * (depth * Q * 3 + Q * 3 * constantBytes({ rectified }));
  // Gathering: a call, and for each row a test, a copy and two steps.
  const gather = padded ? rows * (16 + segments * 16) : 0;
  const copied = padded
    ? blocks * rows * segments * Math.min(pitch, layer.inputWidth * layer.inputChannels)
    : 0;
  return {
    opcodes: Math.round(blocks * (40 + depth * Q * 12 + rows * 10 + gather + tiles * perTile)),
    bytesMoved: moved + copied,
  };
}

const grid = Array.from({ length: 8 }, (_, p) =>
  Array.from({ length: 16 }, (_, q) => [p + 1, q + 1] as const),
).flat();

/** The forms, one per tile that fits a frame. */
export const lanesForms: readonly KernelForm<Convolution>[] = grid
  .filter(([pixels, words]) => fitsFrame(pixels, words))
  .map(([pixels, words]) => tileForm(pixels, words));
