/** DEPTHWISE_CONV_2D, int8 and int16: reference_integer_ops::DepthwiseConvPerChannel, with multiplier and dilation. */

import { clamp } from "./fixed_point.js";
import { activationBounds, convolutionMultipliers, requantisedSum } from "./quantisation.js";
import { at, type KernelCall, offset4, perTensor, shape4 } from "./tensor_values.js";
import { numberOption, windowOf } from "./window.js";

export function depthwiseConv2d({ operator, input: inputAt, optionalInput, output }: KernelCall): void {
  const { options } = operator;
  const input = inputAt(0);
  const filter = inputAt(1);
  const bias = optionalInput(2);
  const inputShape = shape4(input);
  const filterShape = shape4(filter);
  const outputShape = shape4(output);
  const [, inputHeight, inputWidth, inputDepth] = inputShape;
  const [, filterHeight, filterWidth, channels] = filterShape;
  const { padding, fusedActivation } = options.fields;
  const dilation = { y: numberOption(options, "dilationHeight"), x: numberOption(options, "dilationWidth") };
  const rows = windowOf(
    padding,
    inputHeight,
    filterHeight,
    numberOption(options, "strideHeight"),
    dilation.y,
  );
  const columns = windowOf(
    padding,
    inputWidth,
    filterWidth,
    numberOption(options, "strideWidth"),
    dilation.x,
  );
  const multipliers = convolutionMultipliers(input, filter, output, channels);
  const bounds = activationBounds(fusedActivation, output);
  const inputZeroPoint = perTensor(input).zeroPoint;
  const outputZeroPoint = perTensor(output).zeroPoint;
  // The option depthMultiplier is redundant; like TensorFlow Lite since 2.1, only the shapes count.
  const depthMultiplier = channels / inputDepth;

  for (let b = 0; b < outputShape[0]; b++) {
    for (let outY = 0; outY < outputShape[1]; outY++) {
      for (let outX = 0; outX < outputShape[2]; outX++) {
        for (let channel = 0; channel < channels; channel++) {
          const inputChannel = Math.floor(channel / depthMultiplier);
          let sum = 0;
          for (let fy = 0; fy < filterHeight; fy++) {
            const y = outY * rows.stride - rows.before + fy * rows.dilation;
            if (y < 0 || y >= inputHeight) continue;
            for (let fx = 0; fx < filterWidth; fx++) {
              const x = outX * columns.stride - columns.before + fx * columns.dilation;
              if (x < 0 || x >= inputWidth) continue;
              const value = at(input.numbers, offset4(inputShape, b, y, x, inputChannel)) - inputZeroPoint;
              sum += value * at(filter.numbers, offset4(filterShape, 0, fy, fx, channel));
            }
          }
          if (bias !== null) sum += at(bias.numbers, channel);
          const multiplier = multipliers[channel] ?? { multiplier: 0, shift: 0 };
          const scaled = requantisedSum(sum, multiplier, input, bias) + outputZeroPoint;
          output.numbers[offset4(outputShape, b, outY, outX, channel)] = clamp(
            scaled,
            bounds.low,
            bounds.high,
          );
        }
      }
    }
  }
}
