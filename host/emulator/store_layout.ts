/**
 * The module store's bytes, as docs/MODULE.md, "Store", fixes them: where things lie, and what makes a record valid.
 * Nothing here touches flash. All integers are little-endian, check sums are CRC-32 (IEEE, as in zlib).
 */
import crc32 from "crc-32";
import type { Board } from "../descriptor/board.js";
import { WamletError } from "../errors.js";

export const LAYOUT_VERSION = 1;
/** Where a slot's marks begin: commit, fault, then one per payload sector. */
export const MARKS_OFFSET = 1024;
export const SLOT_HEADER_BYTES = 48;
const NAME_OFFSET = 16;
/** With the zero that ends it. */
const NAME_BYTES = 32;
/** Longest manifest that a slot can keep. */
export const MAX_MANIFEST_BYTES = MARKS_OFFSET - SLOT_HEADER_BYTES;
/** What a pointer names when no module is active. */
export const NO_SLOT = 0xffff;

const SLOT_MAGIC = 0x444f4d57; // "WMOD"
const POINTER_MAGIC = 0x52545057; // "WPTR"
const POINTER_BYTES = 20;

/** Where everything lies for one board's store. */
export interface StoreLayout {
  readonly slots: number;
  readonly sectorBytes: number;
  readonly wordBytes: number;
  readonly slotSectors: number;
  /** Sectors at a slot's start that hold its record and marks. */
  readonly headerSectors: number;
  readonly payloadSectors: number;
  /** Longest payload that a slot can keep. */
  readonly payloadBytes: number;
}

/**
 * Works out the layout. The header takes the fewest sectors that hold 1024 bytes of record and the marks of all
 * sectors that are then left for the payload.
 * @throws WamletError WAMLET_INVALID_DESCRIPTOR where the figures leave no payload or do not divide
 */
export function storeLayout(store: Board["store"]): StoreLayout {
  const { slots, slotBytes, sectorBytes, wordBytes } = store;
  const slotSectors = slotBytes / sectorBytes;
  const divides =
    [slots, slotBytes, sectorBytes, wordBytes, slotSectors].every(
      (figure) => Number.isInteger(figure) && figure > 0,
    ) &&
    sectorBytes % wordBytes === 0 &&
    MARKS_OFFSET % wordBytes === 0 &&
    slots < NO_SLOT;
  for (let headerSectors = 1; divides && headerSectors < slotSectors; headerSectors++) {
    const payloadSectors = slotSectors - headerSectors;
    if (MARKS_OFFSET + (2 + payloadSectors) * wordBytes <= headerSectors * sectorBytes) {
      const payloadBytes = payloadSectors * sectorBytes;
      return { slots, sectorBytes, wordBytes, slotSectors, headerSectors, payloadSectors, payloadBytes };
    }
  }
  throw new WamletError(
    "WAMLET_INVALID_DESCRIPTOR",
    `A store of ${slots} slots of ${slotBytes} bytes with sectors of ${sectorBytes} and words of ${wordBytes} ` +
      "cannot be laid out.",
    "Make slotBytes a multiple of sectorBytes with room for a header and a payload, and wordBytes a divisor of 1024.",
  );
}

export function firstSectorOfSlot(layout: StoreLayout, slot: number): number {
  return 2 + slot * layout.slotSectors;
}

export function slotOffset(layout: StoreLayout, slot: number): number {
  return firstSectorOfSlot(layout, slot) * layout.sectorBytes;
}

export function payloadOffset(layout: StoreLayout, slot: number): number {
  return slotOffset(layout, slot) + layout.headerSectors * layout.sectorBytes;
}

/** A mark is one word at this place: all 0xFF is "not yet", all 0x00 is "done". */
export function markOffset(layout: StoreLayout, slot: number, mark: "commit" | "fault" | number): number {
  const index = mark === "commit" ? 0 : mark === "fault" ? 1 : 2 + mark;
  return slotOffset(layout, slot) + MARKS_OFFSET + index * layout.wordBytes;
}

export interface SlotRecord {
  /** Number of the deploy that wrote it: of two modules of one name the later one counts. */
  readonly sequence: number;
  /** What the module is called on this board, 1–31 of [a-z0-9_.-]; usually the manifest's name. */
  readonly name: string;
  readonly manifestBytes: Uint8Array;
}

const NAME_PATTERN = /^[a-z0-9_.-]{1,31}$/;

