/**
 * TRANSPOSE_CONV, int8, NHWC, plain reference form. TFLite scatters each input into an int32 copy of the output;
 * here each output gathers the taps that reach it, in int32 the same sum without the copy.
 *
 * A record of the weight segment, one per output channel, padded to 4 bytes:
 *     bias: i32, multiplier: i32, shift: i32 (TFLite's, positive = left)
 *     corrections: i32[kernelHeight · kernelWidth], −inputZeroPoint · Σ of the tap's weights
 *     weights: i8[kernelHeight · kernelWidth · inputChannels]
 */
import { clamp, multiplyByQuantizedMultiplier } from "../arithmetic";
import { fetchWeights } from "../weights";
import { dot } from "./dot";

/**
 * input [batches, inputHeight, inputWidth, inputChannels] → output [batches, outputHeight, outputWidth,
 * outputChannels]; `tile` holds one record of `record` bytes. Output y comes from inputs (y + padTop − tap) / stride.
 */
export function transposeConv(
  input: usize, output: usize, weights: i32, tile: usize, record: i32, batches: i32,
  inputHeight: i32, inputWidth: i32, inputChannels: i32,
  outputHeight: i32, outputWidth: i32, outputChannels: i32,
  kernelHeight: i32, kernelWidth: i32, strideHeight: i32, strideWidth: i32, padTop: i32, padLeft: i32,
  outputZeroPoint: i32, activationMin: i32, activationMax: i32,
): void {
  const corrections: usize = tile + 12;
  const filter: usize = corrections + <usize>((kernelHeight * kernelWidth) << 2);
  for (let channel: i32 = 0; channel < outputChannels; channel++) {
    fetchWeights(tile, weights, record);
    weights += record;
    const bias: i32 = load<i32>(tile);
    const multiplier: i32 = load<i32>(tile, 4);
    const shift: i32 = load<i32>(tile, 8);
    const left: i32 = max<i32>(shift, 0);
    const right: i32 = max<i32>(-shift, 0);
    let out: usize = output + <usize>channel;
    let image: usize = input;
    for (let batch: i32 = 0; batch < batches; batch++) {
      for (let row: i32 = 0; row < outputHeight; row++) {
        const lastY: i32 = (row + padTop) / strideHeight;
        const firstTapY: i32 = row + padTop - lastY * strideHeight;
        for (let column: i32 = 0; column < outputWidth; column++) {
          const lastX: i32 = (column + padLeft) / strideWidth;
          const firstTapX: i32 = column + padLeft - lastX * strideWidth;
          let sum: i32 = bias;
          let y: i32 = lastY;
          for (let ky: i32 = firstTapY; ky < kernelHeight; ky += strideHeight) {
            if (<u32>y < <u32>inputHeight) {
              let x: i32 = lastX;
              for (let kx: i32 = firstTapX; kx < kernelWidth; kx += strideWidth) {
                if (<u32>x < <u32>inputWidth) {
                  const tap: i32 = ky * kernelWidth + kx;
                  const source: usize = image + <usize>((y * inputWidth + x) * inputChannels);
                  sum += load<i32>(corrections + <usize>(tap << 2));
                  sum = dot(source, filter + <usize>(tap * inputChannels), inputChannels, sum);
                }
                x -= 1;
              }
            }
            y -= 1;
          }
          sum = multiplyByQuantizedMultiplier(sum, multiplier, left, right) + outputZeroPoint;
          store<i8>(out, clamp(sum, activationMin, activationMax));
          out += outputChannels;
        }
      }
      image += inputHeight * inputWidth * inputChannels;
    }
  }
}
