/**
 * UF2 files: firmware in blocks of 512 bytes, each with its address and the family of chips that it is for, made for
 * boot loaders that show a drive (github.com/microsoft/uf2).
 */
import { WamletError } from "../errors.js";

const blockBytes = 512;
const firstMagic = 0x0a324655;
const secondMagic = 0x9e5d5157;
const lastMagic = 0x0ab16f30;
const mostPayloadBytes = 476;
/** The word at 28 is a family, not a file's size. */
const hasFamily = 0x2000;
/** The block is for something else than the main flash. */
const notMainFlash = 0x0001;
/** No flash of such boards is larger; UF2 files are twice as large as what they hold. */
const mostFileBytes = 64 << 20;

export interface Uf2File {
  /** Families with the bytes that are for them. */
  readonly families: ReadonlyMap<
    number,
    { readonly blocks: number; readonly bytes: number; readonly address: number }
  >;
}

/** Whether a file begins as a UF2 file does. */
export function isUf2(bytes: Uint8Array): boolean {
  return bytes.length >= 8 && wordsAt(bytes, 0)(0) === firstMagic && wordsAt(bytes, 0)(4) === secondMagic;
}

/**
 * Checks a file whole: every block's magics and length, and that no block of a family is missing or there twice.
 * @param what for messages
 * @throws WamletError WAMLET_INVALID_IMAGE
 */
export function readUf2(bytes: Uint8Array, what: string): Uf2File {
  if (bytes.length === 0 || bytes.length % blockBytes !== 0) {
    throw invalid(what, `${bytes.length} bytes are not whole blocks of ${blockBytes}; it is cut off`);
  }
  if (bytes.length > mostFileBytes) throw invalid(what, "it is larger than any board's flash");
  const families = new Map<
    number,
    { blocks: number; bytes: number; address: number; total: number; seen: Set<number> }
  >();
  for (let start = 0; start < bytes.length; start += blockBytes) {
    const word = wordsAt(bytes, start);
    const where = `block ${start / blockBytes}`;
    if (word(0) !== firstMagic || word(4) !== secondMagic || word(508) !== lastMagic) {
      throw invalid(what, `${where} is none; the file is damaged`);
    }
    const [flags, address, length, number, total] = [word(8), word(12), word(16), word(20), word(24)];
    if (length > mostPayloadBytes || number >= total) throw invalid(what, `${where} contradicts itself`);
    if ((flags & notMainFlash) !== 0) continue;
    if ((flags & hasFamily) === 0) throw invalid(what, `${where} does not say which chips it is for`);
    const family = families.get(word(28)) ?? { blocks: 0, bytes: 0, address, total, seen: new Set<number>() };
    if (family.total !== total || family.seen.has(number)) throw invalid(what, `${where} is there twice`);
    family.seen.add(number);
    family.blocks++;
    family.bytes += length;
    family.address = Math.min(family.address, address);
    families.set(word(28), family);
  }
  if (families.size === 0) throw invalid(what, "it has no block for a flash");
  for (const { blocks, total } of families.values()) {
    if (blocks !== total) throw invalid(what, `${total - blocks} of ${total} blocks are missing`);
  }
  return { families };
}

function wordsAt(bytes: Uint8Array, start: number): (offset: number) => number {
  const view = new DataView(bytes.buffer, bytes.byteOffset + start, bytes.length - start);
  return (offset) => view.getUint32(offset, true);
}

function invalid(what: string, why: string): WamletError {
  return new WamletError(
    "WAMLET_INVALID_IMAGE",
    `${what} is no usable UF2 file: ${why}.`,
    "Build or download the file again.",
  );
}
