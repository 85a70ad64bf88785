/**
 * DEPTHWISE_CONV_2D, int8, NHWC, plain reference form. One output channel at a time: its few weights come in
 * once, and the input is walked with a stride of its channels.
 *
 * A record of the weight segment is the one of conv_2d.ts with i8[kernelHeight · kernelWidth] weights, the
 * channel's own column of the filter.
 */
import { clamp, multiplyByQuantizedMultiplier } from "../arithmetic";
import { fetchWeights } from "../weights";
import { sumOf } from "./dot";

/** Bytes of bias, multiplier and shift in front of a record's weights. */
const HEADER: usize = 12;

/**
 * input [batches, inputHeight, inputWidth, inputChannels] → output [batches, outputHeight, outputWidth,
 * inputChannels · depthMultiplier]; `tile` holds one record.
 */
export function depthwiseConv2d(
  input: usize, output: usize, weights: i32, tile: usize, batches: i32,
  inputHeight: i32, inputWidth: i32, inputChannels: i32,
  outputHeight: i32, outputWidth: i32, depthMultiplier: i32,
  kernelHeight: i32, kernelWidth: i32, strideHeight: i32, strideWidth: i32,
  dilationHeight: i32, dilationWidth: i32, padTop: i32, padLeft: i32,
  inputZeroPoint: i32, outputZeroPoint: i32, activationMin: i32, activationMax: i32,
): void {
  const inputRow: i32 = inputWidth * inputChannels;
  const outputChannels: i32 = inputChannels * depthMultiplier;
  const filterBytes: i32 = kernelHeight * kernelWidth;
  const record: i32 = (<i32>HEADER + filterBytes + 3) & ~3;
  const spanHeight: i32 = (kernelHeight - 1) * dilationHeight;
  const spanWidth: i32 = (kernelWidth - 1) * dilationWidth;
  const tapStep: i32 = dilationWidth * inputChannels;
  const rowStep: i32 = dilationHeight * inputRow - kernelWidth * tapStep;
  const filter: usize = tile + HEADER;
  let channel: i32 = 0;
  for (let inputChannel: i32 = 0; inputChannel < inputChannels; inputChannel++) {
    for (let copy: i32 = 0; copy < depthMultiplier; copy++) {
      fetchWeights(tile, weights, record);
      weights += record;
      const foldedBias: i32 = load<i32>(tile);
      const multiplier: i32 = load<i32>(tile, 4);
      const shift: i32 = load<i32>(tile, 8);
      const left: i32 = max<i32>(shift, 0);
      const right: i32 = max<i32>(-shift, 0);
      const bias: i32 = foldedBias + inputZeroPoint * sumOf(filter, filterBytes);
      let out: usize = output + <usize>channel;
      let image: usize = input + <usize>inputChannel;
      for (let batch: i32 = 0; batch < batches; batch++) {
        let y: i32 = -padTop;
        for (let row: i32 = 0; row < outputHeight; row++) {
          let x: i32 = -padLeft;
          for (let column: i32 = 0; column < outputWidth; column++) {
            let sum: i32;
            let w: usize = filter;
            if (y >= 0 && x >= 0 && y + spanHeight < inputHeight && x + spanWidth < inputWidth) {
              sum = foldedBias;
              let source: usize = image + <usize>(y * inputRow + x * inputChannels);
              for (let ky: i32 = 0; ky < kernelHeight; ky++) {
                const end: usize = w + kernelWidth;
                while (w < end) {
                  sum += <i32>load<i8>(source) * <i32>load<i8>(w);
                  source += tapStep;
                  w += 1;
                }
                source += rowStep;
              }
            } else {
              sum = bias;
              let tapY: i32 = y;
              for (let ky: i32 = 0; ky < kernelHeight; ky++) {
                let tapX: i32 = x;
                for (let kx: i32 = 0; kx < kernelWidth; kx++) {
                  if (<u32>tapY < <u32>inputHeight && <u32>tapX < <u32>inputWidth) {
                    const source: usize = image + <usize>(tapY * inputRow + tapX * inputChannels);
                    sum += (<i32>load<i8>(source) - inputZeroPoint) * <i32>load<i8>(w);
                  }
                  w += 1;
                  tapX += dilationWidth;
                }
                tapY += dilationHeight;
              }
            }
            sum = multiplyByQuantizedMultiplier(sum, multiplier, left, right) + outputZeroPoint;
            store<i8>(out, clamp(sum, activationMin, activationMax));
            out += outputChannels;
            x += strideWidth;
          }
          y += strideHeight;
        }
        image += inputHeight * inputRow;
      }
      channel += 1;
    }
  }
}
