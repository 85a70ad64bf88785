/**
 * What CONV_2D and DEPTHWISE_CONV_2D share: filters that slide over an image, one per output channel, with everything
 * folded; and the forms that run the plain kernels of `assembly/kernels/`, for int8 and for int16 activations.
 */
import type { Operator, Tensor } from "../model/graph.js";
import { type ClampRange, fusedActivation } from "./activation.js";
import { recordRanges } from "./channel_ranges.js";
import { biases, channelMultipliers, int8Data, packRecords, recordBytes } from "./filter.js";
import { int16RecordBytes, packInt16Records, requireInt16 } from "./filter_int16.js";
import type { QuantizedMultiplier } from "./fixed_point.js";
import type { Argument, KernelForm, LoweredLayer, Places } from "./layer.js";
import { input, nhwc, optionalInput, output, perTensor, requireShape, requireType } from "./operands.js";
import { dilations, slide, strides, type Window } from "./window.js";

export interface SlidingFilter extends LoweredLayer {
  readonly batches: number;
  readonly inputHeight: number;
  readonly inputWidth: number;
  readonly inputChannels: number;
  readonly outputChannels: number;
  readonly vertical: Window;
  readonly horizontal: Window;
  readonly inputZeroPoint: number;
  readonly outputZeroPoint: number;
  readonly clamp: ClampRange;
  /** One filter per output channel, [kernelHeight, kernelWidth, channels that it sees]. */
  readonly filters: readonly Int8Array[];
  readonly bias: readonly number[];
  readonly multipliers: readonly QuantizedMultiplier[];
  /** false where int16 activations are summed up in 64 bits. */
  readonly int32Sums: boolean;
}

/** CONV_2D; also what FULLY_CONNECTED with a scale per output becomes. */
export interface Convolution extends SlidingFilter {
  /** Input channels of one filter: all, or those of its group. */
  readonly filterChannels: number;
}

/** DEPTHWISE_CONV_2D: every filter sees one input channel. */
export interface DepthwiseConvolution extends SlidingFilter {
  /** Output channels of one input channel. */
  readonly depthMultiplier: number;
}

/** Whether the activations are int16. */
export const isInt16 = (layer: LoweredLayer): boolean => layer.inputs[0]?.type === "int16";

/**
 * Folds an operator whose inputs are image, filter and optional bias.
 * @param split the filter's weights by output channel, in the kernels' order
 */
export function lowerSlidingFilter(
  operator: Operator,
  shape: { readonly kernelHeight: number; readonly kernelWidth: number; readonly outputChannels: number },
  split: (weights: Int8Array) => Int8Array[],
): SlidingFilter {
  const x = input(operator, 0);
  const filter = input(operator, 1);
  const y = output(operator);
  requireType(operator, x, "int8", "int16");
  requireType(operator, y, x.type);
  const { outputChannels } = shape;
  const [batches, inputHeight, inputWidth, inputChannels] = nhwc(operator, x);
  const [strideHeight, strideWidth] = strides(operator);
  const [dilationHeight, dilationWidth] = dilations(operator);
  const vertical = slide(operator, inputHeight, shape.kernelHeight, strideHeight, dilationHeight, "rows");
  const horizontal = slide(operator, inputWidth, shape.kernelWidth, strideWidth, dilationWidth, "columns");
  requireShape(operator, y, [batches, vertical.outputs, horizontal.outputs, outputChannels]);
  const biasTensor = optionalInput(operator, 2);
  const bias = biases(operator, biasTensor, outputChannels, x.type === "int16");
  const multipliers = channelMultipliers(operator, x, filter, y, outputChannels);
  if (x.type === "int16") requireInt16(operator, [x, y], bias, multipliers);
  const filters = split(int8Data(operator, filter));
  const layer: SlidingFilter = {
    inputs: [x],
    outputs: [y],
    macs: y.elements * (filters[0]?.length ?? 0),
    parameters: filter.elements + outputChannels,
    batches,
    inputChannels,
    outputChannels,
    ...alongRows({ inputHeight, inputWidth, vertical, horizontal }),
    inputZeroPoint: perTensor(operator, x).zeroPoint,
    outputZeroPoint: perTensor(operator, y).zeroPoint,
    clamp: fusedActivation(operator, y),
    filters,
    bias,
    multipliers,
    int32Sums: x.type === "int8" || biasTensor?.type === "int32",
  };
  recordRanges(layer);
  return layer;
}

