/**
 * Filters of operators on int16 activations: their records, as `assembly/kernels/conv_2d_int16.ts` documents them,
 * and TFLite's second way to requantise, for sums in 64 bits.
 */
import type { Operator, Tensor } from "../model/graph.js";
import type { QuantizedMultiplier } from "./fixed_point.js";
import { malformed, perTensor, unsupported } from "./operands.js";

/** Bytes of bias, multiplier and shift in front of a record's weights. */
const header = 16;

/** Bytes of one record with `weights` int8 weights. */
export function int16RecordBytes(weights: number): number {
  return (header + weights + 3) & ~3;
}

/** Beyond these TFLite's 64-bit requantisation is undefined (its asserts in kernels/internal/common.cc). */
const largestBias = 2 ** 46;
const largestShift = 7;

/** What int16 operators want of their tensors and multipliers; what does not hold is refused. */
export function requireInt16(
  operator: Operator,
  activations: readonly Tensor[],
  bias: readonly number[],
  multipliers: readonly QuantizedMultiplier[],
): void {
  for (const tensor of activations) {
    if (perTensor(operator, tensor).zeroPoint === 0) continue;
    throw malformed(operator, `tensor '${tensor.name}' is int16 and its zero point is not 0`);
  }
  if (bias.some((value) => Math.abs(value) > largestBias)) {
    throw malformed(operator, "a bias takes more than 47 bits");
  }
  if (multipliers.some(({ shift }) => shift > largestShift)) {
    throw unsupported(
      operator,
      "an output channel is amplified more than 128 times",
      "Quantise the output over the range that it has.",
    );
  }
}

/** A multiplier of 15 bits, rounded as TFLite's MultiplyByQuantizedMultiplier of an int64 does, and the whole shift. */
export function reduceMultiplier({ multiplier, shift }: QuantizedMultiplier): QuantizedMultiplier {
  const reduced = multiplier < 0x7fff0000 ? Math.floor((multiplier + 2 ** 15) / 2 ** 16) : 0x7fff;
  return { multiplier: reduced, shift: 15 - shift };
}

/**
 * The records of all output channels, one after the other.
 * @param int32Sums sums in 32 bits and the usual requantisation, instead of the one for 64 bits
 */
export function packInt16Records(
  channelWeights: readonly Int8Array[],
  bias: readonly number[],
  multipliers: readonly QuantizedMultiplier[],
  int32Sums: boolean,
): Uint8Array {
  const stride = int16RecordBytes(channelWeights[0]?.length ?? 0);
  const bytes = new Uint8Array(stride * channelWeights.length);
  const view = new DataView(bytes.buffer);
  channelWeights.forEach((weights, channel) => {
    const at = channel * stride;
    const full = multipliers[channel] as QuantizedMultiplier;
    const { multiplier, shift } = int32Sums ? full : reduceMultiplier(full);
    view.setBigInt64(at, BigInt(bias[channel] ?? 0), true);
    view.setInt32(at + 8, multiplier, true);
    view.setInt32(at + 12, shift, true);
    bytes.set(new Uint8Array(weights.buffer, weights.byteOffset, weights.length), at + header);
  });
  return bytes;
}
