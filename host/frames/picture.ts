/** A decoded picture, and the limits within which pictures are decoded at all. */

import { WamletError } from "../errors.js";

export interface Picture {
  readonly width: number;
  readonly height: number;
  /** Bytes from one pixel to the next: 3, or 4 where something that is no colour follows. */
  readonly stride: 3 | 4;
  /** Red, green and blue of each pixel, row by row from the top. */
  readonly pixels: Uint8Array;
}

/** 4096 × 4096: while a JPEG of that size is decoded, the process takes up to 600 MB. */
export const defaultMostPixels = 1 << 24;

/** Longest side; a decoder keeps something for every row. */
const longestSide = 16_384;

/** Largest image file that is read. */
export const largestImageFile = 1 << 26;

/** What was wrong with an image, still without the file's name. */
export class PictureError extends Error {
  constructor(
    message: string,
    readonly tooLarge = false,
  ) {
    super(message);
  }
}

/**
 * Holds an image's announced size against the limits, before anything is allocated for it.
 * @throws PictureError
 */
export function checkSize(width: number, height: number, mostPixels: number): void {
  if (width === 0 || height === 0) throw new PictureError(`it is ${width} × ${height} pixels`);
  if (width > longestSide || height > longestSide || width * height > mostPixels) {
    throw new PictureError(
      `it is ${width} × ${height} pixels; at most ${mostPixels} pixels and ${longestSide} on a side are decoded`,
      true,
    );
  }
}

/** The error for the user: whatever a decoder threw, with the file's name. */
export function pictureError(cause: unknown, name: string, kind: string): WamletError {
  if (cause instanceof WamletError) return cause;
  if (cause instanceof PictureError && cause.tooLarge) {
    return new WamletError(
      "WAMLET_IMAGE_TOO_LARGE",
      `${name} is too large: ${cause.message}.`,
      "Make the image smaller, or raise the limit with --max-pixels.",
    );
  }
  const what = cause instanceof Error ? cause.message : String(cause);
  return new WamletError(
    "WAMLET_INVALID_FRAMES",
    `${name} is no readable ${kind} file: ${what.replace(/\.$/, "")}.`,
    "Save the image anew as an 8-bit PNG or as a baseline or progressive JPEG in grey or RGB.",
    { cause },
  );
}
