/** TRANSPOSE_CONV, int8, per-channel or per-tensor filters. Kernels: transpose_conv.ts. */
import type { Operator, Tensor } from "../../model/graph.js";
import { type ClampRange, fusedActivation } from "../activation.js";
import { biases, channelMultipliers, int8Data } from "../filter.js";
import type { QuantizedMultiplier } from "../fixed_point.js";
import { defineOperator, type KernelForm, type LoweredLayer } from "../layer.js";
import { filterQuantisation, fourDimensions, fusedActivations, slidingWindow } from "../limits.js";
import { input, nhwc, optionalInput, output, perTensor, requireShape, requireType } from "../operands.js";
import { slide, strides, type Window } from "../window.js";

interface TransposeConv extends LoweredLayer {
  readonly from: readonly [number, number, number, number];
  readonly to: readonly [number, number, number, number];
  /** Of the convolution that this one is the transpose of: from the output to the input. */
  readonly vertical: Window;
  readonly horizontal: Window;
  readonly filter: Int8Array;
  readonly bias: readonly number[];
  readonly multipliers: readonly QuantizedMultiplier[];
  readonly inputZeroPoint: number;
  readonly outputZeroPoint: number;
  readonly clamp: ClampRange;
}

const taps = (layer: TransposeConv) => layer.vertical.size * layer.horizontal.size;

/** Bytes of bias, multiplier, shift, corrections and weights, a multiple of 4. */
const recordBytes = (layer: TransposeConv) => (12 + taps(layer) * (4 + layer.from[3]) + 3) & ~3;

/** One record per output channel, as the kernel documents it. */
function packRecords(layer: TransposeConv): Uint8Array {
  const channels = layer.to[3];
  const depth = layer.from[3];
  const stride = recordBytes(layer);
  const bytes = new Uint8Array(stride * channels);
  const view = new DataView(bytes.buffer);
  const count = taps(layer);
  for (let channel = 0; channel < channels; channel++) {
    const start = channel * stride;
    const { multiplier, shift } = layer.multipliers[channel] as QuantizedMultiplier;
    view.setInt32(start, layer.bias[channel] ?? 0, true);
    view.setInt32(start + 4, multiplier, true);
    view.setInt32(start + 8, shift, true);
    const weights = layer.filter.subarray(channel * count * depth, (channel + 1) * count * depth);
    for (let tap = 0; tap < count; tap++) {
      const sum = weights
        .subarray(tap * depth, (tap + 1) * depth)
        .reduce((total, weight) => total + weight, 0);
      view.setInt32(start + 12 + 4 * tap, -layer.inputZeroPoint * sum, true);
    }
    new Int8Array(bytes.buffer).set(weights, start + 12 + 4 * count);
  }
  return bytes;
}

const plain: KernelForm<TransposeConv> = {
  name: "transpose_conv_plain",
  applies: () => true,
  cost(layer) {
    const [, , , depth] = layer.from;
    const [batches, height, width, channels] = layer.to;
    const outputs = batches * height * width * channels;
    const reached = layer.macs / depth;
    return {
      opcodes: channels * 12 + outputs * 48 + reached * (32 + 4 * (depth & 3)) + layer.macs * 5,
      bytesMoved: channels * recordBytes(layer),
    };
  },
  scratch: (layer) => [{ kind: "weights", bytes: recordBytes(layer) }],
  weights: (layer) => [packRecords(layer)],
  emit: (layer, places) => [
    {
      file: "kernels/transpose_conv",
      function: "transposeConv",
      arguments: [
        ["input", places.address(layer.inputs[0] as Tensor)],
        ["output", places.address(layer.outputs[0] as Tensor)],
        ["weights", places.weights[0] as number],
        ["tile", places.scratch[0] as number],
        ["record", recordBytes(layer)],
        ["batches", layer.from[0]],
        ["inputHeight", layer.from[1]],
        ["inputWidth", layer.from[2]],
        ["inputChannels", layer.from[3]],
        ["outputHeight", layer.to[1]],
        ["outputWidth", layer.to[2]],
        ["outputChannels", layer.to[3]],
        ["kernelHeight", layer.vertical.size],
        ["kernelWidth", layer.horizontal.size],
        ["strideHeight", layer.vertical.stride],
        ["strideWidth", layer.horizontal.stride],
        ["padTop", layer.vertical.pad],
        ["padLeft", layer.horizontal.pad],
        ["outputZeroPoint", layer.outputZeroPoint],
        ["activationMin", layer.clamp.minimum],
        ["activationMax", layer.clamp.maximum],
      ],
    },
  ],
};

/** Taps of one dimension that fall inside the output, over all inputs. */
function reachedTaps({ size, stride, pad }: Window, inputs: number, outputs: number): number {
  let reached = 0;
  for (let at = 0; at < inputs; at++) {
    for (let tap = 0; tap < size; tap++) {
      const target = at * stride - pad + tap;
      if (target >= 0 && target < outputs) reached++;
    }
  }
  return reached;
}

function lower(operator: Operator): TransposeConv {
  // The first input repeats the output's shape.
  const filter = input(operator, 1);
  const x = input(operator, 2);
  const y = output(operator);
  requireType(operator, x, "int8");
  requireType(operator, y, "int8");
  const from = nhwc(operator, x);
  const to = nhwc(operator, y);
  const [channels, kernelHeight, kernelWidth] = nhwc(operator, filter);
  requireShape(operator, filter, [channels, kernelHeight, kernelWidth, from[3]]);
  requireShape(operator, y, [from[0], to[1], to[2], channels]);
  const bias = optionalInput(operator, 3);
  const [strideHeight, strideWidth] = strides(operator);
  const vertical = slide(operator, to[1], kernelHeight, strideHeight, 1, "rows");
  const horizontal = slide(operator, to[2], kernelWidth, strideWidth, 1, "columns");
  const reached = reachedTaps(vertical, from[1], to[1]) * reachedTaps(horizontal, from[2], to[2]);
  return {
    inputs: [x],
    outputs: [y],
    macs: from[0] * reached * from[3] * channels,
    parameters: filter.elements + (bias?.elements ?? 0),
    from,
    to,
    vertical,
    horizontal,
    filter: int8Data(operator, filter),
    bias: biases(operator, bias, channels),
    multipliers: channelMultipliers(operator, x, filter, y, channels),
    inputZeroPoint: perTensor(operator, x).zeroPoint,
    outputZeroPoint: perTensor(operator, y).zeroPoint,
    clamp: fusedActivation(operator, y),
  };
}

export const transposeConv = defineOperator({
  name: "TRANSPOSE_CONV",
  limits: [
    fourDimensions,
    filterQuantisation,
    slidingWindow,
    fusedActivations,
    "the new size is the output tensor's",
  ],
  lower,
  forms: [plain],
});
