/**
 * CONV_2D, int16 with int8 filters, NHWC, plain reference form. All zero points are 0, so taps in the padding are
 * simply left out. One output channel's weights at a time in a small tile.
 *
 * A record of the weight segment, one per output channel, padded to 4 bytes:
 *     bias: i64
 *     multiplier: i32, shift: i32 (as the requantisation below takes them)
 *     weights: i8[kernelHeight · kernelWidth · filterChannels]
 */
import { clamp, multiplyByQuantizedMultiplier, multiplyByReducedMultiplier } from "../arithmetic";
import { fetchWeights } from "../weights";
import { dotInt16 } from "./dot";

/** Bytes of bias, multiplier and shift in front of a record's weights. */
export const INT16_HEADER: usize = 16;

/**
 * A sum at the output's scale. TFLite has two ways: with int64 sums one rounding and a multiplier of 15 bits, with
 * int32 sums (`narrow`, after an int32 bias) its usual two roundings and TFLite's own shift.
 */
// @ts-ignore: decorator
@inline
export function requantizeInt16(sum: i64, multiplier: i32, shift: i32, narrow: i32): i32 {
  return narrow
    ? multiplyByQuantizedMultiplier(<i32>sum, multiplier, max<i32>(shift, 0), max<i32>(-shift, 0))
    : multiplyByReducedMultiplier(sum, multiplier, shift);
}

/** Arguments as conv2d's in conv_2d.ts, in elements; `tile` holds one record. */
export function conv2dInt16(
  input: usize, output: usize, weights: i32, tile: usize, batches: i32,
  inputHeight: i32, inputWidth: i32, inputChannels: i32,
  outputHeight: i32, outputWidth: i32, outputChannels: i32, filterChannels: i32, groupOutputs: i32,
  kernelHeight: i32, kernelWidth: i32, strideHeight: i32, strideWidth: i32,
  dilationHeight: i32, dilationWidth: i32, padTop: i32, padLeft: i32,
  narrow: i32, activationMin: i32, activationMax: i32,
): void {
  const inputRow: i32 = inputWidth * inputChannels;
  const record: i32 = (<i32>INT16_HEADER + kernelHeight * kernelWidth * filterChannels + 3) & ~3;
  for (let channel: i32 = 0; channel < outputChannels; channel++) {
    fetchWeights(tile, weights, record);
    weights += record;
    const bias: i64 = load<i64>(tile);
    const multiplier: i32 = load<i32>(tile, 8);
    const shift: i32 = load<i32>(tile, 12);
    let out: usize = output + 2 * <usize>channel;
    let image: usize = input + 2 * <usize>(channel / groupOutputs * filterChannels);
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
                sum = dotInt16(image + 2 * <usize>(tapY * inputRow + tapX * inputChannels), w, filterChannels, sum);
              }
              w += filterChannels;
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
