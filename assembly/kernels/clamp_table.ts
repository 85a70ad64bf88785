/**
 * A table that clamps by one load, where two comparisons and two selects would be four opcodes: entry i is the byte
 * i − below + minimum, limited to [minimum, minimum + values − 1].
 */

/**
 * @param table takes `below` bytes, `values` rounded up to eight, and `above` as far as it reaches beyond those
 * @param below entries under the minimum
 * @param values different bytes, 1 to 256
 * @param above entries over the maximum
 */
export function fillClampTable(table: usize, below: i32, minimum: i32, values: i32, above: i32): void {
  memory.fill(table, <u8>minimum, below);
  let at: usize = table + <usize>below;
  const end: usize = at + <usize>values;
  // Eight entries at once, 128 added so that they grow without a sign. A byte past 255 carries into the ones above it,
  // which stand for values past the last one: what lies above is written over them.
  let bytes: u64 = 0x0706050403020100 + 0x0101010101010101 * <u64>(minimum + 128);
  do {
    store<u64>(at, bytes ^ 0x8080808080808080);
    bytes += 0x0808080808080808;
    at += 8;
  } while (at < end);
  memory.fill(end, <u8>(minimum + values - 1), above);
}
