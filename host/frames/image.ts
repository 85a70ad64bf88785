/**
 * Frames from PNG and JPEG images: decoded, cut and scaled to the tensor's height and width (`resample.ts`), made
 * grey or RGB as it has one or three channels, its values between those of black and white (`pixel_range.ts`).
 *
 * Grey is 0.299 red + 0.587 green + 0.114 blue (ITU-R BT.601). Images are decoded one at a time, when asked for.
 */

import { basename } from "node:path";
import { WamletError } from "../errors.js";
import { type FileSource, type InputFile, openSource } from "./file_source.js";
import { type FrameSet, frameSet } from "./frame_set.js";
import { singleInput } from "./frame_shape.js";
import {
  folderOf,
  type ImageEntry,
  imagesInFolder,
  imagesInList,
  isFolder,
  isImageName,
} from "./image_list.js";
import { decodeJpeg, isJpeg } from "./jpeg.js";
import { defaultMostPixels, largestImageFile, type Picture, pictureError } from "./picture.js";
import { type PixelRange, pixelRange } from "./pixel_range.js";
import { decodePng, isPng } from "./png.js";
import { type FrameTensor, quantiseValues } from "./quantise.js";
import { type Fit, resample } from "./resample.js";

export interface ImageOptions {
  /** The real values of black and white; left out, the tensor tells (`pixel_range.ts`). */
  readonly pixelRange?: PixelRange | undefined;
  /** `crop` (the default) keeps proportions, `stretch` keeps the whole image. */
  readonly fit?: Fit | undefined;
  /** Largest image that is decoded, 16 777 216 if left out. */
  readonly maxPixels?: number | undefined;
}

/**
 * @param file an image, a folder of images or a list of them
 * @throws WamletError WAMLET_WRONG_SHAPE for a tensor that takes no images, WAMLET_INVALID_FRAMES,
 *   WAMLET_IMAGE_TOO_LARGE, WAMLET_INVALID_LABELS, WAMLET_FILE_NOT_FOUND; for all images but the first when
 *   they are read
 */
export async function readImages(
  file: InputFile,
  expected: readonly FrameTensor[],
  options: ImageOptions = {},
): Promise<FrameSet> {
  const tensor = singleInput(expected, "image");
  const { height, width, channels } = imageShape(tensor);
  const [black, white] = options.pixelRange ?? pixelRange(tensor);
  const maxPixels = options.maxPixels ?? defaultMostPixels;
  const { name, images } = await imagesOf(file);
  // Whole numbers for a tensor without a scale: it takes the pixels' own 0 to 255.
  const target =
    tensor.scale === null && tensor.type !== "float32" ? { ...tensor, scale: 1, zeroPoint: 0 } : tensor;

  const frame = (index: number) => {
    const image = images[index] as Image;
    const source = image.open();
    const rgb = resample(decodePicture(source, maxPixels), width, height, options.fit ?? "crop");
    const values = channels === 1 ? grey(rgb) : rgb;
    for (const [at, value] of values.entries()) values[at] = black + ((white - black) * value) / 255;
    const { bytes, clamped } = quantiseValues(values, target, source.name);
    return { index, inputs: [bytes], label: image.label, clamped };
  };
  // The first image now: a wrong folder is known before a board is asked for anything.
  frame(0);
  const labels = images.map(({ label }) => label);
  return frameSet(
    {
      name,
      format: "image",
      count: images.length,
      frameBytes: tensor.bytes,
      values: "real",
      labels: labels.every((label) => label !== null) ? labels : null,
      conversion: `${options.fit === "stretch" ? "stretched" : "cropped"} to ${width} × ${height} ${channels === 1 ? "grey" : "RGB"}; black to white as ${black}..${white}`,
    },
    frame,
  );
}

/**
 * An image file as pixels; what it is, its beginning tells.
 * @throws WamletError WAMLET_INVALID_FRAMES, WAMLET_IMAGE_TOO_LARGE
 */
export function decodePicture(source: FileSource, maxPixels: number): Picture {
  if (source.size > largestImageFile) {
    throw new WamletError(
      "WAMLET_IMAGE_TOO_LARGE",
      `${source.name} has ${source.size} bytes; at most ${largestImageFile} are read.`,
      "Make the image smaller.",
    );
  }
  const bytes = source.read(0, source.size);
  const kind = isPng(bytes) ? "PNG" : isJpeg(bytes) ? "JPEG" : null;
  if (kind === null) {
    throw new WamletError(
      "WAMLET_INVALID_FRAMES",
      `${source.name} is neither PNG nor JPEG.`,
      "Convert the image to .png or .jpg.",
    );
  }
  try {
    return kind === "PNG" ? decodePng(bytes, maxPixels) : decodeJpeg(bytes, maxPixels);
  } catch (cause) {
    throw pictureError(cause, source.name, kind);
  }
}

interface Image {
  readonly label: string | null;
  readonly open: () => FileSource;
}

async function imagesOf(file: InputFile): Promise<{ name: string; images: Image[] }> {
  const onDisk = ({ path, label }: ImageEntry): Image => ({ label, open: () => openSource(path) });
  if (typeof file === "string" && isFolder(file)) {
    return { name: basename(file), images: (await imagesInFolder(file)).map(onDisk) };
  }
  const source = openSource(file);
  const start = source.read(0, Math.min(8, source.size));
  if (isImageName(source.name) || isPng(start) || isJpeg(start)) {
    return { name: source.name, images: [{ label: null, open: () => source }] };
  }
  const folder = folderOf(typeof file === "string" ? file : file.name);
  return { name: source.name, images: (await imagesInList(source, folder)).map(onDisk) };
}

/** `[1, H, W, C]`, `[H, W, C]` or, for grey, `[H, W]`. */
function imageShape(tensor: FrameTensor): { height: number; width: number; channels: 1 | 3 } {
  const shape = tensor.shape.length > 2 && tensor.shape[0] === 1 ? tensor.shape.slice(1) : tensor.shape;
  const [height, width, channels = 1] = shape;
  const isImage = height !== undefined && width !== undefined && shape.length <= 3 && height > 1;
  if (isImage && (channels === 1 || channels === 3)) return { height, width, channels };
  throw new WamletError(
    "WAMLET_WRONG_SHAPE",
    `Tensor ${tensor.name} is [${tensor.shape.join(", ")}]; an image needs [height, width, channels] with 1 or 3 channels.`,
    "Give the frames of this model as .npy, .csv or .bin.",
  );
}

function grey(rgb: Float64Array): Float64Array {
  const values = new Float64Array(rgb.length / 3);
  for (let pixel = 0; pixel < values.length; pixel++) {
    const [red = 0, green = 0, blue = 0] = rgb.subarray(pixel * 3, pixel * 3 + 3);
    values[pixel] = 0.299 * red + 0.587 * green + 0.114 * blue;
  }
  return values;
}
