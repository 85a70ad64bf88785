/**
 * PNG → pixels, by pngjs. The chunks are walked and the pixels inflated here first (PNG specification, W3C 2003,
 * chapters 5 and 11): that decoder believes the header's size, takes a second header for the first, inflates
 * interlaced images without a bound, and where compressed data are cut off or damaged it goes on with whatever
 * its buffer held before.
 *
 * 16 bits a channel become 8; transparency is left out and gamma not applied, as in TensorFlow's decode_png.
 */

import { inflateSync } from "node:zlib";
import { PNG } from "pngjs";
import { checkSize, type Picture, PictureError } from "./picture.js";

const signature = [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a];

/** Samples of a pixel and allowed bits of a sample, by colour type. */
const colourTypes: Readonly<Record<number, { samples: number; depths: readonly number[] }>> = {
  0: { samples: 1, depths: [1, 2, 4, 8, 16] },
  2: { samples: 3, depths: [8, 16] },
  3: { samples: 1, depths: [1, 2, 4, 8] },
  4: { samples: 2, depths: [8, 16] },
  6: { samples: 4, depths: [8, 16] },
};

/** Adam7: where each pass begins and how far its pixels are apart, in x and y. */
const passes = [
  [0, 0, 8, 8],
  [4, 0, 8, 8],
  [0, 4, 4, 8],
  [2, 0, 4, 4],
  [0, 2, 2, 4],
  [1, 0, 2, 2],
  [0, 1, 1, 2],
] as const;

/** No deflate stream holds more than this many times its own bytes. */
const largestDeflateRatio = 1032;

export function isPng(start: Uint8Array): boolean {
  return signature.every((byte, index) => start[index] === byte);
}

/** @throws PictureError, or what pngjs throws; `pictureError` makes either a WamletError */
export function decodePng(file: Uint8Array, mostPixels: number): Picture {
  const { header, data, end } = readChunks(file);
  checkSize(header.width, header.height, mostPixels);
  const wanted = filteredBytes(header);
  const compressed = data.reduce((sum, part) => sum + part.length, 0);
  if (wanted > compressed * largestDeflateRatio) {
    throw new PictureError(`${compressed} bytes cannot hold ${header.width} × ${header.height} pixels`);
  }
  const inflated = inflateSync(Buffer.concat(data), { maxOutputLength: wanted });
  if (inflated.length !== wanted) throw new PictureError("pixels are missing");
  const decoded = PNG.sync.read(Buffer.from(file.buffer, file.byteOffset, end));
  if (decoded.data.length !== header.width * header.height * 4) throw new PictureError("pixels are missing");
  return { width: header.width, height: header.height, stride: 4, pixels: decoded.data };
}

interface Header {
  readonly width: number;
  readonly height: number;
  readonly pixelBits: number;
  readonly interlaced: boolean;
}

function readChunks(file: Uint8Array): { header: Header; data: Uint8Array[]; end: number } {
  if (!isPng(file)) throw new PictureError("it does not begin with the PNG signature");
  const view = new DataView(file.buffer, file.byteOffset, file.byteLength);
  const data: Uint8Array[] = [];
  let header: Header | null = null;
  for (let offset = 8; offset + 12 <= file.length; ) {
    const length = view.getUint32(offset);
    const type = String.fromCharCode(...file.subarray(offset + 4, offset + 8));
    const next = offset + 12 + length;
    if (next > file.length) throw new PictureError(`its chunk '${printable(type)}' is cut off`);
    const content = file.subarray(offset + 8, next - 4);
    if ((type === "IHDR") !== (header === null)) throw new PictureError("it does not have one header, first");
    if (type === "IHDR") header = readHeader(content);
    if (type === "IDAT") data.push(content);
    if (type === "IEND" && header !== null) {
      if (data.length === 0) throw new PictureError("it holds no pixels");
      return { header, data, end: next };
    }
    offset = next;
  }
  throw new PictureError("it is cut off before its end");
}

function readHeader(content: Uint8Array): Header {
  if (content.length !== 13) throw new PictureError(`its header takes ${content.length} bytes, expected 13`);
  const view = new DataView(content.buffer, content.byteOffset, 13);
  const [depth, colourType, interlace] = [view.getUint8(8), view.getUint8(9), view.getUint8(12)];
  const colour = colourTypes[colourType];
  if (colour === undefined || !colour.depths.includes(depth) || interlace > 1) {
    throw new PictureError(`there is no colour type ${colourType} of ${depth} bits, interlace ${interlace}`);
  }
  return {
    width: view.getUint32(0),
    height: view.getUint32(4),
    pixelBits: colour.samples * depth,
    interlaced: interlace === 1,
  };
}

/** Bytes of all rows with the filter byte that each begins with: what the compressed data must give. */
function filteredBytes({ width, height, pixelBits, interlaced }: Header): number {
  const rows = (columns: number, count: number) =>
    columns === 0 ? 0 : (Math.ceil((columns * pixelBits) / 8) + 1) * count;
  if (!interlaced) return rows(width, height);
  return passes.reduce((sum, [x, y, dx, dy]) => {
    return sum + rows(Math.ceil(Math.max(0, width - x) / dx), Math.ceil(Math.max(0, height - y) / dy));
  }, 0);
}

function printable(type: string): string {
  return type.replace(/[^ -~]/g, "?");
}
