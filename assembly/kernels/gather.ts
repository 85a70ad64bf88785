/**
 * GATHER: slices of a tensor picked by an index each. An index outside the tensor ends the inference by a trap: it
 * comes from the network itself, and any other answer would be made up.
 */
import { fetchWeights } from "../weights";

/**
 * input [batches, outer, length, run bytes] → output [batches, outer, count, run bytes], indices [batches, count]
 * of i32 into `length`.
 */
export function gather(
  input: usize, indices: usize, output: usize,
  batches: i32, outer: i32, length: i32, count: i32, run: i32,
): void {
  for (let batch: i32 = 0; batch < batches; batch++) {
    const end: usize = indices + <usize>(count << 2);
    for (let i: i32 = 0; i < outer; i++) {
      for (let at: usize = indices; at < end; at += 4) {
        const index: i32 = load<i32>(at);
        if (<u32>index >= <u32>length) unreachable();
        memory.copy(output, input + <usize>(index * run), run);
        output += run;
      }
      input += length * run;
    }
    indices = end;
  }
}

/** The same from a constant tensor in the weight segment: only what is picked is brought in. */
export function gatherWeights(
  weights: i32, indices: usize, output: usize,
  batches: i32, outer: i32, length: i32, count: i32, run: i32,
): void {
  for (let batch: i32 = 0; batch < batches; batch++) {
    const end: usize = indices + <usize>(count << 2);
    for (let i: i32 = 0; i < outer; i++) {
      for (let at: usize = indices; at < end; at += 4) {
        const index: i32 = load<i32>(at);
        if (<u32>index >= <u32>length) unreachable();
        fetchWeights(output, weights + index * run, run);
        output += run;
      }
      weights += length * run;
    }
    indices = end;
  }
}
