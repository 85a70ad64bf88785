/**
 * AVERAGE_POOL_2D, MEAN and SUM over pixels, int8, eight neighbouring channels at once. Eight bytes are one i64 load;
 * with 128 added (an exclusive or) they are not negative, and bytes of even and of odd channels are summed up as four
 * lanes of 16 bits each: 256 · 255 < 2¹⁶, so after at most 256 pixels the lanes go to sums in memory.
 *
 * Plain forms: pool_2d.ts, mean.ts. Where eight do not divide the channels the last eight step back.
 */
import { clamp, multiplyByQuantizedMultiplier } from "../arithmetic";

/** Pixels that a lane can sum up. */
const LANE_PIXELS: i32 = 256;

/** Adds four lanes to every second one of eight i32. */
// @ts-ignore: decorator
@inline
function addLanes(sums: usize, lanes: u64): void {
  store<u32>(sums, load<u32>(sums) + <u32>(lanes & 0xffff));
  store<u32>(sums, load<u32>(sums, 8) + <u32>((lanes >> 16) & 0xffff), 8);
  store<u32>(sums, load<u32>(sums, 16) + <u32>((lanes >> 32) & 0xffff), 16);
  store<u32>(sums, load<u32>(sums, 24) + <u32>(lanes >> 48), 24);
}

/** i32[8] at `sums`: Σ (x + 128) of eight channels over `rows` rows of `width` pixels; `width` is at most 256. */
// @ts-ignore: decorator
@inline
function sumEight(source: usize, rows: i32, width: i32, pixelStep: i32, rowStep: i32, sums: usize): void {
  memory.fill(sums, 0, 32);
  const rowsAtOnce: i32 = LANE_PIXELS / width;
  const rowBytes: usize = width * pixelStep;
  while (rows > 0) {
    let even: u64 = 0;
    let odd: u64 = 0;
    for (let left: i32 = min<i32>(rows, rowsAtOnce); left > 0; left--) {
      const end: usize = source + rowBytes;
      let at: usize = source;
      do {
        const bytes: u64 = load<u64>(at) ^ 0x8080808080808080;
        even += bytes & 0x00ff00ff00ff00ff;
        odd += (bytes >> 8) & 0x00ff00ff00ff00ff;
        at += pixelStep;
      } while (at < end);
      source += rowStep;
    }
    addLanes(sums, even);
    addLanes(sums + 4, odd);
    rows -= rowsAtOnce;
  }
}

/** As `averagePool2d`, for at least eight channels and windows of at most 256 columns. */
export function averagePool2dChannels(
  input: usize, output: usize, sums: usize, batches: i32, inputHeight: i32, inputWidth: i32, channels: i32,
  outputHeight: i32, outputWidth: i32, filterHeight: i32, filterWidth: i32, strideHeight: i32, strideWidth: i32,
  padTop: i32, padLeft: i32, activationMin: i32, activationMax: i32,
): void {
  const inputRow: i32 = inputWidth * channels;
  for (let batch: i32 = 0; batch < batches; batch++) {
    let originY: i32 = -padTop;
    for (let row: i32 = 0; row < outputHeight; row++) {
      const top: i32 = max<i32>(originY, 0);
      const height: i32 = min<i32>(originY + filterHeight, inputHeight) - top;
      let originX: i32 = -padLeft;
      for (let column: i32 = 0; column < outputWidth; column++) {
        const left: i32 = max<i32>(originX, 0);
        const width: i32 = min<i32>(originX + filterWidth, inputWidth) - left;
        const window: usize = input + <usize>(top * inputRow + left * channels);
        const count: i32 = height * width;
        const half: i32 = count >> 1;
        let channel: i32 = 0;
        while (true) {
          sumEight(window + <usize>channel, height, width, channels, inputRow, sums);
          for (let at: usize = sums; at < sums + 32; at += 4) {
            const sum: i32 = load<i32>(at) - (count << 7);
            const mean: i32 = (sum + select<i32>(half, -half, sum > 0)) / count;
            store<i8>(output + <usize>channel, clamp(mean, activationMin, activationMax));
            channel += 1;
          }
          if (channel == channels) break;
          channel = min<i32>(channel, channels - 8);
        }
        output += channels;
        originX += strideWidth;
      }
      originY += strideHeight;
    }
    input += inputHeight * inputRow;
  }
}

/**
 * As `mean`, where the innermost of the kept dimensions, `channels` ≥ 8, is the innermost of all: over `rows` rows of
 * `width` ≤ 256 elements for each of `outer` rows of channels.
 */
export function meanChannels(
  input: usize, output: usize, sums: usize, outer0: i32, outer1: i32, outerStep0: i32, outerStep1: i32, channels: i32,
  rows: i32, width: i32, rowStep: i32, pixelStep: i32,
  offset: i32, multiplier: i32, left: i32, right: i32, outputZeroPoint: i32,
): void {
  // The sums hold 128 more for each element.
  const all: i32 = offset + ((rows * width) << 7);
  for (let k0: i32 = 0; k0 < outer0; k0++) {
    for (let k1: i32 = 0; k1 < outer1; k1++) {
      const source: usize = input + <usize>(k0 * outerStep0 + k1 * outerStep1);
      let channel: i32 = 0;
      while (true) {
        sumEight(source + <usize>channel, rows, width, pixelStep, rowStep, sums);
        for (let at: usize = sums; at < sums + 32; at += 4) {
          const value: i32 = multiplyByQuantizedMultiplier(load<i32>(at) - all, multiplier, left, right);
          store<i8>(output + <usize>channel, clamp(value + outputZeroPoint, -128, 127));
          channel += 1;
        }
        if (channel == channels) break;
        channel = min<i32>(channel, channels - 8);
      }
      output += channels;
    }
  }
}
