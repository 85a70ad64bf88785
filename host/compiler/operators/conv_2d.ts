/** CONV_2D: Σ over the window and all input channels, one filter per output channel. Kernels: conv_2d.ts, conv_2d_int16.ts. */
import type { Operator } from "../../model/graph.js";
import { type ClampRange, fusedActivation } from "../activation.js";
import { biases, channelMultipliers, int8Data, packRecords, recordBytes } from "../filter.js";
import { int16RecordBytes, packInt16Records, requireInt16 } from "../filter_int16.js";
import type { QuantizedMultiplier } from "../fixed_point.js";
import { lanesForms } from "../lanes.js";
import {
  type Argument,
  defineOperator,
  type KernelCost,
  type KernelForm,
  type LoweredLayer,
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

/** A convolution with everything folded; also what FULLY_CONNECTED with a scale per output becomes. */
export interface Convolution extends LoweredLayer {
  readonly batches: number;
  readonly inputHeight: number;
  readonly inputWidth: number;
  readonly inputChannels: number;
  readonly outputChannels: number;
  /** Input channels of one filter: all, or those of its group. */
  readonly filterChannels: number;
  readonly vertical: Window;
  readonly horizontal: Window;
  readonly inputZeroPoint: number;
  readonly outputZeroPoint: number;
  readonly clamp: ClampRange;
  /** One filter per output channel, [kernelHeight, kernelWidth, filterChannels]. */
  readonly filters: readonly Int8Array[];
  readonly bias: readonly number[];
  readonly multipliers: readonly QuantizedMultiplier[];
  /** false where int16 activations are summed up in 64 bits. */
  readonly int32Sums: boolean;
}

const isInt16 = (layer: Convolution) => layer.inputs[0]?.type === "int16";

/** Opcodes of a plain convolution, read off the compiled kernel's loops. */
export function plainCost(layer: Convolution): KernelCost {
  const { vertical, horizontal, filterChannels, outputChannels, batches } = layer;
  const rows = taps(vertical, layer.inputHeight);
  const columns = taps(horizontal, layer.inputWidth);
  const outputs = batches * vertical.outputs * horizontal.outputs;
  const inside = batches * rows.inside * columns.inside;
  const dense = horizontal.dilation === 1 && filterChannels === layer.inputChannels;
  const run = dense ? horizontal.size * filterChannels : filterChannels;
  const runs = dense ? vertical.size : vertical.size * horizontal.size;
  const insideCost = 23 + runs * (18 + Math.floor(run / 4) * 20 + (run % 4) * 8);
  const borderTaps = batches * rows.read * columns.read - inside * vertical.size * horizontal.size;
  const borderAll = (outputs - inside) * vertical.size * horizontal.size;
  const filterBytes = vertical.size * horizontal.size * filterChannels;
  return {
    opcodes: Math.round(
      outputChannels *
        (60 +
          filterBytes * 5 +
          outputs * 38 +
          inside * insideCost +
          (outputs - inside) * (14 + vertical.size * 9) +
          borderAll * 9 +
          borderTaps * (8 + filterChannels * 9)),
    ),
    bytesMoved: outputChannels * recordBytes(filterBytes),
  };
}

/** The arguments that both kernels begin with. */
function placeArguments(layer: Convolution, places: Places): Argument[] {
  return [
    ["input", places.address(layer.inputs[0] as Convolution["inputs"][0])],
    ["output", places.address(layer.outputs[0] as Convolution["outputs"][0])],
    ["weights", places.weights[0] as number],
    ["tile", places.scratch[0] as number],
    ["batches", layer.batches],
    ["inputHeight", layer.inputHeight],
    ["inputWidth", layer.inputWidth],
    ["inputChannels", layer.inputChannels],
    ["outputHeight", layer.vertical.outputs],
    ["outputWidth", layer.horizontal.outputs],
    ["outputChannels", layer.outputChannels],
    ["filterChannels", layer.filterChannels],
    ["groupOutputs", (layer.outputChannels * layer.filterChannels) / layer.inputChannels],
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

/** conv_2d.ts as it stands: any stride, padding, dilation. */
export const plain: KernelForm<Convolution> = {
  name: "conv_2d_plain",
  applies: (layer) => !isInt16(layer),
  cost: plainCost,
  scratch: (layer) => [{ kind: "weights", bytes: recordBytes(layer.filters[0]?.length ?? 0) }],
  weights: (layer) => [packRecords(layer.filters, layer.bias, layer.multipliers, layer.inputZeroPoint)],
  emit: (layer, places) => [
    {
      file: "kernels/conv_2d",
      function: "conv2d",
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

/** conv_2d_int16.ts as it stands. */
export const int16: KernelForm<Convolution> = {
  name: "conv_2d_int16_plain",
  applies: isInt16,
  cost(layer) {
    const { vertical, horizontal, filterChannels, outputChannels, batches } = layer;
    const size = vertical.size * horizontal.size;
    const outputs = batches * vertical.outputs * horizontal.outputs;
    const read = batches * taps(vertical, layer.inputHeight).read * taps(horizontal, layer.inputWidth).read;
    const dot = 18 + Math.floor(filterChannels / 4) * 21 + (filterChannels % 4) * 9;
    return {
      opcodes: outputChannels * (30 + outputs * (34 + vertical.size * 8 + size * 9) + read * dot),
      bytesMoved: outputChannels * int16RecordBytes(size * filterChannels),
    };
  },
  scratch: (layer) => [{ kind: "weights", bytes: int16RecordBytes(layer.filters[0]?.length ?? 0) }],
  weights: (layer) => [packInt16Records(layer.filters, layer.bias, layer.multipliers, layer.int32Sums)],
  emit: (layer, places) => [
    {
      file: "kernels/conv_2d_int16",
      function: "conv2dInt16",
      arguments: [
        ...placeArguments(layer, places),
        ["narrow", layer.int32Sums ? 1 : 0],
        ["activationMin", layer.clamp.minimum],
        ["activationMax", layer.clamp.maximum],
      ],
    },
  ],
};

function lower(operator: Operator): Convolution {
  const x = input(operator, 0);
  const filter = input(operator, 1);
  const y = output(operator);
  requireType(operator, x, "int8", "int16");
  requireType(operator, y, x.type);
  const [batches, inputHeight, inputWidth, inputChannels] = nhwc(operator, x);
  const [outputChannels, kernelHeight, kernelWidth, filterChannels] = nhwc(operator, filter);
  const groups = inputChannels / filterChannels;
  if (!Number.isInteger(groups) || outputChannels % groups !== 0) {
    throw malformed(
      operator,
      `filters of ${filterChannels} channels do not divide ${inputChannels} input and ${outputChannels} output channels`,
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
  const size = kernelHeight * kernelWidth * filterChannels;
  return {
    inputs: [x],
    outputs: [y],
    macs: y.elements * size,
    parameters: filter.elements + outputChannels,
    batches,
    inputHeight,
    inputWidth,
    inputChannels,
    outputChannels,
    filterChannels,
    vertical,
    horizontal,
    inputZeroPoint: perTensor(operator, x).zeroPoint,
    outputZeroPoint: perTensor(operator, y).zeroPoint,
    clamp: fusedActivation(operator, y),
    filters: Array.from({ length: outputChannels }, (_, channel) =>
      weights.subarray(channel * size, (channel + 1) * size),
    ),
    bias,
    multipliers,
    int32Sums: x.type === "int8" || biasTensor?.type === "int32",
  };
}

export const conv2d = defineOperator({ name: "CONV_2D", lower, forms: [plain, int16, ...lanesForms] });
