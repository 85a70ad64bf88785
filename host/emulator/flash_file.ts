/**
 * A file that keeps a virtual board's flash between runs. Every change of a sector is written through at once with
 * a single write, so that ending the process at any moment leaves what a power cut would leave, no worse.
 *
 *     file   := header (32 bytes), sector × sectors
 *     header := "WAMLETFL", version: u32 = 1, sectorBytes: u32, wordBytes: u32, sectors: u32, 0: u32,
 *               CRC-32 of the 28 bytes before it: u32        (all little-endian)
 *     sector := sectorBytes of content, CRC-32 of them: u32
 *
 * The check sums tell a damaged file from a board whose power was cut, which the store itself repairs.
 */
import { closeSync, fstatSync, mkdirSync, openSync, readSync, renameSync, rmSync, writeSync } from "node:fs";
import { dirname } from "node:path";
import crc32 from "crc-32";
import { WamletError } from "../errors.js";
import type { FlashGeometry } from "./flash_geometry.js";

const MAGIC = new TextEncoder().encode("WAMLETFL");
const VERSION = 1;
const HEADER_BYTES = 32;
const CHECKSUM_BYTES = 4;

export class FlashFile {
  /** The flash's content; `writeSector` carries a change of it to the file. */
  readonly bytes: Uint8Array;
  readonly #path: string;
  readonly #geometry: FlashGeometry;
  #descriptor: number | undefined;

  private constructor(path: string, geometry: FlashGeometry, descriptor: number, bytes: Uint8Array) {
    this.#path = path;
    this.#geometry = geometry;
    this.#descriptor = descriptor;
    this.bytes = bytes;
  }

  /**
   * Opens a flash file, or makes an erased one where there is none.
   * @throws WamletError WAMLET_STORE_CORRUPT for a file that is damaged or belongs to another kind of board,
   *   WAMLET_FILE_UNREADABLE or WAMLET_FILE_UNWRITABLE where the file system refuses
   */
  static open(path: string, geometry: FlashGeometry): FlashFile {
    let descriptor: number;
    try {
      descriptor = openSync(path, "r+");
    } catch (cause) {
      if ((cause as NodeJS.ErrnoException).code !== "ENOENT") throw unreadable(path, cause);
      createErased(path, geometry);
      descriptor = openSync(path, "r+");
    }
    try {
      return new FlashFile(path, geometry, descriptor, readAll(path, geometry, descriptor));
    } catch (error) {
      closeSync(descriptor);
      throw error;
    }
  }

