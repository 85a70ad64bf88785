/**
 * What real values a model takes pixels for: 0 to 1, −1 to 1, 0 to 255 or −128 to 127.
 *
 * A quantised tensor tells by the range that it can hold: scale 1/255 with zero point −128 holds 0 to 1, scale 1
 * with zero point −128 holds 0 to 255. The range of the four whose two ends lie within a tenth of the tensor's is
 * taken; where none does, it must be said. A float32 tensor tells nothing and gets 0 to 1, as
 * tf.image.convert_image_dtype gives it; a uint8 tensor without a scale gets 0 to 255.
 */

import { WamletError } from "../errors.js";
import { type FrameTensor, realRange } from "./quantise.js";
import { round } from "./span.js";

/** The real values of a black and of a white pixel. */
export type PixelRange = readonly [black: number, white: number];

const common: readonly PixelRange[] = [
  [0, 1],
  [-1, 1],
  [0, 255],
  [-128, 127],
];

/** @throws WamletError WAMLET_WRONG_SHAPE where the tensor's range is none of the common ones */
export function pixelRange(tensor: FrameTensor): PixelRange {
  if (tensor.type === "float32") return [0, 1];
  const range = realRange(tensor);
  if (range === null && tensor.type === "uint8") return [0, 255];
  const found =
    range === null
      ? undefined
      : common.find(([black, white]) => {
          const tolerance = (white - black) / 10;
          return Math.abs(range.lowest - black) <= tolerance && Math.abs(range.highest - white) <= tolerance;
        });
  if (found !== undefined) return found;
  const takes =
    range === null
      ? `whole ${tensor.type} numbers`
      : `values from ${round(range.lowest)} to ${round(range.highest)}`;
  throw new WamletError(
    "WAMLET_WRONG_SHAPE",
    `Tensor ${tensor.name} takes ${takes}, which is none of the common ranges of pixels (0..1, -1..1, 0..255, -128..127).`,
    "Say with --pixel-range LOW..HIGH what black and white were when the model was trained.",
  );
}

/**
 * `0..1`, `-1..1`, `0..255`.
 * @throws WamletError WAMLET_USAGE
 */
export function parsePixelRange(text: string): PixelRange {
  const match = /^(-?\d+(?:\.\d+)?)\.\.(-?\d+(?:\.\d+)?)$/.exec(text.trim());
  const [black, white] = [Number(match?.[1]), Number(match?.[2])];
  if (match !== null && black < white) return [black, white];
  throw new WamletError(
    "WAMLET_USAGE",
    `--pixel-range ${text.slice(0, 40)} is no range.`,
    "Write the values of black and white, such as --pixel-range 0..1 or --pixel-range -1..1.",
  );
}
