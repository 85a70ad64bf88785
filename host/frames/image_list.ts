/**
 * Which images make the frames: one file; a folder, where images in sub-folders have the sub-folder's name for
 * their label; or a list, one path to a line or CSV with the columns `file` and `label`. A folder may hold such a
 * `labels.csv` itself. Paths are relative to the list; folders are gone through in the order of names.
 */

import { readdirSync, statSync } from "node:fs";
import { dirname, extname, join } from "node:path";
import { WamletError } from "../errors.js";
import { csvRows, labelColumn } from "./csv_rows.js";
import type { FileSource } from "./file_source.js";
import { openSource } from "./file_source.js";

export interface ImageEntry {
  readonly path: string;
  readonly label: string | null;
}

const deepest = 8;
const mostImages = 1_000_000;
const longestLine = 65_536;
const labelsFile = "labels.csv";

/** Whether a name ends as images do. */
export function isImageName(name: string): boolean {
  return [".png", ".jpg", ".jpeg"].includes(extname(name).toLowerCase());
}

export function isFolder(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() ?? false;
}

/** Whether a CSV header lists files: it names a column `file`. */
export function isFileList(fields: readonly string[]): boolean {
  return fileColumn(fields) !== -1;
}

/**
 * The images of a folder.
 * @throws WamletError WAMLET_INVALID_FRAMES for a folder without images, WAMLET_INVALID_LABELS where only some
 *   images lie in sub-folders, WAMLET_FILE_UNREADABLE
 */
export async function imagesInFolder(folder: string): Promise<ImageEntry[]> {
  const list = join(folder, labelsFile);
  if (statSync(list, { throwIfNoEntry: false })?.isFile()) return imagesInList(openSource(list), folder);
  const entries = collect(folder, null, 0, []);
  if (entries.length === 0) {
    throw new WamletError(
      "WAMLET_INVALID_FRAMES",
      `The folder ${folder} holds no images.`,
      "Give a folder with .png or .jpg files, or with a sub-folder of them for each class.",
    );
  }
  const bare = entries.find(({ label }) => label === null);
  if (bare !== undefined && entries.some(({ label }) => label !== null)) {
    throw new WamletError(
      "WAMLET_INVALID_LABELS",
      `${bare.path} lies beside the sub-folders that label the other images.`,
      "Move every image into the sub-folder of its class, or give a labels.csv with the columns file and label.",
    );
  }
  return entries;
}

function collect(folder: string, label: string | null, depth: number, found: ImageEntry[]): ImageEntry[] {
  for (const entry of sortedEntries(folder)) {
    if (entry.name.startsWith(".")) continue;
    const path = join(folder, entry.name);
    // A link to a folder is not followed: it may lead back here.
    if (entry.isDirectory()) {
      if (depth < deepest) collect(path, label ?? entry.name, depth + 1, found);
    } else if (isImageName(entry.name)) found.push({ path, label });
    if (found.length > mostImages) {
      throw new WamletError(
        "WAMLET_INVALID_FRAMES",
        `${folder} holds more than ${mostImages} images.`,
        "Give a list of the images that are wanted.",
      );
    }
  }
  return found;
}

/** By name, in the order of code points: the same on every computer. */
function sortedEntries(folder: string) {
  try {
    return readdirSync(folder, { withFileTypes: true }).sort((a, b) =>
      a.name < b.name ? -1 : a.name > b.name ? 1 : 0,
    );
  } catch (cause) {
    throw new WamletError(
      "WAMLET_FILE_UNREADABLE",
      `The folder ${folder} cannot be read.`,
      "Check its permissions.",
      {
        cause,
      },
    );
  }
}

/**
 * The images that a list names.
 * @param folder what its paths are relative to
 * @throws WamletError WAMLET_INVALID_FRAMES, WAMLET_INVALID_LABELS, with the line
 */
export async function imagesInList(source: FileSource, folder: string): Promise<ImageEntry[]> {
  const entries: ImageEntry[] = [];
  let [fileAt, labelAt] = [0, -1];
  let first = true;
  for await (const { line, fields } of csvRows(source, longestLine, "WAMLET_INVALID_FRAMES")) {
    if (first) {
      first = false;
      if (isFileList(fields)) {
        [fileAt, labelAt] = [fileColumn(fields), labelColumn(fields)];
        continue;
      }
    }
    const file = fields[fileAt] ?? "";
    const label = labelAt === -1 ? null : (fields[labelAt] ?? "");
    if (!isImageName(file) || file.includes("\0")) {
      throw new WamletError(
        "WAMLET_INVALID_FRAMES",
        `Line ${line} of ${source.name} names no .png or .jpg file: '${file.slice(0, 40)}'.`,
        "Write one path to a line, or CSV with the columns file and label.",
      );
    }
    if (label === "") {
      throw new WamletError(
        "WAMLET_INVALID_LABELS",
        `Line ${line} of ${source.name} has no label.`,
        "Label every image, or leave the column out.",
      );
    }
    if (entries.length === mostImages) {
      throw new WamletError(
        "WAMLET_INVALID_FRAMES",
        `${source.name} names more than ${mostImages} images.`,
        "Split the list.",
      );
    }
    entries.push({ path: join(folder, file), label });
  }
  if (entries.length > 0) return entries;
  throw new WamletError(
    "WAMLET_INVALID_FRAMES",
    `${source.name} names no images.`,
    "Write one path to a line, or CSV with the columns file and label.",
  );
}

/** The folder of a list, for its paths. */
export function folderOf(path: string): string {
  return dirname(path);
}

function fileColumn(fields: readonly string[]): number {
  return fields.findIndex((name) => name.toLowerCase() === "file");
}
