/** A file of frames → input tensors, whatever its format: the way into this room. */

import { extname } from "node:path";
import { WamletError } from "../errors.js";
import { readCsv } from "./csv.js";
import { type FileSource, type InputFile, openSource } from "./file_source.js";
import type { FrameFormat, FrameSet } from "./frame_set.js";
import { readNpy } from "./npy.js";
import { npyMagic } from "./npy_header.js";
import type { FrameTensor } from "./quantise.js";
import { readRaw } from "./raw.js";

export interface ReadFramesOptions {
  /** Instead of what the file's ending and beginning say. */
  readonly format?: FrameFormat;
  /**
   * What the file's numbers are: the tensor's own integers (`--quantised`) or real values (`--real`). Left out,
   * raw files and NPY files of the tensor's own integer type are quantised, all others real.
   */
  readonly values?: "quantised" | "real";
  /** CSV: whether the first line names the columns, instead of telling by its content. */
  readonly header?: boolean;
}

const endings: Readonly<Record<string, FrameFormat>> = {
  ".bin": "raw",
  ".raw": "raw",
  ".npy": "npy",
  ".csv": "csv",
};

/**
 * Opens a file of frames for a module's input tensors and checks that they fit.
 * @param expected the module's inputs, in order (`ModelDescription.inputs`)
 * @throws WamletError WAMLET_WRONG_SHAPE (what is expected, what was found), WAMLET_INVALID_FRAMES,
 *   WAMLET_INVALID_LABELS, WAMLET_FILE_NOT_FOUND, WAMLET_FILE_UNREADABLE. A NaN inside a .npy file is found
 *   when its frame is read.
 */
export async function readFrames(
  file: InputFile,
  expected: readonly FrameTensor[],
  options: ReadFramesOptions = {},
): Promise<FrameSet> {
  if (expected.length === 0) throw new RangeError("a model has at least one input tensor");
  const source = openSource(file);
  const meaning = options.values ?? null;
  switch (options.format ?? detectFormat(source)) {
    case "npy":
      return readNpy(source, expected, meaning);
    case "csv":
      return readCsv(source, expected, meaning, options.header ?? null);
    case "raw":
      if (meaning !== "real") return readRaw(source, expected);
      throw new WamletError(
        "WAMLET_INVALID_FRAMES",
        `${source.name} is raw: it holds the tensors' own bytes and no real values.`,
        "Leave --real out, or give real values as .npy or .csv.",
      );
  }
}

/**
 * The format of a file: by its ending, else by how it begins.
 * @throws WamletError WAMLET_INVALID_FRAMES where neither tells
 */
export function detectFormat(source: FileSource): FrameFormat {
  const known = endings[extname(source.name).toLowerCase()];
  if (known !== undefined) return known;
  const start = source.read(0, Math.min(4096, source.size));
  if (npyMagic.every((byte, index) => start[index] === byte)) return "npy";
  // Numbers, names, separators and line ends, and at least one comma or line end.
  const isText = start.every(
    (byte) => byte === 9 || byte === 10 || byte === 13 || (byte >= 32 && byte !== 127),
  );
  if (isText && start.some((byte) => byte === 10 || byte === 44)) return "csv";
  throw new WamletError(
    "WAMLET_INVALID_FRAMES",
    `The format of ${source.name} cannot be told from its name or its beginning.`,
    "Use the ending .bin, .npy or .csv, or say the format with --format.",
  );
}
