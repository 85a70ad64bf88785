/**
 * ESP-IDF's partition table: what lies where in the flash. 32 bytes an entry, then one with the MD5 of those before
 * (ESP-IDF, components/partition_table/gen_esp32part.py).
 */
import { createHash } from "node:crypto";
import { invalid } from "./app_image.js";

const entryBytes = 32;
/** PARTITION_TABLE_SIZE less the MD5: what the boot loader reads. */
const mostEntries = 95;
const entryMagic = 0x50aa;
const hashMagic = 0xebeb;

export interface Partition {
  readonly label: string;
  readonly type: "app" | "data" | "other";
  readonly offset: number;
  readonly bytes: number;
}

/** Whether these bytes begin as a partition table does. */
export function isPartitionTable(bytes: Uint8Array): boolean {
  return bytes[0] === 0xaa && bytes[1] === 0x50;
}

/**
 * @param what for messages
 * @throws WamletError WAMLET_INVALID_IMAGE
 */
export function readPartitionTable(bytes: Uint8Array, what: string): Partition[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const partitions: Partition[] = [];
  for (let start = 0; start + entryBytes <= bytes.length; start += entryBytes) {
    const magic = view.getUint16(start, true);
    if (magic === 0xffff) return partitions;
    if (magic === hashMagic) {
      const hash = createHash("md5").update(bytes.subarray(0, start)).digest();
      if (hash.equals(bytes.subarray(start + 16, start + entryBytes))) return partitions;
      throw invalid(what, "the MD5 of the partition table is wrong; the file is damaged");
    }
    if (magic !== entryMagic || partitions.length === mostEntries) break;
    const type = view.getUint8(start + 2);
    partitions.push({
      label: Buffer.from(bytes.subarray(start + 12, start + 28))
        .toString("latin1")
        .replace(/[^\x20-\x7e]+/g, ""),
      type: type === 0 ? "app" : type === 1 ? "data" : "other",
      offset: view.getUint32(start + 4, true),
      bytes: view.getUint32(start + 8, true),
    });
  }
  // A full table has no entry to mark its end.
  if (partitions.length > 0 && bytes.length === partitions.length * entryBytes) return partitions;
  throw invalid(what, "it is no partition table, or a damaged one");
}
