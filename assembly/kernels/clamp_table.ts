/**
 * A table that clamps by one load, where two comparisons and two selects would be four opcodes: entry i is the byte
 * i − below + minimum, limited to [minimum, minimum + values − 1].
 */

/**
 * @param table takes `below + values + above` bytes
 * @param below entries under the minimum
 * @param values different bytes, 1 to 256
 * @param above entries over the maximum
 */
export function fillClampTable(table: usize, below: i32, minimum: i32, values: i32, above: i32): void {
  memory.fill(table, <u8>minimum, below);
  let at: usize = table + <usize>below;
  const end: usize = at + <usize>values;
  // Eight entries at once, 128 added so that they grow without a sign. A byte past 255 carries into the ones above it,
  // which stand for values past the last one and are not taken.
  let bytes: u64 = 0x0706050403020100 + 0x0101010101010101 * <u64>(minimum + 128);
  while (at + 8 <= end) {
    store<u64>(at, bytes ^ 0x8080808080808080);
    bytes += 0x0808080808080808;
    at += 8;
  }
  while (at < end) {
    store<u8>(at, <u8>(bytes ^ 0x80));
    bytes >>= 8;
    at += 1;
  }
  memory.fill(end, <u8>(minimum + values - 1), above);
}
