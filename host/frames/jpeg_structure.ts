/**
 * The segments of a JPEG file (ITU-T T.81, annex B), checked one by one without decoding: what a decoder is told
 * must be whole, must agree with itself, and must be baseline or progressive in grey or three colours.
 */

import { PictureError } from "./picture.js";

export interface JpegStructure {
  readonly width: number;
  readonly height: number;
  /** 8 × 8 blocks of all colours. */
  readonly blocks: number;
  readonly scans: number;
  /** Blocks that all scans together go over. */
  readonly blockVisits: number;
  /** Bytes of coded pixels, without markers. */
  readonly codedBytes: number;
  /** Whether an Adobe segment says that the three colours are red, green and blue themselves. */
  readonly storedAsRgb: boolean;
  /** Offset behind the end marker. */
  readonly end: number;
}

interface Frame {
  readonly width: number;
  readonly height: number;
  readonly progressive: boolean;
  /** Blocks of each component, by its number. */
  readonly blocks: ReadonlyMap<number, number>;
}

const startOfImage = 0xd8;
const endOfImage = 0xd9;
const baseline = 0xc0;
const extended = 0xc1;
const progressive = 0xc2;
const huffmanTables = 0xc4;
const startOfScan = 0xda;
const quantisationTables = 0xdb;
const numberOfLines = 0xdc;
const restartInterval = 0xdd;
const firstApplication = 0xe0;
const adobeApplication = 0xee;
const lastApplication = 0xef;
const comment = 0xfe;

/** @throws PictureError */
export function readJpegStructure(file: Uint8Array): JpegStructure {
  if (file[0] !== 0xff || file[1] !== startOfImage)
    throw new PictureError("it does not begin with a JPEG marker");
  const tally = { scans: 0, blockVisits: 0, codedBytes: 0, storedAsRgb: false };
  let frame: Frame | null = null;
  let offset = 2;
  for (;;) {
    const marker = markerAt(file, offset);
    offset = marker.next;
    if (marker.code === endOfImage) break;
    const segment = segmentAt(file, offset, marker.code);
    offset += segment.length + 2;
    switch (marker.code) {
      case baseline:
      case extended:
      case progressive:
        if (frame !== null) throw new PictureError("it has two images");
        frame = readFrame(segment, marker.code === progressive);
        break;
      case huffmanTables:
        checkHuffmanTables(segment);
        break;
      case quantisationTables:
        checkQuantisationTables(segment);
        break;
      case restartInterval:
      case numberOfLines:
        if (segment.length !== 2) throw new PictureError("a segment has another length than its content");
        break;
      case startOfScan: {
        if (frame === null) throw new PictureError("its pixels come before their size");
        tally.blockVisits += scanBlocks(segment, frame);
        tally.scans++;
        const coded = codedEnd(file, offset);
        tally.codedBytes += coded - offset;
        offset = coded;
        break;
      }
      case adobeApplication:
        if (segment.length >= 12 && String.fromCharCode(...segment.subarray(0, 5)) === "Adobe") {
          tally.storedAsRgb = segment[11] === 0;
        }
        break;
      default:
        if (!isPassedOver(marker.code)) {
          throw new PictureError(
            `it has the marker ${marker.code.toString(16)} (arithmetic, lossless or hierarchical coding)`,
          );
        }
    }
  }
  if (frame === null || tally.scans === 0) throw new PictureError("it holds no pixels");
  const { width, height } = frame;
  const blocks = Array.from(frame.blocks.values()).reduce((sum, count) => sum + count, 0);
  return { width, height, blocks, ...tally, end: offset };
}

/** A marker's code and what follows it; any number of FF may stand before. */
function markerAt(file: Uint8Array, offset: number): { code: number; next: number } {
  let next = offset;
  if (file[next] !== 0xff && next < file.length)
    throw new PictureError("between its segments lies something");
  while (file[next] === 0xff) next++;
  const code = file[next];
  if (code === undefined) throw new PictureError("it is cut off before its end");
  return { code, next: next + 1 };
}

/** The content of a segment: two bytes of length, which count themselves, then as much as they say. */
function segmentAt(file: Uint8Array, offset: number, marker: number): Uint8Array {
  const length = ((file[offset] ?? 0) << 8) | (file[offset + 1] ?? 0);
  if (offset + length > file.length) throw new PictureError("it is cut off before its end");
  if (length < 2) throw new PictureError(`its segment ${marker.toString(16)} has the length ${length}`);
  return file.subarray(offset + 2, offset + length);
}

