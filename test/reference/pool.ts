/** AVERAGE_POOL_2D and MAX_POOL_2D, int8: no rescaling, windows cut at the border of the input. */

import { clamp } from "./fixed_point.js";
import { activationBounds } from "./quantisation.js";
import { at, type KernelCall, offset4, shape4 } from "./tensor_values.js";
import { numberOption, windowOf } from "./window.js";

/** The mean, halves away from zero; only values inside the input count. */
export function averagePool2d(call: KernelCall): void {
  pool(call, (values) => {
    const sum = values.reduce((total, value) => total + value, 0);
    const half = Math.trunc(values.length / 2);
    return Math.trunc((sum > 0 ? sum + half : sum - half) / values.length);
  });
}

export function maxPool2d(call: KernelCall): void {
  pool(call, (values) => values.reduce((most, value) => Math.max(most, value), -128));
}

function pool(
  { operator, input: inputAt, output }: KernelCall,
  summary: (values: readonly number[]) => number,
): void {
  const { options } = operator;
  const input = inputAt(0);
  const inputShape = shape4(input);
  const outputShape = shape4(output);
  const [, height, width] = inputShape;
  const { padding } = options.fields;
  const size = { y: numberOption(options, "filterHeight"), x: numberOption(options, "filterWidth") };
  const rows = windowOf(padding, height, size.y, numberOption(options, "strideHeight"), 1);
  const columns = windowOf(padding, width, size.x, numberOption(options, "strideWidth"), 1);
  const bounds = activationBounds(options.fields.fusedActivation, output);

  for (let b = 0; b < outputShape[0]; b++) {
    for (let outY = 0; outY < outputShape[1]; outY++) {
      for (let outX = 0; outX < outputShape[2]; outX++) {
        const top = outY * rows.stride - rows.before;
        const left = outX * columns.stride - columns.before;
        for (let c = 0; c < outputShape[3]; c++) {
          const values: number[] = [];
          for (let y = Math.max(0, top); y < Math.min(height, top + rows.size); y++) {
            for (let x = Math.max(0, left); x < Math.min(width, left + columns.size); x++) {
              values.push(at(input.numbers, offset4(inputShape, b, y, x, c)));
            }
          }
          const position = offset4(outputShape, b, outY, outX, c);
          output.numbers[position] = clamp(summary(values), bounds.low, bounds.high);
        }
      }
    }
  }
}
