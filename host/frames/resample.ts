/**
 * A picture scaled to the tensor's height and width: cut to their proportion first, at whole pixels and around
 * the centre, then each direction by itself. Down, an output pixel is the mean of the area that it covers; up, it
 * is interpolated linearly between pixel centres (as Pillow's BILINEAR and tf.image.resize do).
 */

import type { Picture } from "./picture.js";

/** `crop` keeps proportions and cuts off what is over; `stretch` keeps everything. */
export type Fit = "crop" | "stretch";

/** Source pixels that make one output pixel, with weights whose sum is 1. */
interface Taps {
  readonly first: number;
  readonly weights: readonly number[];
}

/**
 * @returns red, green and blue of each pixel as 0 to 255 with fractions, `height × width × 3` in C order
 */
export function resample(picture: Picture, width: number, height: number, fit: Fit): Float64Array {
  const cut = fit === "crop" ? centre(picture, width, height) : whole(picture);
  const across = taps(cut.left, cut.width, width);
  const down = taps(cut.top, cut.height, height);
  const output = new Float64Array(width * height * 3);
  for (const [y, { first, weights }] of down.entries()) {
    for (const [tap, weight] of weights.entries()) {
      addRow(picture, first + tap, across, weight, output.subarray(y * width * 3, (y + 1) * width * 3));
    }
  }
  return output;
}

/** Adds one source row, scaled in width, to an output row. */
function addRow(
  picture: Picture,
  y: number,
  across: readonly Taps[],
  weight: number,
  row: Float64Array,
): void {
  const { pixels, stride, width } = picture;
  for (const [x, { first, weights }] of across.entries()) {
    let [red, green, blue] = [0, 0, 0];
    let at = (y * width + first) * stride;
    for (const share of weights) {
      red += share * (pixels[at] ?? 0);
      green += share * (pixels[at + 1] ?? 0);
      blue += share * (pixels[at + 2] ?? 0);
      at += stride;
    }
    row[x * 3] = (row[x * 3] ?? 0) + weight * red;
    row[x * 3 + 1] = (row[x * 3 + 1] ?? 0) + weight * green;
    row[x * 3 + 2] = (row[x * 3 + 2] ?? 0) + weight * blue;
  }
}

interface Cut {
  readonly left: number;
  readonly top: number;
  readonly width: number;
  readonly height: number;
}

function whole({ width, height }: Picture): Cut {
  return { left: 0, top: 0, width, height };
}

/** The largest part of the picture with the proportion of `width × height`, in its middle. */
function centre(picture: Picture, width: number, height: number): Cut {
  const scale = Math.min(picture.width / width, picture.height / height);
  const cutWidth = Math.min(picture.width, Math.max(1, Math.round(width * scale)));
  const cutHeight = Math.min(picture.height, Math.max(1, Math.round(height * scale)));
  return {
    left: Math.floor((picture.width - cutWidth) / 2),
    top: Math.floor((picture.height - cutHeight) / 2),
    width: cutWidth,
    height: cutHeight,
  };
}

/** For each of `count` output pixels, the source pixels between `start` and `start + length` that make it. */
function taps(start: number, length: number, count: number): Taps[] {
  const step = length / count;
  return Array.from({ length: count }, (_, index) =>
    step >= 1 ? area(start, length, index * step, step) : between(start, length, (index + 0.5) * step - 0.5),
  );
}

/** The mean from `from` to `from + step`, pixels at the edges counting by how much of them lies inside. */
function area(start: number, length: number, from: number, step: number): Taps {
  const first = Math.floor(from);
  const end = Math.min(length, Math.ceil(from + step - 1e-9));
  const weights: number[] = [];
  for (let pixel = first; pixel < end; pixel++) {
    weights.push((Math.min(pixel + 1, from + step) - Math.max(pixel, from)) / step);
  }
  return { first: start + first, weights };
}

/** Linear interpolation at `position`, where pixel centres are whole; beyond the edge the edge goes on. */
function between(start: number, length: number, position: number): Taps {
  const inside = Math.min(Math.max(position, 0), length - 1);
  const first = Math.min(Math.floor(inside), length - 1);
  const share = inside - first;
  return share === 0
    ? { first: start + first, weights: [1] }
    : { first: start + first, weights: [1 - share, share] };
}
