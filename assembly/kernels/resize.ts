/**
 * RESIZE_NEAREST_NEIGHBOR and RESIZE_BILINEAR, NHWC. Which input row and column an output's comes from does not
 * depend on the frame: the compiler works it out, in TFLite's own arithmetic, into a table of the rows and then
 * of the columns.
 */
import { fetchWeights } from "../weights";

/**
 * Any element type. Table: u16 each, the input's row or column. A row that is drawn twice is copied the second time.
 * `rowBytes`, `pixelBytes`: of the input.
 */
export function resizeNearest(
  input: usize, output: usize, weights: i32, tile: usize,
  batches: i32, inputRows: i32, outputRows: i32, outputColumns: i32, rowBytes: i32, pixelBytes: i32,
): void {
  fetchWeights(tile, weights, (outputRows + outputColumns) << 1);
  const columns: usize = tile + <usize>(outputRows << 1);
  const columnsEnd: usize = columns + <usize>(outputColumns << 1);
  const outputRowBytes: i32 = outputColumns * pixelBytes;
  for (let batch: i32 = 0; batch < batches; batch++) {
    let drawn: i32 = -1;
    for (let entry: usize = tile; entry < columns; entry += 2) {
      const row: i32 = load<u16>(entry);
      if (row == drawn) {
        memory.copy(output, output - outputRowBytes, outputRowBytes);
        output += outputRowBytes;
      } else {
        const source: usize = input + <usize>(row * rowBytes);
        for (let column: usize = columns; column < columnsEnd; column += 2) {
          memory.copy(output, source + <usize>(<i32>load<u16>(column) * pixelBytes), pixelBytes);
          output += pixelBytes;
        }
        drawn = row;
      }
    }
    input += inputRows * rowBytes;
  }
}

/**
 * int8. Table: i32 each, (row or column) · 2¹⁰ + the weight, in 1/2¹⁰, of the one after it. Interpolating along the
 * row first and between the rows then gives the same integer as TFLite's four products.
 */
export function resizeBilinear(
  input: usize, output: usize, weights: i32, tile: usize,
  batches: i32, inputRows: i32, inputColumns: i32, outputRows: i32, outputColumns: i32, channels: i32,
): void {
  fetchWeights(tile, weights, (outputRows + outputColumns) << 2);
  const columns: usize = tile + <usize>(outputRows << 2);
  const columnsEnd: usize = columns + <usize>(outputColumns << 2);
  const rowBytes: i32 = inputColumns * channels;
  for (let batch: i32 = 0; batch < batches; batch++) {
    for (let entry: usize = tile; entry < columns; entry += 4) {
      const row: i32 = load<i32>(entry);
      const below: i32 = row & 1023;
      const above: i32 = 1024 - below;
      const upper: usize = input + <usize>((row >> 10) * rowBytes);
      // Where the next row has no weight there may be none: the same one is read twice.
      const nextRow: usize = select<i32>(rowBytes, 0, below != 0);
      for (let at: usize = columns; at < columnsEnd; at += 4) {
        const column: i32 = load<i32>(at);
        const right: i32 = column & 1023;
        const left: i32 = 1024 - right;
        const nextColumn: usize = select<i32>(channels, 0, right != 0);
        let a: usize = upper + <usize>((column >> 10) * channels);
        const end: usize = a + <usize>channels;
        while (a < end) {
          const c: usize = a + nextRow;
          const top: i32 = <i32>load<i8>(a) * left + <i32>load<i8>(a + nextColumn) * right;
          const bottom: i32 = <i32>load<i8>(c) * left + <i32>load<i8>(c + nextColumn) * right;
          const sum: i32 = top * above + bottom * below;
          // sum / 2²⁰, ties away from zero.
          store<i8>(output, (sum + 0x80000 + (sum >> 31)) >> 20);
          a += 1;
          output += 1;
        }
      }
    }
    input += inputRows * rowBytes;
  }
}
