/** RESIZE_NEAREST_NEIGHBOR and RESIZE_BILINEAR (reference/resize_nearest_neighbor.h, reference/resize_bilinear.h). */

import { roundHalfAway } from "./fixed_point.js";
import { at, type KernelCall, offset4, shape4 } from "./tensor_values.js";

interface Options {
  readonly alignCorners: boolean;
  readonly halfPixelCenters: boolean;
}

const optionsOf = ({ operator }: KernelCall): Options => ({
  alignCorners: operator.options.fields.alignCorners === true,
  halfPixelCenters: operator.options.fields.halfPixelCenters === true,
});

/** Which input row or column is nearest, in float32. */
function nearest(position: number, inputSize: number, outputSize: number, options: Options): number {
  const scale =
    options.alignCorners && outputSize > 1
      ? Math.fround((inputSize - 1) / (outputSize - 1))
      : Math.fround(inputSize / outputSize);
  const offset = options.halfPixelCenters ? 0.5 : 0;
  const real = Math.fround(Math.fround(position + offset) * scale);
  const found = Math.min(options.alignCorners ? roundHalfAway(real) : Math.floor(real), inputSize - 1);
  return options.halfPixelCenters ? Math.max(0, found) : found;
}

export function resizeNearestNeighbor(call: KernelCall): void {
  const input = call.input(0);
  const { output } = call;
  const [from, to] = [shape4(input), shape4(output)];
  const options = optionsOf(call);
  for (let b = 0; b < to[0]; b++) {
    for (let y = 0; y < to[1]; y++) {
      for (let x = 0; x < to[2]; x++) {
        for (let c = 0; c < to[3]; c++) {
          const source = offset4(
            from,
            b,
            nearest(y, from[1], to[1], options),
            nearest(x, from[2], to[2], options),
            c,
          );
          output.numbers[offset4(to, b, y, x, c)] = at(input.numbers, source);
        }
      }
    }
  }
}

/** Both neighbours of a position and the position itself in 1/1024. */
function neighbours(position: number, inputSize: number, outputSize: number, options: Options) {
  const corners = options.alignCorners && outputSize > 1;
  const [numerator, denominator] = corners ? [inputSize - 1, outputSize - 1] : [inputSize, outputSize];
  const scale = Math.trunc((1024 * numerator + Math.trunc(denominator / 2)) / denominator);
  const scaled = options.halfPixelCenters ? position * scale + Math.trunc(scale / 2) - 512 : position * scale;
  const lower = Math.max(Math.trunc(scaled / 1024), 0);
  const upper = Math.min(Math.trunc((scaled + 1023) / 1024), inputSize - 1);
  return { scaled, lower, upper };
}

export function resizeBilinear(call: KernelCall): void {
  const input = call.input(0);
  const { output } = call;
  const [from, to] = [shape4(input), shape4(output)];
  const options = optionsOf(call);
  for (let b = 0; b < to[0]; b++) {
    for (let y = 0; y < to[1]; y++) {
      const row = neighbours(y, from[1], to[1], options);
      const down = row.scaled - 1024 * row.lower;
      for (let x = 0; x < to[2]; x++) {
        const column = neighbours(x, from[2], to[2], options);
        const right = column.scaled - 1024 * column.lower;
        for (let c = 0; c < to[3]; c++) {
          const value = (iy: number, ix: number) => at(input.numbers, offset4(from, b, iy, ix, c));
          const sum =
            value(row.lower, column.lower) * (1024 - down) * (1024 - right) +
            value(row.upper, column.lower) * down * (1024 - right) +
            value(row.lower, column.upper) * (1024 - down) * right +
            value(row.upper, column.upper) * down * right;
          const rounding = sum > 0 ? 2 ** 19 : -(2 ** 19);
          output.numbers[offset4(to, b, y, x, c)] = Math.trunc((sum + rounding) / 2 ** 20);
        }
      }
    }
  }
}
