/**
 * Any function of one int8 value, by a table of its 256 results: exact by construction, and two loads and a
 * store an element. Entry i of the table is the result for the value i − 128.
 */
import { fetchWeights } from "../weights";

/** output[i] = table[input[i] + 128]; `tile` holds the table's 256 bytes. May run in place. */
export function lookup(input: usize, output: usize, elements: i32, weights: i32, tile: usize): void {
  fetchWeights(tile, weights, 256);
  const middle: usize = tile + 128;
  const end: usize = input + <usize>elements;
  while (input < end) {
    store<u8>(output, load<u8>(middle + <usize>(<i32>load<i8>(input))));
    input += 1;
    output += 1;
  }
}
