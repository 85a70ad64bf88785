/** CONV_2D, DEPTHWISE_CONV_2D and FULLY_CONNECTED as constants and a call of test/bench/reference/convolution.h. */
import { fusedActivation } from "../../host/compiler/activation.js";
import { quantizeMultiplier } from "../../host/compiler/fixed_point.js";
import {
  constant,
  constantIntegers,
  input,
  nhwc,
  optionalInput,
  output,
  perTensor,
} from "../../host/compiler/operands.js";
import { dilations, strides } from "../../host/compiler/window.js";
import type { Operator, Tensor } from "../../host/model/graph.js";
import { type Window, windowOf } from "../reference/window.js";
import { arrayOf, type CLayer, type CStruct, structOf } from "./c_values.js";

/** Where a call finds a tensor. */
export type Place = (tensor: Tensor) => string;

/** The filter as bytes with a sign. */
function signed(bytes: Uint8Array): number[] {
  return Array.from(new Int8Array(Uint8Array.from(bytes).buffer));
}

export function windowFields({ size, stride, dilation, before }: Window): CStruct {
  return { size, stride, dilation, pad: before };
}

/** Real multipliers of each output channel, in double precision (PopulateConvolutionQuantizationParams). */
function channelMultipliers(operator: Operator, channels: number): number[] {
  const [from, to] = [perTensor(operator, input(operator, 0)), perTensor(operator, output(operator))];
  const scales = input(operator, 1).quantisation?.scales ?? [];
  return Array.from({ length: channels }, (_, channel) => {
    const scale = scales[scales.length === 1 ? 0 : channel] ?? 0;
    return (from.scale * scale) / to.scale;
  });
}

/** Filter, bias and multipliers as arrays, and the struct that names them. */
function requantisation(operator: Operator, reals: readonly number[]): { arrays: string[]; by: CStruct } {
  const { index } = operator;
  const bias = optionalInput(operator, 2);
  const multipliers = reals.map(quantizeMultiplier);
  const range = fusedActivation(operator, output(operator));
  const arrays = [
    arrayOf("int8_t", `filter_${index}`, signed(constant(operator, input(operator, 1)))),
    ...(bias ? [arrayOf("int32_t", `bias_${index}`, constantIntegers(operator, bias))] : []),
    arrayOf(
      "int32_t",
      `multipliers_${index}`,
      multipliers.map(({ multiplier }) => multiplier),
    ),
    arrayOf(
      "int32_t",
      `shifts_${index}`,
      multipliers.map(({ shift }) => shift),
    ),
  ];
  const by = {
    bias: bias ? `bias_${index}` : "NULL",
    multipliers: `multipliers_${index}`,
    shifts: `shifts_${index}`,
    output_zero_point: perTensor(operator, output(operator)).zeroPoint,
    low: range.minimum,
    high: range.maximum,
  };
  return { arrays, by };
}

export function convolution(operator: Operator, place: Place): CLayer {
  const { index } = operator;
  const depthwise = operator.name === "DEPTHWISE_CONV_2D";
  const from = input(operator, 0);
  const [batches, height, width, depth] = nhwc(operator, from);
  const [outermost, kernelHeight, kernelWidth, innermost] = nhwc(operator, input(operator, 1));
  const channels = depthwise ? innermost : outermost;
  const [strideHeight, strideWidth] = strides(operator);
  const [dilationHeight, dilationWidth] = dilations(operator);
  const { padding } = operator.options.fields;
  const rows = windowOf(padding, height, kernelHeight, strideHeight, dilationHeight);
  const columns = windowOf(padding, width, kernelWidth, strideWidth, dilationWidth);
  const [, outputHeight, outputWidth] = nhwc(operator, output(operator));
  const { arrays, by } = requantisation(operator, channelMultipliers(operator, channels));
  const fields = {
    batches,
    height,
    width,
    depth,
    output_height: outputHeight,
    output_width: outputWidth,
    channels,
    filter_depth: depthwise ? 1 : innermost,
    group: depthwise ? channels / depth : channels / (depth / innermost),
    input_zero_point: perTensor(operator, from).zeroPoint,
    rows: windowFields(rows),
    columns: windowFields(columns),
    filter: `filter_${index}`,
    by,
  };
  const kernel = depthwise ? "depthwise_conv_2d" : "conv_2d";
  return {
    constants: [...arrays, `static const struct convolution layer_${index} = ${structOf(fields)};`],
    call: `${kernel}(&layer_${index}, ${place(from)}, ${place(output(operator))})`,
  };
}

/** With one scale, the product of input and filter scale is rounded to float32 (GetQuantizedConvolutionMultipler). */
export function fullyConnected(operator: Operator, place: Place): CLayer {
  const { index } = operator;
  const [from, to] = [input(operator, 0), output(operator)];
  const [channels = 1, depth = 1] = input(operator, 1).shape;
  const scales = input(operator, 1).quantisation?.scales ?? [];
  const single =
    Math.fround(perTensor(operator, from).scale * (scales[0] ?? 0)) / perTensor(operator, to).scale;
  const reals =
    scales.length > 1 ? channelMultipliers(operator, channels) : Array<number>(channels).fill(single);
  const { arrays, by } = requantisation(operator, reals);
  const fields = {
    rows: to.elements / channels,
    depth,
    channels,
    input_zero_point: perTensor(operator, from).zeroPoint,
    filter: `filter_${index}`,
    by,
  };
  return {
    constants: [...arrays, `static const struct fully_connected layer_${index} = ${structOf(fields)};`],
    call: `fully_connected(&layer_${index}, ${place(from)}, ${place(to)})`,
  };
}
