/**
 * A firmware bundle: everything that goes onto one kind of board, in one file that can be checked before anything is
 * erased. docs/FLASHING.md fixes every byte.
 *
 *     0   8  "WAMLETFW"
 *     8   4  version of the format, 1
 *    12   4  length of the description
 *    16   …  the description, JSON in UTF-8
 *     …   …  the images, one after another, in its order
 *   -32  32  SHA-256 of all that comes before
 */
import { createHash } from "node:crypto";
import { WamletError } from "../errors.js";
import { type Chip, requireChip } from "./chip.js";
import type { Firmware, FirmwareImage } from "./firmware.js";

const magic = "WAMLETFW";
const version = 1;
const headBytes = 16;
const hashBytes = 32;
/** A description names a handful of images. */
const mostDescriptionBytes = 1 << 16;

interface DescribedImage {
  readonly name: string;
  readonly offset: number;
  readonly bytes: number;
  readonly sha256: string;
}

/** Whether a file begins as a bundle does. */
export function isBundle(bytes: Uint8Array): boolean {
  return Buffer.from(bytes.subarray(0, magic.length)).toString("latin1") === magic;
}

/** A bundle always says which chip it is for. The same firmware gives the same bytes. */
export function writeBundle(firmware: Firmware & { readonly chip: Chip }): Uint8Array {
  const images = [...firmware.images].sort((a, b) => a.offset - b.offset);
  const description = Buffer.from(
    JSON.stringify({
      chip: firmware.chip.target,
      agentVersion: firmware.agentVersion,
      images: images.map(({ name, offset, data }) => ({
        name,
        offset,
        bytes: data.length,
        sha256: sha256(data),
      })),
    }),
  );
  const head = Buffer.alloc(headBytes);
  head.write(magic, "latin1");
  head.writeUInt32LE(version, 8);
  head.writeUInt32LE(description.length, 12);
  const body = Buffer.concat([head, description, ...images.map(({ data }) => data)]);
  return new Uint8Array(Buffer.concat([body, createHash("sha256").update(body).digest()]));
}

/**
 * @param what for messages: its path
 * @throws WamletError WAMLET_INVALID_BUNDLE, WAMLET_UNKNOWN_CHIP
 */
export function readBundle(bytes: Uint8Array, what: string): Firmware & { readonly chip: Chip } {
  if (!isBundle(bytes)) throw invalid(what, "it does not begin as one");
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (bytes.length < headBytes + hashBytes) throw invalid(what, "it is cut off");
  const itsVersion = view.getUint32(8, true);
  if (itsVersion !== version)
    throw invalid(what, `its format is version ${itsVersion}, and this is Wamlet for ${version}`);
  const end = bytes.length - hashBytes;
  const hash = createHash("sha256").update(bytes.subarray(0, end)).digest();
  if (!hash.equals(bytes.subarray(end)))
    throw invalid(what, "its SHA-256 is wrong; it is cut off or damaged");
  const descriptionBytes = view.getUint32(12, true);
  if (descriptionBytes > mostDescriptionBytes || headBytes + descriptionBytes > end) {
    throw invalid(what, `its description claims ${descriptionBytes} bytes`);
  }
  const described = parseDescription(bytes.subarray(headBytes, headBytes + descriptionBytes), what);
  const images: FirmwareImage[] = [];
  let position = headBytes + descriptionBytes;
  for (const { name, offset, bytes: length, sha256: expected } of described.images) {
    const data = bytes.slice(position, position + length);
    if (position + length > end) throw invalid(what, `${name} goes beyond its end`);
    if (sha256(data) !== expected) throw invalid(what, `the SHA-256 of ${name} is wrong`);
    images.push({ name, offset, data });
    position += length;
  }
  if (position !== end) throw invalid(what, `${end - position} bytes belong to no image`);
  return { chip: requireChip(described.chip, what), agentVersion: described.agentVersion, images };
}

function parseDescription(
  bytes: Uint8Array,
  what: string,
): { chip: string; agentVersion: string | null; images: readonly DescribedImage[] } {
  let json: unknown;
  try {
    json = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
  } catch (cause) {
    throw invalid(what, `its description is no JSON: ${(cause as Error).message}`, cause);
  }
  const { chip, agentVersion, images } = fieldsOf(json);
  if (typeof chip !== "string") throw invalid(what, "its description names no chip");
  if (!Array.isArray(images)) throw invalid(what, "its description names no images");
  return {
    chip,
    agentVersion: typeof agentVersion === "string" ? agentVersion : null,
    images: images.map((image) => describedImage(image, what)),
  };
}

function describedImage(value: unknown, what: string): DescribedImage {
  const { name, offset, bytes, sha256: hash } = fieldsOf(value);
  if (typeof name !== "string" || !/^[\x20-\x7e]{1,64}$/.test(name))
    throw invalid(what, "an image has no name");
  if (!isCount(offset)) throw invalid(what, `${name} has no offset`);
  if (!isCount(bytes)) throw invalid(what, `${name} has no length`);
  if (typeof hash !== "string") throw invalid(what, `${name} has no SHA-256`);
  return { name, offset, bytes, sha256: hash };
}

function fieldsOf(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null ? (value as Record<string, unknown>) : {};
}

function isCount(value: unknown): value is number {
  return Number.isInteger(value) && (value as number) >= 0 && (value as number) < 2 ** 32;
}

/** In hexadecimal. */
export function sha256(bytes: Uint8Array): string {
  return createHash("sha256").update(bytes).digest("hex");
}

function invalid(what: string, why: string, cause?: unknown): WamletError {
  return new WamletError(
    "WAMLET_INVALID_BUNDLE",
    `${what} is no firmware bundle: ${why}.`,
    'Copy the file again, or make it anew with "wamlet flash <build folder> --make-bundle <file>".',
    { cause },
  );
}