export function isModuleName(name: string): boolean {
  return NAME_PATTERN.test(name);
}

/** The record at a slot's start, filled up to whole words with 0xFF. */
export function encodeSlotRecord(record: SlotRecord, wordBytes: number): Uint8Array {
  const { sequence, name, manifestBytes } = record;
  const bytes = wholeWords(SLOT_HEADER_BYTES + manifestBytes.length, wordBytes);
  const fields = view(bytes);
  fields.setUint32(0, SLOT_MAGIC, true);
  fields.setUint16(4, LAYOUT_VERSION, true);
  fields.setUint16(6, manifestBytes.length, true);
  fields.setUint32(8, sequence, true);
  bytes.fill(0, NAME_OFFSET, NAME_OFFSET + NAME_BYTES);
  bytes.set(new TextEncoder().encode(name), NAME_OFFSET);
  bytes.set(manifestBytes, SLOT_HEADER_BYTES);
  fields.setInt32(12, slotChecksum(bytes, manifestBytes.length), true);
  return bytes;
}

/** @returns undefined unless magic, version, length and check sum are all right */
export function decodeSlotRecord(bytes: Uint8Array): SlotRecord | undefined {
  if (bytes.length < SLOT_HEADER_BYTES) return undefined;
  const fields = view(bytes);
  const length = fields.getUint16(6, true);
  if (fields.getUint32(0, true) !== SLOT_MAGIC || fields.getUint16(4, true) !== LAYOUT_VERSION)
    return undefined;
  if (length > MAX_MANIFEST_BYTES || SLOT_HEADER_BYTES + length > bytes.length) return undefined;
  if (fields.getInt32(12, true) !== slotChecksum(bytes, length)) return undefined;
  const nameField = bytes.subarray(NAME_OFFSET, NAME_OFFSET + NAME_BYTES);
  const name = String.fromCharCode(...nameField.subarray(0, nameField.indexOf(0)));
  if (!isModuleName(name)) return undefined;
  const manifestBytes = bytes.slice(SLOT_HEADER_BYTES, SLOT_HEADER_BYTES + length);
  return { sequence: fields.getUint32(8, true), name, manifestBytes };
}

/** Over the 12 bytes before the check sum, and the name and the manifest after it. */
function slotChecksum(bytes: Uint8Array, manifestLength: number): number {
  const start = crc32.buf(bytes.subarray(0, 12));
  return crc32.buf(bytes.subarray(NAME_OFFSET, SLOT_HEADER_BYTES + manifestLength), start);
}

export interface PointerRecord {
  /** Of two valid copies the one with the larger number counts. */
  readonly sequence: number;
  /** The active slot or `NO_SLOT`. */
  readonly slot: number;
  /** Deploy number that the slot must carry for the pointer to hold; 0 for `NO_SLOT`. */
  readonly slotSequence: number;
}

export function encodePointer(pointer: PointerRecord, wordBytes: number): Uint8Array {
  const bytes = wholeWords(POINTER_BYTES, wordBytes);
  const fields = view(bytes);
  fields.setUint32(0, POINTER_MAGIC, true);
  fields.setUint16(4, LAYOUT_VERSION, true);
  fields.setUint16(6, pointer.slot, true);
  fields.setUint32(8, pointer.sequence, true);
  fields.setUint32(12, pointer.slotSequence, true);
  fields.setInt32(16, crc32.buf(bytes.subarray(0, 16)), true);
  return bytes;
}

/** @param bytes the first 20 bytes of a pointer sector; @returns undefined where they are not a valid pointer */
export function decodePointer(bytes: Uint8Array): PointerRecord | undefined {
  if (bytes.length < POINTER_BYTES) return undefined;
  const fields = view(bytes);
  if (fields.getUint32(0, true) !== POINTER_MAGIC || fields.getUint16(4, true) !== LAYOUT_VERSION)
    return undefined;
  if (fields.getInt32(16, true) !== crc32.buf(bytes.subarray(0, 16))) return undefined;
  return {
    slot: fields.getUint16(6, true),
    sequence: fields.getUint32(8, true),
    slotSequence: fields.getUint32(12, true),
  };
}

function wholeWords(length: number, wordBytes: number): Uint8Array {
  return new Uint8Array(Math.ceil(length / wordBytes) * wordBytes).fill(0xff);
}

function view(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
