/** A file of frames → input tensors, whatever its format: the way into this room. */

import { WamletError } from "../errors.js";
import { readCsv } from "./csv.js";
import { detectFormat } from "./detect_format.js";
import { type InputFile, openSource } from "./file_source.js";
import { checkOptions, type ReadFramesOptions } from "./format_options.js";
import type { FrameFormat, FrameSet } from "./frame_set.js";
import { readJsonLines } from "./json_lines.js";
import { readNpy } from "./npy.js";
import type { FrameTensor } from "./quantise.js";
import { readRaw } from "./raw.js";

export type { ReadFramesOptions } from "./format_options.js";

/**
 * The format of a file of frames: what can be said against the file before a module is known.
 * @throws WamletError WAMLET_FILE_NOT_FOUND, WAMLET_FILE_UNREADABLE, WAMLET_INVALID_FRAMES, WAMLET_USAGE
 */
export function frameFormat(file: InputFile, options: ReadFramesOptions = {}): FrameFormat {
  const format = options.format ?? detectFormat(file, options);
  // A folder of images is no file.
  if (format !== "image") openSource(file);
  checkOptions(format, options);
  return format;
}

/**
 * Opens a file of frames for a module's input tensors and checks that they fit.
 * @param file a path (for images also of a folder), or a content with its name
 * @param expected the module's inputs, in order (`ModelDescription.inputs`)
 * @throws WamletError WAMLET_WRONG_SHAPE, WAMLET_WRONG_RATE (what is expected, what was found),
 *   WAMLET_INVALID_FRAMES, WAMLET_IMAGE_TOO_LARGE, WAMLET_INVALID_LABELS, WAMLET_FILE_NOT_FOUND,
 *   WAMLET_FILE_UNREADABLE, WAMLET_USAGE for options that mean nothing here. A NaN inside a .npy or float .wav
 *   file, and every image but the first, is found when its frame is read.
 */
export async function readFrames(
  file: InputFile,
  expected: readonly FrameTensor[],
  options: ReadFramesOptions = {},
): Promise<FrameSet> {
  if (expected.length === 0) throw new RangeError("a model has at least one input tensor");
  const format = frameFormat(file, options);
  const meaning = options.values ?? null;
  // Formats that need a decoder are loaded when they are met.
  switch (format) {
    case "npy":
      return readNpy(openSource(file), expected, meaning);
    case "csv":
      return readCsv(openSource(file), expected, meaning, options.header ?? null);
    case "imu":
      return (await import("./imu.js")).readImu(openSource(file), expected, meaning, options);
    case "wav":
      return (await import("./wav.js")).readWav(openSource(file), expected, options);
    case "image":
      return (await import("./image.js")).readImages(file, expected, options);
    case "jsonl":
      return readJsonLines(openSource(file), expected, meaning);
    case "raw": {
      const source = openSource(file);
      if (meaning !== "real") return readRaw(source, expected);
      throw new WamletError(
        "WAMLET_INVALID_FRAMES",
        `${source.name} is raw: it holds the tensors' own bytes and no real values.`,
        "Leave --real out, or give real values as .npy or .csv.",
      );
    }
  }
}
