/**
 * CONV_2D, int8, NHWC, plain reference form: one output channel's weights at a time in a small tile, so the
 * weights are brought in exactly once and RAM holds one filter.
 *
 * A record of the weight segment, one per output channel, padded to 4 bytes:
 *     bias: i32, folded (bias − inputZeroPoint · Σ weights)
 *     multiplier: i32, shift: i32 (TFLite's, positive = left)
 *     weights: i8[kernelHeight · kernelWidth · filterChannels]
 * Folding the zero point into the bias makes the inner loop a plain dot product. It counts every tap, so where
 * taps fall into the padding (TFLite leaves them out) the bias is unfolded again and the zero point subtracted
 * tap by tap.
 */
import { clamp, multiplyByQuantizedMultiplier } from "../arithmetic";
import { fetchWeights } from "../weights";
import { dot, sumOf } from "./dot";

/** Bytes of bias, multiplier and shift in front of a record's weights. */
const HEADER: usize = 12;

/**
 * input [batches, inputHeight, inputWidth, inputChannels] → output [batches, outputHeight, outputWidth,
 * outputChannels]; `tile` holds one record. Of a grouped convolution each filter sees the `filterChannels` input
 * channels of its group; ungrouped, `filterChannels` = `inputChannels` and `groupOutputs` = `outputChannels`.
 */
export function conv2d(
  input: usize, output: usize, weights: i32, tile: usize, batches: i32,
  inputHeight: i32, inputWidth: i32, inputChannels: i32,
  outputHeight: i32, outputWidth: i32, outputChannels: i32, filterChannels: i32, groupOutputs: i32,
  kernelHeight: i32, kernelWidth: i32, strideHeight: i32, strideWidth: i32,
  dilationHeight: i32, dilationWidth: i32, padTop: i32, padLeft: i32,
  inputZeroPoint: i32, outputZeroPoint: i32, activationMin: i32, activationMax: i32,
): void {
  const inputRow: i32 = inputWidth * inputChannels;
  const filterRow: i32 = kernelWidth * filterChannels;
  const filterBytes: i32 = kernelHeight * filterRow;
  const record: i32 = (<i32>HEADER + filterBytes + 3) & ~3;
  const spanHeight: i32 = (kernelHeight - 1) * dilationHeight;
  const spanWidth: i32 = (kernelWidth - 1) * dilationWidth;
  const filter: usize = tile + HEADER;
  const dense: bool = dilationWidth == 1 && filterChannels == inputChannels;
  for (let channel: i32 = 0; channel < outputChannels; channel++) {
    fetchWeights(tile, weights, record);
    weights += record;
    const foldedBias: i32 = load<i32>(tile);
    const multiplier: i32 = load<i32>(tile, 4);
    const shift: i32 = load<i32>(tile, 8);
    const left: i32 = max<i32>(shift, 0);
    const right: i32 = max<i32>(-shift, 0);
    const bias: i32 = foldedBias + inputZeroPoint * sumOf(filter, filterBytes);
    let out: usize = output + <usize>channel;
    let image: usize = input + <usize>(channel / groupOutputs * filterChannels);
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
              if (dense) {
                sum = dot(source, w, filterRow, sum);
                w += filterRow;
              } else {
                let tap: usize = source;
                for (let kx: i32 = 0; kx < kernelWidth; kx++) {
                  sum = dot(tap, w, filterChannels, sum);
                  tap += dilationWidth * inputChannels;
                  w += filterChannels;
                }
              }
              source += dilationHeight * inputRow;
            }
          } else {
            sum = bias;
            let tapY: i32 = y;
            for (let ky: i32 = 0; ky < kernelHeight; ky++) {
              let tapX: i32 = x;
              for (let kx: i32 = 0; kx < kernelWidth; kx++) {
                if (<u32>tapY < <u32>inputHeight && <u32>tapX < <u32>inputWidth) {
                  let source: usize = image + <usize>(tapY * inputRow + tapX * inputChannels);
                  const end: usize = source + filterChannels;
                  while (source < end) {
                    sum += (<i32>load<i8>(source) - inputZeroPoint) * <i32>load<i8>(w);
                    source += 1;
                    w += 1;
                  }
                } else {
                  w += filterChannels;
                }
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
  }
}
