/** The format of a file of frames: by its ending, else by how it begins. */

import { extname } from "node:path";
import { WamletError } from "../errors.js";
import { type FileSource, type InputFile, openSource } from "./file_source.js";
import { meansSignal, type ReadFramesOptions } from "./format_options.js";
import type { FrameFormat } from "./frame_set.js";
import { isFileList, isFolder, isImageName } from "./image_list.js";
import { looksLikeJsonLine } from "./json_lines.js";
import { npyMagic } from "./npy_header.js";

const endings: Readonly<Record<string, FrameFormat>> = {
  ".bin": "raw",
  ".raw": "raw",
  ".npy": "npy",
  ".csv": "csv",
  ".wav": "wav",
  ".png": "image",
  ".jpg": "image",
  ".jpeg": "image",
  ".jsonl": "jsonl",
  ".ndjson": "jsonl",
};

const longestFirstRow = 1 << 16;

/**
 * A folder holds images. CSV may hold frames, samples of a signal (where an option says so) or a list of images
 * (where a column is named `file`, or the first row is the name of an image).
 * @throws WamletError WAMLET_INVALID_FRAMES where nothing tells
 */
export function detectFormat(file: InputFile, options: ReadFramesOptions = {}): FrameFormat {
  if (typeof file === "string" && isFolder(file)) return "image";
  const source = openSource(file);
  const format = endings[extname(source.name).toLowerCase()] ?? byBeginning(source);
  if (format !== "csv") return format;
  if (meansSignal(options)) return "imu";
  return listsImages(source) ? "image" : "csv";
}

function byBeginning(source: FileSource): FrameFormat {
  const start = source.read(0, Math.min(4096, source.size));
  const begins = (...bytes: number[]) => bytes.every((byte, index) => start[index] === byte);
  if (begins(...npyMagic)) return "npy";
  if (begins(0x89, 0x50, 0x4e, 0x47) || begins(0xff, 0xd8, 0xff)) return "image";
  if (begins(0x52, 0x49, 0x46, 0x46)) return "wav";
  // Numbers, names, separators and line ends, and at least one comma or line end.
  const isText = start.every(
    (byte) => byte === 9 || byte === 10 || byte === 13 || (byte >= 32 && byte !== 127),
  );
  if (isText && looksLikeJsonLine(Buffer.from(start).toString("latin1"))) return "jsonl";
  if (isText && start.some((byte) => byte === 10 || byte === 44)) return "csv";
  throw new WamletError(
    "WAMLET_INVALID_FRAMES",
    `The format of ${source.name} cannot be told from its name or its beginning.`,
    "Use the ending .bin, .npy, .csv, .wav, .png, .jpg or .jsonl, or say the format with --format.",
  );
}

/** Looks at the first row alone, without care for quotes: the reader of lists or of frames has the last word. */
function listsImages(source: FileSource): boolean {
  const start = Buffer.from(source.read(0, Math.min(longestFirstRow, source.size))).toString("latin1");
  const line = start.split(/\r?\n/).find((text) => text.trim() !== "" && !text.startsWith("#"));
  const fields = (line ?? "")
    .split(",")
    .map((field) => field.replace(/^[\s"\u00ef\u00bb\u00bf]+|[\s"]+$/g, ""));
  return isFileList(fields) || isImageName(fields[0] ?? "");
}
