/** What the kernels derive from scales: multipliers by channel and the bounds of fused activations. */

import {
  type FixedPointMultiplier,
  multiplyByQuantisedMultiplier,
  multiplyInt64ByQuantisedMultiplier,
  quantiseMultiplier,
  roundHalfAway,
} from "./fixed_point.js";
import { at, integerRange, perTensor, type Values } from "./tensor_values.js";

/**
 * Multipliers of a convolution, one for each output channel: input scale · filter scale / output scale in
 * double precision, also where the filter has a single scale (PopulateConvolutionQuantizationParams).
 */
export function convolutionMultipliers(
  input: Values,
  filter: Values,
  output: Values,
  channels: number,
): FixedPointMultiplier[] {
  const scales = filter.tensor.quantisation?.scales ?? [];
  return Array.from({ length: channels }, (_, channel) => {
    const filterScale = at(scales, scales.length === 1 ? 0 : channel);
    return quantiseMultiplier((perTensor(input).scale * filterScale) / perTensor(output).scale);
  });
}

/**
 * Bounds of an output with a fused activation (CalculateActivationRangeQuantized), computed in float32.
 * @param activation the option `fusedActivation`; TANH and SIGN_BIT bound nothing, as in TensorFlow Lite
 */
export function activationBounds(activation: unknown, output: Values): { low: number; high: number } {
  const { scale, zeroPoint } = perTensor(output);
  const { type } = output.tensor;
  if (type !== "int8" && type !== "int16") throw new Error(`No activation bounds for ${type}.`);
  const [lowest, highest] = integerRange[type];
  const quantised = (real: number) => zeroPoint + roundHalfAway(Math.fround(real / scale));
  switch (activation) {
    case "RELU":
      return { low: Math.max(lowest, quantised(0)), high: highest };
    case "RELU6":
      return { low: Math.max(lowest, quantised(0)), high: Math.min(highest, quantised(6)) };
    case "RELU_N1_TO_1":
      return { low: Math.max(lowest, quantised(-1)), high: Math.min(highest, quantised(1)) };
    default:
      return { low: lowest, high: highest };
  }
}

/**
 * A convolution's sum, bias included, brought to the output's scale. int16 activations are summed up in int64
 * unless the bias is int32; int64 sums are scaled by a function of their own.
 */
export function requantisedSum(
  sum: number,
  multiplier: FixedPointMultiplier,
  input: Values,
  bias: Values | null,
): number {
  const wide = input.tensor.type === "int16" && bias?.tensor.type !== "int32";
  return wide
    ? multiplyInt64ByQuantisedMultiplier(sum, multiplier)
    : multiplyByQuantisedMultiplier(sum | 0, multiplier);
}
