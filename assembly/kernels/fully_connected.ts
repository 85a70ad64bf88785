/**
 * FULLY_CONNECTED, int8, plain reference form, one multiplier for the whole tensor. (A filter with a scale per
 * output is a 1×1 convolution over the batch and takes `conv_2d.ts`.)
 *
 * A record of the weight segment, one per output, padded to 4 bytes:
 *     bias: i32, folded (bias − inputZeroPoint · Σ weights)
 *     weights: i8[inputDepth]
 */
import { clamp, multiplyByQuantizedMultiplier } from "../arithmetic";
import { fetchWeights } from "../weights";
import { dot } from "./dot";

/** input [batches, inputDepth] → output [batches, outputDepth]; `tile` holds one record; `left`, `right`: shifts. */
export function fullyConnected(
  input: usize, output: usize, weights: i32, tile: usize, batches: i32, inputDepth: i32, outputDepth: i32,
  multiplier: i32, left: i32, right: i32, outputZeroPoint: i32, activationMin: i32, activationMax: i32,
): void {
  const record: i32 = (4 + inputDepth + 3) & ~3;
  const outputEnd: usize = output + <usize>outputDepth;
  while (output < outputEnd) {
    fetchWeights(tile, weights, record);
    weights += record;
    const bias: i32 = load<i32>(tile);
    let x: usize = input;
    let out: usize = output;
    for (let batch: i32 = 0; batch < batches; batch++) {
      const sum: i32 = dot(x, tile + 4, inputDepth, bias);
      const value: i32 = multiplyByQuantizedMultiplier(sum, multiplier, left, right) + outputZeroPoint;
      store<i8>(out, clamp(value, activationMin, activationMax));
      x += inputDepth;
      out += outputDepth;
    }
    output += 1;
  }
}
