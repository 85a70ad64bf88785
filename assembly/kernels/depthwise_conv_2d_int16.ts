/**
 * DEPTHWISE_CONV_2D, int16 with int8 filters, NHWC, plain reference form: one output channel at a time. A record of
 * the weight segment is the one of conv_2d_int16.ts with i8[kernelHeight · kernelWidth] weights.
 */
import { clamp } from "../arithmetic";
import { fetchWeights } from "../weights";
import { INT16_HEADER, requantizeInt16 } from "./conv_2d_int16";

/** Arguments as depthwiseConv2d's in depthwise_conv_2d.ts, in elements; `tile` holds one record. */
export function depthwiseConv2dInt16(
  input: usize, output: usize, weights: i32, tile: usize, batches: i32,
  inputHeight: i32, inputWidth: i32, inputChannels: i32,
  outputHeight: i32, outputWidth: i32, depthMultiplier: i32,
  kernelHeight: i32, kernelWidth: i32, strideHeight: i32, strideWidth: i32,
  dilationHeight: i32, dilationWidth: i32, padTop: i32, padLeft: i32,
  narrow: i32, activationMin: i32, activationMax: i32,
): void {
  const inputRow: i32 = inputWidth * inputChannels;
  const outputChannels: i32 = inputChannels * depthMultiplier;
  const record: i32 = (<i32>INT16_HEADER + kernelHeight * kernelWidth + 3) & ~3;
  for (let channel: i32 = 0; channel < outputChannels; channel++) {
    fetchWeights(tile, weights, record);
    weights += record;
    const bias: i64 = load<i64>(tile);
    const multiplier: i32 = load<i32>(tile, 8);
    const shift: i32 = load<i32>(tile, 12);
    let out: usize = output + 2 * <usize>channel;
    let image: usize = input + 2 * <usize>(channel / depthMultiplier);
    for (let batch: i32 = 0; batch < batches; batch++) {
      let y: i32 = -padTop;
      for (let row: i32 = 0; row < outputHeight; row++) {
        let x: i32 = -padLeft;
        for (let column: i32 = 0; column < outputWidth; column++) {
          let sum: i64 = bias;
          let w: usize = tile + INT16_HEADER;
          let tapY: i32 = y;
          for (let ky: i32 = 0; ky < kernelHeight; ky++) {
            let tapX: i32 = x;
            for (let kx: i32 = 0; kx < kernelWidth; kx++) {
              if (<u32>tapY < <u32>inputHeight && <u32>tapX < <u32>inputWidth) {
                const source: usize = image + 2 * <usize>(tapY * inputRow + tapX * inputChannels);
                sum += <i64>(<i32>load<i16>(source) * <i32>load<i8>(w));
              }
              w += 1;
              tapX += dilationWidth;
            }
            tapY += dilationHeight;
          }
          const value: i32 = requantizeInt16(sum, multiplier, shift, narrow);
          store<i16>(out, clamp(value, activationMin, activationMax));
          out += 2 * <usize>outputChannels;
          x += strideWidth;
        }
        y += strideHeight;
      }
      image += 2 * <usize>(inputHeight * inputRow);
    }
  }
}
