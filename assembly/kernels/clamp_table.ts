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
  let value: i32 = minimum;
  do {
    store<u8>(at, <u8>value);
    value += 1;
    at += 1;
  } while (at < end);
  memory.fill(end, <u8>(value - 1), above);
}
