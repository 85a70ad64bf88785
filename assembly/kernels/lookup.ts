/**
 * Any function of one int8 value, by a table of its 256 results: exact by construction, and two loads and a
 * store an element. Entry i of the table is the result for the byte i, so −1 is found
 * at 255: an address below the table, as an index from −128 needs, would wrap once the optimiser folds the
 * table's address into the load.
 */
import { fetchWeights } from "../weights";

/** output[i] = table[byte of input[i]]; `tile` holds the table's 256 bytes. May run in place. */
export function lookup(input: usize, output: usize, elements: i32, weights: i32, tile: usize): void {
  fetchWeights(tile, weights, 256);
  const end: usize = input + <usize>elements;
  while (input < end) {
    store<u8>(output, load<u8>(tile + <usize>load<u8>(input)));
    input += 1;
    output += 1;
  }
}
