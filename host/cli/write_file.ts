/** Files are written whole or not at all: whoever reads one never sees half of it, whatever interrupts us. */
import { randomBytes } from "node:crypto";
import { constants } from "node:fs";
import { type FileHandle, open, realpath, rename, rm, stat } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { WamletError } from "../errors.js";

/**
 * Writes beside the place, syncs, and renames. A link is followed; a device or pipe is written as it is.
 * @throws WamletError WAMLET_FILE_UNWRITABLE; what was there before is then unchanged
 */
export async function writeFileWhole(path: string, content: Uint8Array | string): Promise<void> {
  try {
    const target = await realpath(path).catch(() => path);
    const existing = await stat(target).catch(() => null);
    if (existing?.isDirectory()) throw new Error("it is a folder");
    if (existing !== null && !existing.isFile()) await writeInto(target, content);
    else await replace(target, content, existing?.mode);
  } catch (cause) {
    throw new WamletError(
      "WAMLET_FILE_UNWRITABLE",
      `${path} cannot be written: ${reason(cause as NodeJS.ErrnoException)}.`,
      "Give another path, make the folder first, or make room on the disk.",
      { cause },
    );
  }
}

async function replace(
  target: string,
  content: Uint8Array | string,
  mode: number | undefined,
): Promise<void> {
  const draft = join(dirname(target), `.${basename(target)}.${randomBytes(6).toString("hex")}.part`);
  try {
    const file = await open(draft, constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL, mode ?? 0o666);
    await writeAndClose(file, content, true);
    await rename(draft, target);
  } catch (error) {
    await rm(draft, { force: true });
    throw error;
  }
}

/** Renaming over /dev/stdout or a pipe would replace it by a file. */
async function writeInto(target: string, content: Uint8Array | string): Promise<void> {
  await writeAndClose(await open(target, "w"), content, false);
}

async function writeAndClose(file: FileHandle, content: Uint8Array | string, sync: boolean): Promise<void> {
  try {
    await file.writeFile(content);
    if (sync) await file.sync();
  } finally {
    await file.close();
  }
}

function reason({ code, message }: NodeJS.ErrnoException): string {
  if (code === "ENOENT") return "its folder does not exist";
  if (code === "EACCES" || code === "EPERM") return "permission is denied";
  if (code === "ENOSPC") return "the disk is full";
  return message;
}
