/**
 * The three-lane forms of a convolution: a grid of tiles, of which those apply whose exactness is proved for the
 * layer's own weights. Kernels: generated (`generators/lanes.ts`), with `assembly/kernels/lanes.ts`.
 */
import type { Tensor } from "../model/graph.js";
import { foldBias } from "./filter.js";
import type { QuantizedMultiplier } from "./fixed_point.js";
import { constantBytes, fitsFrame, type LanesKernel, lanesName, lanesSource } from "./generators/lanes.js";
import { fitsLane, type LaneConstants, laneConstants } from "./lane_constants.js";
import type { KernelCall, KernelForm } from "./layer.js";
import type { Convolution } from "./operators/conv_2d.js";

/** How the layer's windows lie in memory: rows of pixels, each window in contiguous segments. */
interface Geometry {
  readonly rows: number;
  readonly columns: number;
  readonly pixelStep: number;
  readonly rowStep: number;
  readonly segments: number;
  readonly segment: number;
  readonly pitch: number;
  /** The padded copy that the kernel reads instead of the input, or null. */
  readonly padded: { readonly rows: number; readonly rowBytes: number } | null;
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
      padded: null,
    };
  }
  if (batches !== 1) return null;
  const isPadded = vertical.padded || horizontal.padded;
  const reach = (window: Convolution["vertical"]) =>
    (window.outputs - 1) * window.stride + (window.size - 1) * window.dilation + 1;
  const rowBytes = (isPadded ? reach(horizontal) : layer.inputWidth) * channels;
  // A filter as wide as the row and without gaps between rows is one segment.
  const whole = vertical.dilation === 1 && horizontal.size * channels === rowBytes;
  return {
    rows: vertical.outputs,
    columns: horizontal.outputs,
    pixelStep: horizontal.stride * channels,
    rowStep: vertical.stride * rowBytes,
    segments: whole ? 1 : vertical.size,
    segment: horizontal.size * channels * (whole ? vertical.size : 1),
    pitch: vertical.dilation * rowBytes,
    padded: isPadded ? { rows: reach(vertical), rowBytes } : null,
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
        ...(shape.padded
          ? [{ kind: "scratch" as const, bytes: shape.padded.rows * shape.padded.rowBytes }]
          : []),
      ];
    },
    weights: (layer) => [packBlocks(layer, kernelOf(layer))],
    emit(layer, places) {
      const shape = geometry(layer) as Geometry;
      const kernel = kernelOf(layer);
      const name = lanesName(kernel);
      const input = places.address(layer.inputs[0] as Tensor);
      const padded = places.scratch[2] as number;
      const calls: KernelCall[] = [];
      if (shape.padded) calls.push(padCall(layer, shape.padded, input, padded));
      calls.push({
        file: `generated/${name}`,
        function: name,
        source: () => lanesSource(kernel),
        arguments: [
          ["input", shape.padded ? padded : input],
          ["output", places.address(layer.outputs[0] as Tensor)],
          ["weights", places.weights[0] as number],
          ["tile", places.scratch[0] as number],
          ["sums", places.scratch[1] as number],
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
        ],
      });
      return calls;
    },
  };
}

function padCall(
  layer: Convolution,
  padded: { rows: number; rowBytes: number },
  input: number,
  target: number,
): KernelCall {
  const channels = layer.inputChannels;
  const left = layer.horizontal.pad * channels;
  const rowBytes = layer.inputWidth * channels;
  return {
    file: "kernels/lanes",
    function: "padImage",
    arguments: [
      ["input", input],
      ["padded", target],
      ["rows", Math.min(layer.inputHeight, padded.rows - layer.vertical.pad)],
      ["rowBytes", rowBytes],
      ["copyBytes", Math.min(rowBytes, padded.rowBytes - left)],
      ["paddedRows", padded.rows],
      ["paddedRowBytes", padded.rowBytes],
      ["start", layer.vertical.pad * padded.rowBytes + left],
      ["value", layer.inputZeroPoint],
    ],
  };
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
  const { rows, columns, segments, segment, padded } = geometry(layer) as Geometry;
  const depth = segments * segment;
  const blocks = blockStarts(layer.outputChannels, Q * 3).length;
  const tiles = rows * Math.ceil(columns / P);
  const taps = segment * (2 * P * Q + 2 * P + Q + 3);
  const perSegment = taps + P + 5 + (parts > 1 ? 2 * P * Q : 0);
  const perOutput = (5 / 3 + 1) * parts - 1 + (rectified ? 3 : 7) + 1 + 5 + 1;
  const finish = Q * (P * parts + 3 * (rectified ? 3 : 4) + 3 * P * perOutput + P + 4);
  const perTile = segments * perSegment + P * Q * (parts > 1 ? 1 : 2) + finish + 2 * P + 14;
  const moved = blocks * (depth * Q * 3 + Q * 3 * constantBytes({ rectified }));
  const copied = padded
    ? padded.rows * padded.rowBytes + layer.inputHeight * layer.inputWidth * layer.inputChannels
    : 0;
  return {
    opcodes: Math.round(
      blocks * (40 + depth * Q * 12 + rows * 8 + tiles * perTile) + (padded ? layer.inputHeight * 6 : 0),
    ),
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
