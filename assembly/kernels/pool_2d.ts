/**
 * AVERAGE_POOL_2D and MAX_POOL_2D, int8, NHWC, plain reference form. Taps in the padding do not count, so every
 * window is cut to the image first. Channels run innermost: neighbouring channels are neighbouring bytes.
 */
import { clamp } from "../arithmetic";

/** Mean over each window, rounded to nearest, ties away from zero. */
export function averagePool2d(
  input: usize, output: usize, batches: i32, inputHeight: i32, inputWidth: i32, channels: i32,
  outputHeight: i32, outputWidth: i32, filterHeight: i32, filterWidth: i32, strideHeight: i32, strideWidth: i32,
  padTop: i32, padLeft: i32, activationMin: i32, activationMax: i32,
): void {
  const inputRow: i32 = inputWidth * channels;
  for (let batch: i32 = 0; batch < batches; batch++) {
    let originY: i32 = -padTop;
    for (let row: i32 = 0; row < outputHeight; row++) {
      const top: i32 = max<i32>(originY, 0);
      const bottom: i32 = min<i32>(originY + filterHeight, inputHeight);
      let originX: i32 = -padLeft;
      for (let column: i32 = 0; column < outputWidth; column++) {
        const start: i32 = max<i32>(originX, 0);
        const width: i32 = min<i32>(originX + filterWidth, inputWidth) - start;
        const count: i32 = (bottom - top) * width;
        const half: i32 = count >> 1;
        for (let channel: i32 = 0; channel < channels; channel++) {
          let source: usize = input + <usize>(top * inputRow + start * channels + channel);
          let sum: i32 = 0;
          for (let y: i32 = top; y < bottom; y++) {
            const end: usize = source + width * channels;
            while (source < end) {
              sum += <i32>load<i8>(source);
              source += channels;
            }
            source += inputRow - width * channels;
          }
          const mean: i32 = (sum + select<i32>(half, -half, sum > 0)) / count;
          store<i8>(output, clamp(mean, activationMin, activationMax));
          output += 1;
        }
        originX += strideWidth;
      }
      originY += strideHeight;
    }
    input += inputHeight * inputRow;
  }
}

/** Largest value of each window. */
export function maxPool2d(
  input: usize, output: usize, batches: i32, inputHeight: i32, inputWidth: i32, channels: i32,
  outputHeight: i32, outputWidth: i32, filterHeight: i32, filterWidth: i32, strideHeight: i32, strideWidth: i32,
  padTop: i32, padLeft: i32, activationMin: i32, activationMax: i32,
): void {
  const inputRow: i32 = inputWidth * channels;
  for (let batch: i32 = 0; batch < batches; batch++) {
    let originY: i32 = -padTop;
    for (let row: i32 = 0; row < outputHeight; row++) {
      const top: i32 = max<i32>(originY, 0);
      const bottom: i32 = min<i32>(originY + filterHeight, inputHeight);
      let originX: i32 = -padLeft;
      for (let column: i32 = 0; column < outputWidth; column++) {
        const start: i32 = max<i32>(originX, 0);
        const width: i32 = min<i32>(originX + filterWidth, inputWidth) - start;
        for (let channel: i32 = 0; channel < channels; channel++) {
          let source: usize = input + <usize>(top * inputRow + start * channels + channel);
          let largest: i32 = -128;
          for (let y: i32 = top; y < bottom; y++) {
            const end: usize = source + width * channels;
            while (source < end) {
              const value: i32 = <i32>load<i8>(source);
              largest = select<i32>(value, largest, value > largest);
              source += channels;
            }
            source += inputRow - width * channels;
          }
          store<i8>(output, clamp(largest, activationMin, activationMax));
          output += 1;
        }
        originX += strideWidth;
      }
      originY += strideHeight;
    }
    input += inputHeight * inputRow;
  }
}
