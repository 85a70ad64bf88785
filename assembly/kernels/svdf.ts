/**
 * SVDF, int8 activations, state and time weights int8 or int16, plain reference form. Each filter remembers its last
 * `memory` results; a unit sums over `rank` filters and their memory.
 *
 * A record of the weight segment, one per filter, padded to 4 bytes:
 *     feature bias: i32, folded (−inputZeroPoint · Σ feature weights)
 *     time bias: i32, folded (−stateZeroPoint · Σ time weights, and the unit's bias with its first filter)
 *     time weights: T[memory], then feature weights: i8[inputs]
 */
import { clamp, multiplyByQuantizedMultiplier } from "../arithmetic";
import { fetchWeights } from "../weights";
import { dot } from "./dot";

/** input i8[batches, inputs] → output i8[batches, units]; state T[batches, units · rank, memory]. */
export function svdf<T extends number>(
  input: usize, output: usize, state: usize, weights: i32, tile: usize, record: i32,
  batches: i32, inputs: i32, units: i32, rank: i32, memorySize: i32,
  stateMultiplier: i32, stateLeft: i32, stateRight: i32, stateZeroPoint: i32, stateMin: i32, stateMax: i32,
  outputMultiplier: i32, outputLeft: i32, outputRight: i32, outputZeroPoint: i32,
): void {
  const times: usize = tile + 8;
  const shifted: i32 = (memorySize - 1) * <i32>sizeof<T>();
  const features: usize = times + <usize>shifted + sizeof<T>();
  for (let batch: i32 = 0; batch < batches; batch++) {
    let at: i32 = weights;
    for (let unit: i32 = 0; unit < units; unit++) {
      let sum: i32 = 0;
      for (let filter: i32 = 0; filter < rank; filter++) {
        fetchWeights(tile, at, record);
        at += record;
        memory.copy(state, state + sizeof<T>(), shifted);
        const latest: i32 = stateZeroPoint + multiplyByQuantizedMultiplier(
          dot(input, features, inputs, load<i32>(tile)), stateMultiplier, stateLeft, stateRight);
        store<T>(state + <usize>shifted, <T>clamp(latest, stateMin, stateMax));
        sum += load<i32>(tile, 4);
        let time: usize = times;
        const end: usize = features;
        while (time < end) {
          sum += <i32>load<T>(state) * <i32>load<T>(time);
          state += sizeof<T>();
          time += sizeof<T>();
        }
      }
      const result: i32 = outputZeroPoint + multiplyByQuantizedMultiplier(
        sum, outputMultiplier, outputLeft, outputRight);
      store<i8>(output, clamp(result, -128, 127));
      output += 1;
    }
    input += inputs;
  }
}
