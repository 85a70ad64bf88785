/**
 * The shift-register forms of a 3×3 depthwise convolution, one per strip width. Kernels: generated
 * (`generators/depthwise.ts`).
 */
import type { Tensor } from "../model/graph.js";
import { foldBias } from "./filter.js";
import type { QuantizedMultiplier } from "./fixed_point.js";
import {
  type DepthwiseKernel,
  depthwiseName,
  depthwiseRecordBytes,
  depthwiseSource,
} from "./generators/depthwise.js";
import { type LaneConstants, laneConstants } from "./lane_constants.js";
import type { KernelForm } from "./layer.js";
import type { DepthwiseConvolution } from "./sliding_filter.js";

/** The constants of all channels where the form is exact, and whether one rounding does. */
interface Proof {
  readonly rectified: boolean;
  readonly constants: readonly LaneConstants[];
}

const proofs = new WeakMap<DepthwiseConvolution, Proof | null>();

function prove(layer: DepthwiseConvolution): Proof | null {
  let found = proofs.get(layer);
  if (found === undefined) {
    found = fits(layer) ? computeProof(layer) : null;
    proofs.set(layer, found);
  }
  return found;
}

/** 3×3, one filter per channel, stride 1 or 2 in both directions, at most one row and column of padding at each end. */
function fits({
  vertical,
  horizontal,
  batches,
  depthMultiplier,
  inputs,
  inputHeight,
  inputWidth,
}: DepthwiseConvolution): boolean {
  if (inputs[0]?.type !== "int8" || batches !== 1 || depthMultiplier !== 1) return false;
  const ends = (window: typeof vertical, size: number) =>
    (window.outputs - 1) * window.stride + 3 - window.pad - size;
  return (
    [vertical, horizontal].every(({ size, dilation, pad }) => size === 3 && dilation === 1 && pad <= 1) &&
    vertical.stride === horizontal.stride &&
    vertical.stride <= 2 &&
    ends(vertical, inputHeight) <= 1 &&
    ends(horizontal, inputWidth) <= 1
  );
}

function computeProof(layer: DepthwiseConvolution): Proof | null {
  const rectified = layer.clamp.minimum >= layer.outputZeroPoint;
  const constants: LaneConstants[] = [];
  for (const [channel, weights] of layer.filters.entries()) {
    const bias = foldBias(layer.bias[channel] ?? 0, weights, layer.inputZeroPoint);
    const multiplier = layer.multipliers[channel] as QuantizedMultiplier;
    // No bias in the lanes here: 0 parts.
    const one = laneConstants(weights, bias, multiplier, 0, layer.outputZeroPoint, rectified);
    if (!one) return null;
    constants.push(one);
  }
  return { rectified, constants };
}

function kernelOf(layer: DepthwiseConvolution, columns: number): DepthwiseKernel {
  const { rectified } = prove(layer) as Proof;
  return { columns, rectified, stride: layer.vertical.stride as 1 | 2 };
}

function stripForm(columns: number): KernelForm<DepthwiseConvolution> {
  return {
    name: `depthwise_strip_${columns}`,
    when: "int8, one batch, 3×3, a filter a channel, stride 1 or 2, N output columns at least, and every channel proved to fit",
    applies: (layer) => layer.horizontal.outputs >= columns && prove(layer) !== null,
    generated: (layer) => depthwiseName(kernelOf(layer, columns)),
    cost: (layer) => cost(layer, kernelOf(layer, columns)),
    scratch: (layer) => [{ kind: "weights", bytes: depthwiseRecordBytes(kernelOf(layer, columns)) }],
    weights: (layer) => [packRecords(layer, kernelOf(layer, columns))],
    emit(layer, places) {
      const kernel = kernelOf(layer, columns);
      const name = depthwiseName(kernel);
      return [
        {
          file: `generated/${name}`,
          function: name,
          source: () => depthwiseSource(kernel),
          arguments: [
            ["input", places.address(layer.inputs[0] as Tensor)],
            ["output", places.address(layer.outputs[0] as Tensor)],
            ["weights", places.weights[0] as number],
            ["tile", places.scratch[0] as number],
            ["inputHeight", layer.inputHeight],
            ["inputWidth", layer.inputWidth],
            ["channels", layer.inputChannels],
            ["outputHeight", layer.vertical.outputs],
            ["outputWidth", layer.horizontal.outputs],
            ["padTop", layer.vertical.pad],
            ["padLeft", layer.horizontal.pad],
            ["inputZeroPoint", layer.inputZeroPoint],
            ["minimum", layer.clamp.minimum],
            ["maximum", layer.clamp.maximum],
          ],
        },
      ];
    },
  };
}

/** Constants, then the filter's columns as words. */
function packRecords(layer: DepthwiseConvolution, kernel: DepthwiseKernel): Uint8Array {
  const { constants } = prove(layer) as Proof;
  const size = depthwiseRecordBytes(kernel);
  const bytes = new Uint8Array(size * constants.length);
  const view = new DataView(bytes.buffer);
  constants.forEach(({ k, m, e, r }, channel) => {
    const at = channel * size;
    view.setBigInt64(at, k, true);
    view.setInt32(at + 8, m, true);
    view.setInt32(at + 12, e, true);
    view.setBigInt64(at + 16, r, true);
    const weight = (ky: number, kx: number) => BigInt(layer.filters[channel]?.[ky * 3 + kx] ?? 0);
    for (let kx = 0; kx < 3; kx++) {
      if (kernel.stride === 1) {
        const word = weight(0, kx) + (weight(1, kx) << 22n) + (weight(2, kx) << 44n);
        view.setBigInt64(at + 24 + kx * 8, word, true);
      } else {
        view.setBigInt64(at + 24 + kx * 8, weight(0, kx) + (weight(2, kx) << 32n), true);
        view.setBigInt64(at + 48 + kx * 8, weight(1, kx) << 32n, true);
      }
    }
  });
  return bytes;
}

/** Opcodes as the generated code has them. */
function cost(layer: DepthwiseConvolution, { columns: R, stride, rectified }: DepthwiseKernel) {
  const { vertical, horizontal, inputChannels: channels } = layer;
  const strips = Math.ceil(horizontal.outputs / R);
  const inputs = (R - 1) * stride + 3;
  const row = 7 + 2 * inputs + 4 + R * (stride === 1 ? 7 : 6);
  const finish = R * ((rectified ? 5 : 9) + 1 + 5 + 2) + 2;
  const rows = stride === 1 ? vertical.outputs + 2 : 2 * vertical.outputs + 2;
  const real = Math.min(rows, layer.inputHeight);
  const perStrip =
    real * row + (rows - real) * (6 + 2 * R) + rows * 3 + vertical.outputs * (finish + R * (stride - 1));
  return {
    opcodes: Math.round(channels * (30 + strips * (30 + perStrip))),
    bytesMoved: channels * depthwiseRecordBytes({ stride }),
  };
}

/** The forms, one per strip width. */
export const depthwiseForms: readonly KernelForm<DepthwiseConvolution>[] = Array.from(
  { length: 10 },
  (_, index) => stripForm(index + 1),
);
