/** DEPTHWISE_CONV_2D: each input channel under filters of its own. Kernels: depthwise_conv_2d.ts, depthwise_conv_2d_int16.ts. */
import type { Operator, Tensor } from "../../model/graph.js";
import { type ClampRange, fusedActivation } from "../activation.js";
import { depthwiseForms } from "../depthwise_lanes.js";
import { biases, channelMultipliers, int8Data, packRecords, recordBytes } from "../filter.js";
import { int16RecordBytes, packInt16Records, requireInt16 } from "../filter_int16.js";
import type { QuantizedMultiplier } from "../fixed_point.js";
import { lanesForms } from "../lanes.js";
import {
  type Argument,
  defineOperator,
  type KernelForm,
  type LoweredLayer,
  mapForm,
  type Places,
} from "../layer.js";
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
import type { Convolution } from "./conv_2d.js";

/** A depthwise convolution with everything folded. */
export interface DepthwiseConvolution extends LoweredLayer {
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
  /** false where int16 activations are summed up in 64 bits. */
  readonly int32Sums: boolean;
}

const isInt16 = (layer: DepthwiseConvolution) => layer.inputs[0]?.type === "int16";

/** The arguments that both kernels begin with. */
function placeArguments(layer: DepthwiseConvolution, places: Places): Argument[] {
  return [
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
  ];
}

const plain: KernelForm<DepthwiseConvolution> = {
  name: "depthwise_conv_2d_plain",
  applies: (layer) => !isInt16(layer),
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
        ...placeArguments(layer, places),
        ["inputZeroPoint", layer.inputZeroPoint],
        ["outputZeroPoint", layer.outputZeroPoint],
        ["activationMin", layer.clamp.minimum],
        ["activationMax", layer.clamp.maximum],
      ],
    },
  ],
};

const int16: KernelForm<DepthwiseConvolution> = {
  name: "depthwise_conv_2d_int16_plain",
  applies: isInt16,
  cost(layer) {
    const { vertical, horizontal, batches } = layer;
    const channels = layer.inputChannels * layer.depthMultiplier;
    const size = vertical.size * horizontal.size;
    const outputs = batches * vertical.outputs * horizontal.outputs;
    const read = batches * taps(vertical, layer.inputHeight).read * taps(horizontal, layer.inputWidth).read;
    return {
      opcodes: channels * (30 + outputs * (34 + vertical.size * 8 + size * 9) + read * 12),
      bytesMoved: channels * int16RecordBytes(size),
    };
  },
  scratch: (layer) => [{ kind: "weights", bytes: int16RecordBytes(layer.filters[0]?.length ?? 0) }],
  weights: (layer) => [packInt16Records(layer.filters, layer.bias, layer.multipliers, layer.int32Sums)],
  emit: (layer, places) => [
    {
      file: "kernels/depthwise_conv_2d_int16",
      function: "depthwiseConv2dInt16",
      arguments: [
        ...placeArguments(layer, places),
        ["narrow", layer.int32Sums ? 1 : 0],
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
  requireType(operator, x, "int8", "int16");
  requireType(operator, y, x.type);
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
  const biasTensor = optionalInput(operator, 2);
  const bias = biases(operator, biasTensor, outputChannels, x.type === "int16");
  const multipliers = channelMultipliers(operator, x, filter, y, outputChannels);
  if (x.type === "int16") requireInt16(operator, [x, y], bias, multipliers);
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
    bias,
    multipliers,
    int32Sums: x.type === "int8" || biasTensor?.type === "int32",
  };
}

const convolutions = new WeakMap<DepthwiseConvolution, Convolution>();

/** With one input channel it is an ordinary convolution: every filter sees that channel. */
function asConvolution(layer: DepthwiseConvolution): Convolution {
  let found = convolutions.get(layer);
  if (!found) {
    found = { ...layer, outputChannels: layer.depthMultiplier, filterChannels: 1 };
    convolutions.set(layer, found);
  }
  return found;
}

const ofOneChannel = lanesForms.map((form) =>
  mapForm(form, (layer: DepthwiseConvolution) => layer.inputChannels === 1, asConvolution),
);

export const depthwiseConv2d = defineOperator({
  name: "DEPTHWISE_CONV_2D",
  lower,
  forms: [plain, int16, ...depthwiseForms, ...ofOneChannel],
});
