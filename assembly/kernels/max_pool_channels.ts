/**
 * MAX_POOL_2D, int8, eight neighbouring channels at once: eight bytes are one i64, and the larger of each pair of bytes
 * is found for all eight without taking them apart. Plain form: pool_2d.ts. Where eight do not divide the channels the
 * last eight step back.
 */

/** The sign of each byte. */
const SIGNS: u64 = 0x8080808080808080;

/**
 * The larger of each two int8. With signs put apart, (a | signs) − (b & ~signs) borrows from no neighbour, and leaves a
 * byte's top bit set where a's lower seven bits are not less; where the signs differ, b's sign tells instead.
 */
// @ts-ignore: decorator
@inline
function largerBytes(a: u64, b: u64): u64 {
  const differ: u64 = a ^ b;
  const lower: u64 = (a | SIGNS) - (b & ~SIGNS);
  const notLess: u64 = (lower ^ ((lower ^ b) & differ)) & SIGNS;
  // 0xff where a is not less; the shift takes the top byte's bit out of the word, and the subtraction wraps.
  const mask: u64 = (notLess << 1) - (notLess >> 7);
  return b ^ (differ & mask);
}

/** As `maxPool2d`, for at least eight channels and a clamp that ends at 127. */
export function maxPool2dChannels(
  input: usize, output: usize, batches: i32, inputHeight: i32, inputWidth: i32, channels: i32,
  outputHeight: i32, outputWidth: i32, filterHeight: i32, filterWidth: i32, strideHeight: i32, strideWidth: i32,
  padTop: i32, padLeft: i32, activationMin: i32,
): void {
  const inputRow: i32 = inputWidth * channels;
  const least: u64 = <u64>(activationMin & 0xff) * 0x0101010101010101;
  for (let batch: i32 = 0; batch < batches; batch++) {
    let originY: i32 = -padTop;
    for (let row: i32 = 0; row < outputHeight; row++) {
      const top: i32 = max<i32>(originY, 0);
      const bottom: i32 = min<i32>(originY + filterHeight, inputHeight);
      let originX: i32 = -padLeft;
      for (let column: i32 = 0; column < outputWidth; column++) {
        const left: i32 = max<i32>(originX, 0);
        const rowBytes: i32 = (min<i32>(originX + filterWidth, inputWidth) - left) * channels;
        const window: usize = input + <usize>(top * inputRow + left * channels);
        const end: usize = input + <usize>(bottom * inputRow + left * channels);
        let channel: i32 = 0;
        while (true) {
          let largest: u64 = least;
          let source: usize = window + <usize>channel;
          do {
            let at: usize = source;
            const rowEnd: usize = at + rowBytes;
            do {
              largest = largerBytes(largest, load<u64>(at));
              at += channels;
            } while (at < rowEnd);
            source += inputRow;
          } while (source < end);
          store<u64>(output + <usize>channel, largest);
          channel += 8;
          if (channel >= channels) break;
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
