/**
 * Filters with their requantisation folded, for convolutions: one record per output channel, as
 * `assembly/kernels/conv_2d.ts` documents it.
 */
import type { Operator, Tensor } from "../model/graph.js";
import { type QuantizedMultiplier, quantizeMultiplier } from "./fixed_point.js";
import { constant, constantIntegers, malformed, perTensor, requireType } from "./operands.js";

/** Bytes of bias, multiplier and shift in front of a record's weights. */
export const recordHeader = 12;

/** Bytes of one record with `weights` int8 weights. */
export function recordBytes(weights: number): number {
  return (recordHeader + weights + 3) & ~3;
}

/** int8 data of a constant tensor. */
export function int8Data(operator: Operator, tensor: Tensor): Int8Array {
  requireType(operator, tensor, "int8");
  const data = constant(operator, tensor);
  return new Int8Array(data.buffer, data.byteOffset, data.byteLength);
}

/**
 * The bias of each output channel; a model may leave it out.
 * @param wide accept int64 too, as operators on int16 do
 */
export function biases(
  operator: Operator,
  tensor: Tensor | null,
  channels: number,
  wide = false,
): readonly number[] {
  if (!tensor) return new Array<number>(channels).fill(0);
  requireType(operator, tensor, "int32", ...(wide ? (["int64"] as const) : []));
  const values = constantIntegers(operator, tensor);
  if (values.length === channels) return values;
  throw malformed(operator, `the bias has ${values.length} elements for ${channels} output channels`);
}

/**
 * One multiplier per output channel: inputScale · filterScale / outputScale in double precision
 * (PopulateConvolutionQuantizationParams in kernels/kernel_util.cc).
 * @param filter one scale, or one per output channel
 */
export function channelMultipliers(
  operator: Operator,
  input: Tensor,
  filter: Tensor,
  output: Tensor,
  channels: number,
): readonly QuantizedMultiplier[] {
  const scales = filter.quantisation?.scales ?? [];
  if (scales.length !== 1 && scales.length !== channels) {
    throw malformed(operator, `the filter has ${scales.length} scales for ${channels} output channels`);
  }
  if (filter.quantisation?.zeroPoints.some((zeroPoint) => zeroPoint !== 0)) {
    throw malformed(operator, "the filter's zero point is not 0");
  }
  const inputScale = perTensor(operator, input).scale;
  const outputScale = perTensor(operator, output).scale;
  return Array.from({ length: channels }, (_, channel) => {
    const scale = scales.length === 1 ? scales[0] : scales[channel];
    return quantizeMultiplier((inputScale * (scale as number)) / outputScale);
  });
}

/** Folds the input's zero point: a plain dot product then gives Σ (x − zeroPoint) · w + bias. */
export function foldBias(bias: number, weights: Iterable<number>, inputZeroPoint: number): number {
  let sum = 0;
  for (const weight of weights) sum += weight;
  return (bias - inputZeroPoint * sum) | 0;
}

/**
 * The records of all output channels, one after the other.
 * @param channelWeights the weights of one output channel in the kernel's order
 */
export function packRecords(
  channelWeights: readonly Int8Array[],
  bias: readonly number[],
  multipliers: readonly QuantizedMultiplier[],
  inputZeroPoint: number,
): Uint8Array {
  const stride = recordBytes(channelWeights[0]?.length ?? 0);
  const bytes = new Uint8Array(stride * channelWeights.length);
  const view = new DataView(bytes.buffer);
  channelWeights.forEach((weights, channel) => {
    const at = channel * stride;
    const { multiplier, shift } = multipliers[channel] as QuantizedMultiplier;
    view.setInt32(at, foldBias(bias[channel] ?? 0, weights, inputZeroPoint), true);
    view.setInt32(at + 4, multiplier, true);
    view.setInt32(at + 8, shift, true);
    bytes.set(new Uint8Array(weights.buffer, weights.byteOffset, weights.length), at + recordHeader);
  });
  return bytes;
}
