/** TRANSPOSE_CONV, int8: reference_integer_ops::TransposeConv, each input scattered over the outputs it reaches. */

import { clamp, multiplyByQuantisedMultiplier } from "./fixed_point.js";
import { activationBounds, convolutionMultipliers } from "./quantisation.js";
import { at, type KernelCall, offset4, perTensor, shape4 } from "./tensor_values.js";
import { numberOption, windowOf } from "./window.js";

export function transposeConv({ operator, input: inputAt, optionalInput, output }: KernelCall): void {
  const { options } = operator;
  const [filter, input, bias] = [inputAt(1), inputAt(2), optionalInput(3)];
  const [from, taps, to] = [shape4(input), shape4(filter), shape4(output)];
  const { padding } = options.fields;
  // Padding is that of the convolution from the output to the input.
  const rows = windowOf(padding, to[1], taps[1], numberOption(options, "strideHeight"), 1);
  const columns = windowOf(padding, to[2], taps[2], numberOption(options, "strideWidth"), 1);
  const sums = new Int32Array(output.numbers.length);
  const { zeroPoint } = perTensor(input);
  for (let b = 0; b < from[0]; b++) {
    for (let y = 0; y < from[1]; y++) {
      for (let x = 0; x < from[2]; x++) {
        for (let c = 0; c < from[3]; c++) {
          const value = at(input.numbers, offset4(from, b, y, x, c)) - zeroPoint;
          for (let fy = 0; fy < taps[1]; fy++) {
            const outY = y * rows.stride - rows.before + fy;
            if (outY < 0 || outY >= to[1]) continue;
            for (let fx = 0; fx < taps[2]; fx++) {
              const outX = x * columns.stride - columns.before + fx;
              if (outX < 0 || outX >= to[2]) continue;
              for (let channel = 0; channel < to[3]; channel++) {
                const place = offset4(to, b, outY, outX, channel);
                sums[place] = at(sums, place) + value * at(filter.numbers, offset4(taps, channel, fy, fx, c));
              }
            }
          }
        }
      }
    }
  }
  const multipliers = convolutionMultipliers(input, filter, output, to[3]);
  const bounds = activationBounds(options.fields.fusedActivation, output);
  sums.forEach((sum, index) => {
    const channel = index % to[3];
    const biased = (sum + (bias === null ? 0 : at(bias.numbers, channel))) | 0;
    const multiplier = multipliers[channel] ?? { multiplier: 0, shift: 0 };
    const scaled = multiplyByQuantisedMultiplier(biased, multiplier) + perTensor(output).zeroPoint;
    output.numbers[index] = clamp(scaled, bounds.low, bounds.high);
  });
}
