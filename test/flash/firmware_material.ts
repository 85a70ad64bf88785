/** Firmware to flash: images with the structure and the checksums of ESP-IDF's, filled with seeded noise. */
import { createHash } from "node:crypto";
import { SeededRandom } from "../../host/emulator/seeded_random.js";
import { type SimulatedChipName, simulatedChips } from "./simulated_registers.js";

export interface ImageOptions {
  readonly bytes?: number;
  readonly seed?: number;
  readonly minimumRevision?: number;
  readonly maximumRevision?: number;
  /** Flash size code of the header: 0 is 1 MB, 2 is 4 MB. */
  readonly flashSizeCode?: number;
  readonly description?: { readonly project: string; readonly version: string };
}

/** Half noise, half repetition, so that it compresses as code does. */
export function noise(bytes: number, seed: number): Uint8Array {
  const random = new SeededRandom(seed);
  return Uint8Array.from({ length: bytes }, (_, index) =>
    (index >> 8) % 2 === 0 ? random.below(256) : index & 7,
  );
}

/** An image with one segment, its checksum and its SHA-256 (ESP-IDF, esp_app_format.h). */
export function appImage(kind: SimulatedChipName, options: ImageOptions = {}): Uint8Array {
  const { bytes = 20_000, seed = 1, flashSizeCode = 2, description } = options;
  const segment = Buffer.from(noise(Math.ceil(bytes / 4) * 4, seed));
  if (description !== undefined) {
    segment.fill(0, 0, 256);
    segment.writeUInt32LE(0xabcd5432, 0);
    segment.write(description.version, 16, "latin1");
    segment.write(description.project, 48, "latin1");
    segment.write("v5.5.1", 112, "latin1");
  }
  const header = Buffer.alloc(32);
  header.set([0xe9, 1, 2, (flashSizeCode << 4) | 0xf]);
  header.writeUInt32LE(0x40080400, 4);
  header.writeUInt16LE(simulatedChips[kind].imageId, 12);
  header.writeUInt16LE(options.minimumRevision ?? 0, 15);
  header.writeUInt16LE(options.maximumRevision ?? 0xffff, 17);
  header[23] = 1;
  header.writeUInt32LE(0x3f400020, 24);
  header.writeUInt32LE(segment.length, 28);
  const body = Buffer.concat([header, segment]);
  const whole = Buffer.concat([body, Buffer.alloc(16 - (body.length % 16))]);
  whole[whole.length - 1] = segment.reduce((sum, byte) => sum ^ byte, 0xef);
  return new Uint8Array(Buffer.concat([whole, createHash("sha256").update(whole).digest()]));
}

export interface TableEntry {
  readonly label: string;
  readonly type: number;
  readonly offset: number;
  readonly bytes: number;
}

export const usualPartitions: readonly TableEntry[] = [
  { label: "nvs", type: 1, offset: 0x9000, bytes: 0x6000 },
  { label: "factory", type: 0, offset: 0x10000, bytes: 0x100000 },
  { label: "store", type: 1, offset: 0x110000, bytes: 0x180000 },
];

/** As gen_esp32part.py writes it: entries, MD5, and FF up to 0xC00. */
export function partitionTable(entries: readonly TableEntry[] = usualPartitions): Uint8Array {
  const table = Buffer.alloc(0xc00, 0xff);
  for (const [index, { label, type, offset, bytes }] of entries.entries()) {
    const entry = Buffer.alloc(32);
    entry.writeUInt16LE(0x50aa, 0);
    entry.set([type, type === 0 ? 0 : 2], 2);
    entry.writeUInt32LE(offset, 4);
    entry.writeUInt32LE(bytes, 8);
    entry.write(label, 12, "latin1");
    entry.copy(table, index * 32);
  }
  const end = entries.length * 32;
  table.writeUInt16LE(0xebeb, end);
  createHash("md5")
    .update(table.subarray(0, end))
    .digest()
    .copy(table, end + 16);
  return new Uint8Array(table);
}

/** Boot loader, partition table and application, in the places of a chip. */
export function usualImages(
  kind: SimulatedChipName,
  app: ImageOptions = {},
): { readonly name: string; readonly offset: number; readonly data: Uint8Array }[] {
  return [
    {
      name: "bootloader",
      offset: simulatedChips[kind].bootLoaderOffset,
      data: appImage(kind, { bytes: 9000, seed: 7 }),
    },
    { name: "partition-table", offset: 0x8000, data: partitionTable() },
    {
      name: "app",
      offset: 0x10000,
      data: appImage(kind, { description: { project: "agent", version: "0.1.0" }, ...app }),
    },
  ];
}
