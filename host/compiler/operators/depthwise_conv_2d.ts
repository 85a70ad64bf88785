/** DEPTHWISE_CONV_2D: each input channel under filters of its own. Kernels: depthwise_conv_2d.ts. */
import type { Operator, Tensor } from "../../model/graph.js";
import { type ClampRange, fusedActivation } from "../activation.js";
import { biases, channelMultipliers, int8Data, packRecords, recordBytes } from "../filter.js";
import type { QuantizedMultiplier } from "../fixed_point.js";
import { defineOperator, type KernelForm, type LoweredLayer } from "../layer.js";
import {
  input,
  malformed,
  nhwc,
  optionalInput,
  output,
  perTensor,
  requireShape,
  requireType,
} from "../operands.js";
import { dilations, slide, strides, taps, type Window } from "../window.js";

interface DepthwiseConvolution extends LoweredLayer {
  readonly batches: number;
  readonly inputHeight: number;
  readonly inputWidth: number;
  readonly inputChannels: number;
  readonly depthMultiplier: number;
  readonly vertical: Window;
  readonly horizontal: Window;
  readonly inputZeroPoint: number;
  readonly outputZeroPoint: number;
  readonly clamp: ClampRange;
  /** One filter per output channel, [kernelHeight, kernelWidth]. */
  readonly filters: readonly Int8Array[];
  readonly bias: readonly number[];
  readonly multipliers: readonly QuantizedMultiplier[];
}

const plain: KernelForm<DepthwiseConvolution> = {
  name: "depthwise_conv_2d_plain",
  applies: () => true,
  cost(layer) {
    const { vertical, horizontal, batches } = layer;
    const channels = layer.inputChannels * layer.depthMultiplier;
    const rows = taps(vertical, layer.inputHeight);
    const columns = taps(horizontal, layer.inputWidth);
    const outputs = batches * vertical.outputs * horizontal.outputs;
    const inside = batches * rows.inside * columns.inside;
    const size = vertical.size * horizontal.size;
    const borderTaps = batches * rows.read * columns.read - inside * size;
    return {
      opcodes: Math.round(
        channels *
          (60 +
            size * 5 +
            outputs * 38 +
            inside * (22 + vertical.size * 8 + size * 8) +
            (outputs - inside) * (14 + vertical.size * 9 + size * 10) +
            borderTaps * 10),
      ),
      bytesMoved: channels * recordBytes(size),
    };
  },
  scratch: (layer) => [{ kind: "weights", bytes: recordBytes(layer.filters[0]?.length ?? 0) }],
  weights: (layer) => [packRecords(layer.filters, layer.bias, layer.multipliers, layer.inputZeroPoint)],
  emit: (layer, places) => [
    {
      file: "kernels/depthwise_conv_2d",
      function: "depthwiseConv2d",
      arguments: [
        ["input", places.address(layer.inputs[0] as Tensor)],
        ["output", places.address(layer.outputs[0] as Tensor)],
        ["weights", places.weights[0] as number],
        ["tile", places.scratch[0] as number],
        ["batches", layer.batches],
        ["inputHeight", layer.inputHeight],
        ["inputWidth", layer.inputWidth],
        ["inputChannels", layer.inputChannels],
        ["outputHeight", layer.vertical.outputs],
        ["outputWidth", layer.horizontal.outputs],
        ["depthMultiplier", layer.depthMultiplier],
        ["kernelHeight", layer.vertical.size],
        ["kernelWidth", layer.horizontal.size],
        ["strideHeight", layer.vertical.stride],
        ["strideWidth", layer.horizontal.stride],
        ["dilationHeight", layer.vertical.dilation],
        ["dilationWidth", layer.horizontal.dilation],
        ["padTop", layer.vertical.pad],
        ["padLeft", layer.horizontal.pad],
        ["inputZeroPoint", layer.inputZeroPoint],
        ["outputZeroPoint", layer.outputZeroPoint],
        ["activationMin", layer.clamp.minimum],
        ["activationMax", layer.clamp.maximum],
      ],
    },
  ],
};

function lower(operator: Operator): DepthwiseConvolution {
  const x = input(operator, 0);
  const filter = input(operator, 1);
  const y = output(operator);
  requireType(operator, x, "int8");
  requireType(operator, y, "int8");
  const [batches, inputHeight, inputWidth, inputChannels] = nhwc(operator, x);
  const [one, kernelHeight, kernelWidth, outputChannels] = nhwc(operator, filter);
  if (one !== 1 || outputChannels % inputChannels !== 0) {
    throw malformed(
      operator,
      `the filter's shape [${filter.shape.join(",")}] does not fit ${inputChannels} channels`,
    );
  }
  const [strideHeight, strideWidth] = strides(operator);
  const [dilationHeight, dilationWidth] = dilations(operator);
  const vertical = slide(operator, inputHeight, kernelHeight, strideHeight, dilationHeight);
  const horizontal = slide(operator, inputWidth, kernelWidth, strideWidth, dilationWidth);
  requireShape(operator, y, [batches, vertical.outputs, horizontal.outputs, outputChannels]);
  const weights = int8Data(operator, filter);
  const size = kernelHeight * kernelWidth;
  return {
    inputs: [x],
    outputs: [y],
    macs: y.elements * size,
    parameters: filter.elements + outputChannels,
    batches,
    inputHeight,
    inputWidth,
    inputChannels,
    depthMultiplier: outputChannels / inputChannels,
    vertical,
    horizontal,
    inputZeroPoint: perTensor(operator, x).zeroPoint,
    outputZeroPoint: perTensor(operator, y).zeroPoint,
    clamp: fusedActivation(operator, y),
    // The file interleaves channels; the kernel wants each channel's filter in one piece.
    filters: Array.from({ length: outputChannels }, (_, channel) =>
      Int8Array.from({ length: size }, (_, tap) => weights[tap * outputChannels + channel] as number),
    ),
    bias: biases(operator, optionalInput(operator, 2), outputChannels),
    multipliers: channelMultipliers(operator, x, filter, y, outputChannels),
  };
}

export const depthwiseConv2d = defineOperator({ name: "DEPTHWISE_CONV_2D", lower, forms: [plain] });
