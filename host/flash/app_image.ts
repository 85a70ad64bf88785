/**
 * Images that Espressif's ROM and boot loader start: the boot loader itself and applications. The format is ESP-IDF's
 * (components/bootloader_support/include/esp_app_format.h, esp_app_desc.h), read here with every length checked.
 */
import { createHash } from "node:crypto";
import { WamletError } from "../errors.js";
import { chips } from "./chip.js";

/** First byte of an image. */
export const imageMagic = 0xe9;
const headerBytes = 24;
const segmentHeaderBytes = 8;
/** ESP_IMAGE_MAX_SEGMENTS. */
const mostSegments = 16;
const checksumSeed = 0xef;
const hashBytes = 32;
const descriptionMagic = 0xabcd5432;
const descriptionBytes = 112;

export interface AppImage {
  /** Chip that it is for, `nameOfImage`. */
  readonly chipId: number;
  /** Oldest and newest revision of the chip that it runs on, major × 100 + minor; 0 and 65535 for any. */
  readonly minimumRevision: number;
  readonly maximumRevision: number;
  /** Size of the flash that the image was built for; null for a code that nobody knows. */
  readonly flashBytes: number | null;
  /** Bytes up to the end of checksum and hash; a file may go on. */
  readonly bytes: number;
  /** What ESP-IDF wrote into an application; null in a boot loader. */
  readonly description: { readonly project: string; readonly version: string; readonly idf: string } | null;
}

/** What an image's chip id stands for; chips that are not ours by their number. */
export function nameOfImage({ chipId }: Pick<AppImage, "chipId">): string {
  return chips.find(({ imageId }) => imageId === chipId)?.name ?? `the chip with id ${chipId}`;
}

/**
 * Reads and checks an image: magic, segments, checksum and, where it has one, SHA-256.
 * @param bytes from the image's first byte on
 * @param what for messages: `bootloader.bin at 0x1000`
 * @throws WamletError WAMLET_INVALID_IMAGE
 */
export function readAppImage(bytes: Uint8Array, what: string): AppImage {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (bytes[0] !== imageMagic) throw invalid(what, wrongMagic(bytes));
  if (bytes.length < headerBytes) throw invalid(what, "it ends within its header");
  const segments = view.getUint8(1);
  if (segments === 0 || segments > mostSegments) {
    throw invalid(what, `it claims ${segments} segments, and 1 to ${mostSegments} are possible`);
  }
  let position = headerBytes;
  let checksum = checksumSeed;
  for (let segment = 0; segment < segments; segment++) {
    const length =
      position + segmentHeaderBytes <= bytes.length ? view.getUint32(position + 4, true) : Infinity;
    const end = position + segmentHeaderBytes + length;
    if (end > bytes.length)
      throw invalid(what, `segment ${segment} goes beyond its end; the file is cut off`);
    for (let index = position + segmentHeaderBytes; index < end; index++) checksum ^= bytes[index] ?? 0;
    position = end;
  }
  // The checksum is the last byte of a block of 16 (ESP-IDF, esp_image_format.c).
  position += 16 - (position % 16);
  if (position > bytes.length) throw invalid(what, "its checksum is missing; the file is cut off");
  if (bytes[position - 1] !== checksum) throw invalid(what, "its checksum is wrong; the file is damaged");
  if (view.getUint8(23) === 1) {
    const hash = createHash("sha256").update(bytes.subarray(0, position)).digest();
    if (position + hashBytes > bytes.length)
      throw invalid(what, "its SHA-256 is missing; the file is cut off");
    if (!hash.equals(bytes.subarray(position, position + hashBytes))) {
      throw invalid(what, "its SHA-256 is wrong; the file is damaged");
    }
    position += hashBytes;
  }
  return {
    chipId: view.getUint16(12, true),
    minimumRevision: view.getUint16(15, true),
    maximumRevision: view.getUint16(17, true),
    flashBytes: flashSizeOf(view.getUint8(3) >> 4),
    bytes: position,
    description: readDescription(bytes.subarray(headerBytes + segmentHeaderBytes)),
  };
}

/** esp_image_flash_size_t: 1 MB to 128 MB in powers of two. */
function flashSizeOf(code: number): number | null {
  return code <= 7 ? 2 ** (20 + code) : null;
}

/** esp_app_desc_t, the first bytes of an application's first segment. */
function readDescription(segment: Uint8Array): AppImage["description"] {
  if (segment.length < descriptionBytes) return null;
  const view = new DataView(segment.buffer, segment.byteOffset, segment.byteLength);
  if (view.getUint32(0, true) !== descriptionMagic) return null;
  const idf = segment.length >= descriptionBytes + 32 ? text(segment.subarray(112, 144)) : "";
  return { version: text(segment.subarray(16, 48)), project: text(segment.subarray(48, 80)), idf };
}

/** Up to the first zero, printable ASCII only: it is shown on terminals. */
function text(bytes: Uint8Array): string {
  const end = bytes.indexOf(0);
  return Buffer.from(end < 0 ? bytes : bytes.subarray(0, end))
    .toString("latin1")
    .replace(/[^\x20-\x7e]/g, "?");
}

/** What the file is instead, where that is plain to see. */
export function wrongMagic(bytes: Uint8Array): string {
  const start = Buffer.from(bytes.subarray(0, 4)).toString("latin1");
  const kinds: readonly (readonly [string, string])[] = [
    ["\x7fELF", 'it is an ELF file; give the .bin that "idf.py build" or "esptool elf2image" makes of it'],
    ["UF2\n", "it is a UF2 file, which is copied to a drive"],
    [":", "it is an Intel HEX file; give the .bin"],
    ["PK", "it is a ZIP archive; unpack it first"],
    ["\0asm", 'it is a WebAssembly module; "wamlet deploy" stores it on a board that has an agent'],
  ];
  const known = kinds.find(([magic]) => start.startsWith(magic))?.[1];
  if (known !== undefined) return known;
  const first = bytes[0];
  const is =
    first === undefined ? "the file is empty" : `its first byte is 0x${first.toString(16).padStart(2, "0")}`;
  return `${is}, and an image begins with 0xe9`;
}

export function invalid(what: string, why: string): WamletError {
  return new WamletError(
    "WAMLET_INVALID_IMAGE",
    `${what} cannot be flashed: ${why}.`,
    "Build the firmware again, and give its build folder or its .bin files with the offsets that belong to them.",
  );
}
