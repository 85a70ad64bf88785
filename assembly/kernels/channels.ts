/**
 * Channels that matter, in and out of an image: what is computed on fewer channels than there are
 * (`host/compiler/live_channels.ts`). `list` holds `count` channel numbers as u16, ascending.
 */

/** Of each of `pixels` pixels of `channels` bytes, the listed channels, close together. */
export function gatherChannels(
  input: usize, output: usize, pixels: i32, channels: i32, list: usize, count: i32,
): void {
  const end: usize = list + <usize>(count * 2);
  for (let pixel: i32 = 0; pixel < pixels; pixel++) {
    for (let at: usize = list; at < end; at += 2) {
      store<u8>(output, load<u8>(input + <usize>load<u16>(at)));
      output += 1;
    }
    input += channels;
  }
}

/** The way back: every pixel begins as `row`, which holds the constants of all others, and gets its listed channels. */
export function scatterChannels(
  input: usize, output: usize, pixels: i32, channels: i32, list: usize, count: i32, row: usize,
): void {
  const end: usize = list + <usize>(count * 2);
  for (let pixel: i32 = 0; pixel < pixels; pixel++) {
    memory.copy(output, row, channels);
    for (let at: usize = list; at < end; at += 2) {
      store<u8>(output + <usize>load<u16>(at), load<u8>(input));
      input += 1;
    }
    output += channels;
  }
}

/** Fills `total` bytes with the first `bytes` of them, again and again: a copy that doubles. */
export function repeatRow(start: usize, bytes: usize, total: usize): void {
  while (bytes < total) {
    const length: usize = min<usize>(bytes, total - bytes);
    memory.copy(start + bytes, start, length);
    bytes += length;
  }
}