/**
 * A signal over time is often an image one pixel wide, with filters one pixel wide. One pixel high it has the same bytes
 * and the same windows, and kernels finish several pixels of a row at once.
 */
function alongRows(
  image: Pick<SlidingFilter, "inputHeight" | "inputWidth" | "vertical" | "horizontal">,
): typeof image {
  const { inputHeight, inputWidth, vertical, horizontal } = image;
  if (inputWidth !== 1 || horizontal.size !== 1 || horizontal.padded || horizontal.outputs !== 1)
    return image;
  return { inputHeight: 1, inputWidth: inputHeight, vertical: horizontal, horizontal: vertical };
}

/** What an operator adds to the shared plain forms. */
interface PlainKernels<L> {
  /** Name of the kernels' file, and the forms' names; `conv_2d`. */
  readonly file: string;
  /** Name of the int8 kernel; `conv2d`. */
  readonly function: string;
  /** Arguments between the output's size and the kernel's. */
  channels(layer: L): Argument[];
  /** Opcodes by the kernels' loops. */
  int8Opcodes(layer: L): number;
  int16Opcodes(layer: L): number;
}

/** The plain forms of both element types. */
export function plainForms<L extends SlidingFilter>(
  kernels: PlainKernels<L>,
): { readonly int8: KernelForm<L>; readonly int16: KernelForm<L> } {
  const common = (layer: L, places: Places): Argument[] => [
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
    ...kernels.channels(layer),
    ["kernelHeight", layer.vertical.size],
    ["kernelWidth", layer.horizontal.size],
    ["strideHeight", layer.vertical.stride],
    ["strideWidth", layer.horizontal.stride],
    ["dilationHeight", layer.vertical.dilation],
    ["dilationWidth", layer.horizontal.dilation],
    ["padTop", layer.vertical.pad],
    ["padLeft", layer.horizontal.pad],
  ];
  const clamp = (layer: L): Argument[] => [
    ["activationMin", layer.clamp.minimum],
    ["activationMax", layer.clamp.maximum],
  ];
  const taps = (layer: L) => layer.filters[0]?.length ?? 0;
  return {
    int8: {
      name: `${kernels.file}_plain`,
      when: "int8",
      applies: (layer) => !isInt16(layer),
      cost: (layer) => ({
        opcodes: Math.round(kernels.int8Opcodes(layer)),
        bytesMoved: layer.outputChannels * recordBytes(taps(layer)),
      }),
      scratch: (layer) => [{ kind: "weights", bytes: recordBytes(taps(layer)) }],
      weights: (layer) => [packRecords(layer.filters, layer.bias, layer.multipliers, layer.inputZeroPoint)],
      emit: (layer, places) => [
        {
          file: `kernels/${kernels.file}`,
          function: kernels.function,
          arguments: [
            ...common(layer, places),
            ["inputZeroPoint", layer.inputZeroPoint],
            ["outputZeroPoint", layer.outputZeroPoint],
            ...clamp(layer),
          ],
        },
      ],
    },
    int16: {
      name: `${kernels.file}_int16_plain`,
      when: "int16",
      applies: isInt16,
      cost: (layer) => ({
        opcodes: Math.round(kernels.int16Opcodes(layer)),
        bytesMoved: layer.outputChannels * int16RecordBytes(taps(layer)),
      }),
      scratch: (layer) => [{ kind: "weights", bytes: int16RecordBytes(taps(layer)) }],
      weights: (layer) => [packInt16Records(layer.filters, layer.bias, layer.multipliers, layer.int32Sums)],
      emit: (layer, places) => [
        {
          file: `kernels/${kernels.file}_int16`,
          function: `${kernels.function}Int16`,
          arguments: [...common(layer, places), ["narrow", layer.int32Sums ? 1 : 0], ...clamp(layer)],
        },
      ],
    },
  };
}
