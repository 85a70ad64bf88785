/**
 * JPEG → pixels, by jpeg-js. `jpeg_structure.ts` walks the file first, because that decoder fills what is missing
 * with zeros and lets a small file ask for any amount of work.
 *
 * The orientation that a camera writes beside the pixels (EXIF) is not applied, as in TensorFlow's decode_jpeg.
 */

import { decode } from "jpeg-js";
import { readJpegStructure } from "./jpeg_structure.js";
import { checkSize, type Picture, PictureError } from "./picture.js";

/**
 * Visits of an 8 × 8 block, over all scans, for each pixel that is allowed: a baseline image visits each block
 * once, a progressive one mostly ten times. A largest image in three unreduced colours may have 20 scans.
 */
const visitsPerPixel = 1;
const fewestVisits = 1 << 20;

/** A progressive image has about ten; beyond a thousand the scans are what the file is about. */
const mostScans = 1000;

/** What jpeg-js counts for a pixel in three unreduced colours; the engine takes about as much again. */
const decoderBytesPerPixel = 24;

export function isJpeg(start: Uint8Array): boolean {
  return start[0] === 0xff && start[1] === 0xd8 && start[2] === 0xff;
}

/** @throws PictureError, or what jpeg-js throws; `pictureError` makes either a WamletError */
export function decodeJpeg(file: Uint8Array, mostPixels: number): Picture {
  const structure = readJpegStructure(file);
  const { width, height } = structure;
  checkSize(width, height, mostPixels);
  // Every block of every colour takes at least the one bit of its mean.
  if (structure.blocks > structure.codedBytes * 8) {
    throw new PictureError(`${structure.codedBytes} bytes cannot hold ${width} × ${height} pixels`);
  }
  const mostVisits = Math.max(mostPixels * visitsPerPixel, fewestVisits);
  if (structure.scans > mostScans || structure.blockVisits > mostVisits) {
    throw new PictureError(`it goes over its ${structure.blocks} blocks in ${structure.scans} scans`, true);
  }
  const decoded = decode(file.subarray(0, structure.end), {
    useTArray: true,
    formatAsRGBA: false,
    maxResolutionInMP: mostPixels / 1e6,
    maxMemoryUsageInMB: Math.max(16, (mostPixels * decoderBytesPerPixel) / 2 ** 20),
    ...(structure.storedAsRgb ? { colorTransform: false } : {}),
  });
  if (decoded.width !== width || decoded.height !== height || decoded.data.length !== width * height * 3) {
    throw new PictureError("pixels are missing");
  }
  return { width, height, stride: 3, pixels: decoded.data };
}