  /** Writes one sector and its check sum. */
  writeSector(sector: number): void {
    if (this.#descriptor === undefined) return;
    const { sectorBytes } = this.#geometry;
    const content = this.bytes.subarray(sector * sectorBytes, (sector + 1) * sectorBytes);
    const position = HEADER_BYTES + sector * (sectorBytes + CHECKSUM_BYTES);
    try {
      writeSync(this.#descriptor, withChecksum(content), 0, sectorBytes + CHECKSUM_BYTES, position);
    } catch (cause) {
      throw unwritable(this.#path, cause);
    }
  }

  close(): void {
    if (this.#descriptor !== undefined) closeSync(this.#descriptor);
    this.#descriptor = undefined;
  }
}

function createErased(path: string, geometry: FlashGeometry): void {
  const temporary = `${path}.${process.pid}.new`;
  try {
    mkdirSync(dirname(path), { recursive: true });
    const descriptor = openSync(temporary, "wx");
    try {
      writeSync(descriptor, header(geometry));
      const sector = withChecksum(new Uint8Array(geometry.sectorBytes).fill(0xff));
      for (let index = 0; index < geometry.sectors; index++) writeSync(descriptor, sector);
    } finally {
      closeSync(descriptor);
    }
    renameSync(temporary, path);
  } catch (cause) {
    rmSync(temporary, { force: true });
    throw unwritable(path, cause);
  }
}

function readAll(path: string, geometry: FlashGeometry, descriptor: number): Uint8Array {
  const { sectorBytes, sectors } = geometry;
  const expectedBytes = HEADER_BYTES + sectors * (sectorBytes + CHECKSUM_BYTES);
  const status = fstatSync(descriptor);
  if (!status.isFile()) throw damaged(path, "it is no ordinary file");
  const start = readExactly(path, descriptor, 0, Math.min(HEADER_BYTES, status.size));
  if (start.length < HEADER_BYTES || MAGIC.some((byte, index) => byte !== start[index])) {
    throw damaged(path, "it is no flash file of a virtual board");
  }
  const expectedHeader = header(geometry);
  if (expectedHeader.some((byte, index) => byte !== start[index])) {
    if (crc32.buf(start.subarray(0, 28)) !== view(start).getInt32(28, true)) {
      throw damaged(path, "the check sum of its header does not match");
    }
    const its = view(start);
    const read = (offset: number) => its.getUint32(offset, true);
    throw damaged(
      path,
      `it is of version ${read(8)} with ${read(20)} sectors of ${read(12)} bytes and words of ${read(16)}, ` +
        `where this board has version ${VERSION}, ${sectors} sectors of ${sectorBytes} and words of ` +
        `${geometry.wordBytes}`,
    );
  }
  if (status.size !== expectedBytes) {
    throw damaged(path, `it has ${status.size} bytes where the board's flash takes ${expectedBytes}`);
  }
  const bytes = new Uint8Array(sectors * sectorBytes);
  for (let sector = 0; sector < sectors; sector++) {
    const stride = sectorBytes + CHECKSUM_BYTES;
    const record = readExactly(path, descriptor, HEADER_BYTES + sector * stride, stride);
    const content = record.subarray(0, sectorBytes);
    if (crc32.buf(content) !== view(record).getInt32(sectorBytes, true)) {
      throw damaged(path, `the check sum of sector ${sector} does not match`);
    }
    bytes.set(content, sector * sectorBytes);
  }
  return bytes;
}

function readExactly(path: string, descriptor: number, position: number, length: number): Uint8Array {
  const bytes = new Uint8Array(length);
  let filled = 0;
  while (filled < length) {
    let count: number;
    try {
      count = readSync(descriptor, bytes, filled, length - filled, position + filled);
    } catch (cause) {
      throw unreadable(path, cause);
    }
    if (count === 0) throw damaged(path, `it ends after ${position + filled} bytes`);
    filled += count;
  }
  return bytes;
}

function header(geometry: FlashGeometry): Uint8Array {
  const bytes = new Uint8Array(HEADER_BYTES);
  bytes.set(MAGIC);
  const fields = view(bytes);
  fields.setUint32(8, VERSION, true);
  fields.setUint32(12, geometry.sectorBytes, true);
  fields.setUint32(16, geometry.wordBytes, true);
  fields.setUint32(20, geometry.sectors, true);
  fields.setInt32(28, crc32.buf(bytes.subarray(0, 28)), true);
  return bytes;
}

function withChecksum(content: Uint8Array): Uint8Array {
  const record = new Uint8Array(content.length + CHECKSUM_BYTES);
  record.set(content);
  view(record).setInt32(content.length, crc32.buf(content), true);
  return record;
}

function view(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

function damaged(path: string, what: string): WamletError {
  return new WamletError(
    "WAMLET_STORE_CORRUPT",
    `The flash file ${path} cannot be used: ${what}.`,
    "Name another file with --flash, or delete this one to start with an empty board.",
  );
}

function unreadable(path: string, cause: unknown): WamletError {
  return new WamletError(
    "WAMLET_FILE_UNREADABLE",
    `The flash file ${path} cannot be read: ${reason(cause)}.`,
    "Check the path given with --flash and your rights to the file.",
    { cause },
  );
}

function unwritable(path: string, cause: unknown): WamletError {
  return new WamletError(
    "WAMLET_FILE_UNWRITABLE",
    `The flash file ${path} cannot be written: ${reason(cause)}.`,
    "Check the folder given with --flash, your rights to it and the space left.",
    { cause },
  );
}

function reason(cause: unknown): string {
  return (cause as NodeJS.ErrnoException).code ?? String(cause);
}