function readFrame(segment: Uint8Array, isProgressive: boolean): Frame {
  const components = segment[5] ?? 0;
  if (segment.length < 6 || segment.length !== 6 + 3 * components) {
    throw new PictureError("its image header has another length than its content");
  }
  if (segment[0] !== 8) throw new PictureError(`its samples have ${segment[0]} bits, expected 8`);
  if (components !== 1 && components !== 3) {
    throw new PictureError(`it has ${components} colours, expected grey or three`);
  }
  const height = ((segment[1] ?? 0) << 8) | (segment[2] ?? 0);
  const width = ((segment[3] ?? 0) << 8) | (segment[4] ?? 0);
  const factors = Array.from({ length: components }, (_, index) => {
    const [id = 0, sampling = 0] = segment.subarray(6 + 3 * index);
    const [across, down] = [sampling >> 4, sampling & 15];
    if (across < 1 || across > 4 || down < 1 || down > 4) {
      throw new PictureError(`it samples a colour ${across} × ${down} times, expected 1 to 4`);
    }
    return { id, across, down };
  });
  const mostAcross = Math.max(...factors.map(({ across }) => across));
  const mostDown = Math.max(...factors.map(({ down }) => down));
  const unitsAcross = Math.ceil(width / 8 / mostAcross);
  const unitsDown = Math.ceil(height / 8 / mostDown);
  const blocks = new Map(
    factors.map(({ id, across, down }) => [id, unitsAcross * across * unitsDown * down] as const),
  );
  if (blocks.size !== components) throw new PictureError("two of its colours have the same number");
  return { width, height, progressive: isProgressive, blocks };
}

/** Blocks that a scan goes over. */
function scanBlocks(segment: Uint8Array, frame: Frame): number {
  const count = segment[0] ?? 0;
  if (segment.length !== 4 + 2 * count) throw new PictureError("a scan has another length than its content");
  const ids = Array.from({ length: count }, (_, index) => segment[1 + 2 * index] ?? 0);
  if (count === 0 || new Set(ids).size !== count)
    throw new PictureError("a scan names no colour, or one twice");
  const [from = 0, to = 0, bits = 0] = segment.subarray(1 + 2 * count);
  const [high, low] = [bits >> 4, bits & 15];
  const whole = from === 0 && to === 63 && bits === 0;
  const part = to <= 63 && (from === 0 ? to === 0 : from <= to && count === 1) && low <= 13 && high <= 13;
  if (!(frame.progressive ? part : whole))
    throw new PictureError("a scan asks for what its coding cannot hold");
  return ids.reduce((sum, id) => {
    const blocks = frame.blocks.get(id);
    if (blocks === undefined) throw new PictureError(`a scan names colour ${id}, which there is not`);
    return sum + blocks;
  }, 0);
}

/** Each table: a byte, how many codes there are of 1 to 16 bits, and a value for each code. */
function checkHuffmanTables(segment: Uint8Array): void {
  let offset = 0;
  while (offset < segment.length) {
    const counts = segment.subarray(offset + 1, offset + 17);
    offset += 17 + counts.reduce((sum, count) => sum + count, 0);
  }
  if (offset !== segment.length) throw new PictureError("its code tables are cut off");
}

/** Each table: a byte whose upper half says whether 64 bytes or 64 pairs of bytes follow. */
function checkQuantisationTables(segment: Uint8Array): void {
  let offset = 0;
  while (offset < segment.length) {
    const precision = (segment[offset] ?? 0) >> 4;
    if (precision > 1) throw new PictureError(`a quantisation table has the precision ${precision}`);
    offset += 65 + 64 * precision;
  }
  if (offset !== segment.length) throw new PictureError("its quantisation tables are cut off");
}

/** Where the coded pixels that begin at `offset` end: at the next marker that is no restart and no stuffed zero. */
function codedEnd(file: Uint8Array, offset: number): number {
  for (let at = offset; at + 1 < file.length; at++) {
    const code = file[at + 1] ?? 0;
    if (file[at] === 0xff && code !== 0 && !(code >= 0xd0 && code <= 0xd7) && code !== 0xff) return at;
  }
  throw new PictureError("it is cut off before its end");
}

function isPassedOver(code: number): boolean {
  return (code >= firstApplication && code <= lastApplication) || code === comment;
}
