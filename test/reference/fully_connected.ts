/**
 * FULLY_CONNECTED, int8 and int16: reference_integer_ops::FullyConnected and its per-channel sibling. They differ in
 * more than the number of scales: with one scale the product of input and filter scale is rounded to float32
 * (GetQuantizedConvolutionMultipler) and the filter's zero point counts; per channel it is all double.
 */

import { clamp, quantiseMultiplier } from "./fixed_point.js";
import { activationBounds, convolutionMultipliers, requantisedSum } from "./quantisation.js";
import { at, type KernelCall, perTensor } from "./tensor_values.js";

export function fullyConnected({ operator, input: inputAt, optionalInput, output }: KernelCall): void {
  const input = inputAt(0);
  const filter = inputAt(1);
  const bias = optionalInput(2);
  const channels = at(filter.shape, 0);
  const depth = at(filter.shape, 1);
  const rows = output.numbers.length / channels;
  const perChannel = (filter.tensor.quantisation?.scales.length ?? 0) > 1;
  const filterZeroPoint = perChannel ? 0 : perTensor(filter).zeroPoint;
  const productScale = Math.fround(perTensor(input).scale * perTensor(filter).scale);
  const single = quantiseMultiplier(productScale / perTensor(output).scale);
  const multipliers = convolutionMultipliers(input, filter, output, channels);
  const bounds = activationBounds(operator.options.fields.fusedActivation, output);
  const inputZeroPoint = perTensor(input).zeroPoint;
  const outputZeroPoint = perTensor(output).zeroPoint;

  for (let row = 0; row < rows; row++) {
    for (let channel = 0; channel < channels; channel++) {
      let sum = bias === null ? 0 : at(bias.numbers, channel);
      for (let i = 0; i < depth; i++) {
        const value = at(input.numbers, row * depth + i) - inputZeroPoint;
        sum += value * (at(filter.numbers, channel * depth + i) - filterZeroPoint);
      }
      const multiplier = (perChannel ? multipliers[channel] : undefined) ?? single;
      const scaled = requantisedSum(sum, multiplier, input, bias) + outputZeroPoint;
      output.numbers[row * channels + channel] = clamp(scaled, bounds.low, bounds.high);
    }
  }
}
