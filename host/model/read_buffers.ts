/**
 * The model's table of buffers: the bytes of constants. They lie inside the FlatBuffer, or, in files written
 * with `use_buffer_offset`, behind it in the same file (the schema's Buffer.offset and Buffer.size).
 */

import { type CheckedTable, invalidModel } from "./checked_table.js";

/** Field numbers of the schema's table Buffer. */
const DATA = 0;
const OFFSET = 1;
const SIZE = 2;

/**
 * The bytes of one buffer as a view into the file; null where the buffer is empty, which is how the schema
 * marks a tensor that is no constant.
 * @param file the whole file: offsets of data outside the FlatBuffer count from its start
 * @throws WamletError WAMLET_INVALID_MODEL where the bytes lie outside the file
 */
export function readBuffer(buffer: CheckedTable, file: Uint8Array): Uint8Array | null {
  const inside = buffer.bytes(DATA, "data");
  if (inside !== null && inside.length > 0) return inside;
  const offset = buffer.uint64(OFFSET);
  const size = buffer.uint64(SIZE);
  // The schema: "only valid if > 1".
  if (offset <= 1n || size === 0n) return null;
  if (offset + size > BigInt(file.length)) {
    throw invalidModel(
      `The model's ${buffer.where} lies outside the file: ${size} bytes at ${offset} of ${file.length}.`,
      "The file is cut off or damaged: copy or export it again and compare its size.",
    );
  }
  return file.subarray(Number(offset), Number(offset + size));
}
