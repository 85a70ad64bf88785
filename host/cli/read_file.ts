/** Reads files that the user names; whatever is wrong with them is a typed error that names the file. */
import { open } from "node:fs/promises";
import { WamletError } from "../errors.js";

/** Larger than any model or set of frames that a microcontroller is fed, and still no danger to the host. */
const defaultLimit = 256 * 1024 * 1024;

const chunkBytes = 1 << 16;

/**
 * @param what what the file should be, for the error: `the model`
 * @param limit bytes beyond which the file is refused, also where its size is not known before (a pipe)
 * @throws WamletError WAMLET_FILE_NOT_FOUND, WAMLET_FILE_UNREADABLE
 */
export async function readFileBytes(path: string, what: string, limit = defaultLimit): Promise<Uint8Array> {
  try {
    const file = await open(path, "r");
    try {
      const status = await file.stat();
      if (status.isDirectory()) throw new Error("it is a folder");
      if (status.size > limit) throw tooLarge(limit);
      const chunks: Uint8Array[] = [];
      let total = 0;
      for await (const chunk of file.createReadStream({ highWaterMark: chunkBytes, autoClose: false })) {
        total += (chunk as Uint8Array).length;
        if (total > limit) throw tooLarge(limit);
        chunks.push(chunk as Uint8Array);
      }
      // A copy of its own: a Buffer's memory may be shared, and readers expect offset 0.
      return new Uint8Array(Buffer.concat(chunks));
    } finally {
      await file.close();
    }
  } catch (cause) {
    throw readError(path, what, cause as NodeJS.ErrnoException);
  }
}

/** A text file, UTF-8, without its byte-order mark. */
export async function readFileText(path: string, what: string, limit?: number): Promise<string> {
  const bytes = await readFileBytes(path, what, limit);
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch (cause) {
    throw readError(path, what, new Error("it is no UTF-8 text", { cause }));
  }
}

function tooLarge(limit: number): Error {
  return new Error(`it is larger than ${limit} bytes`);
}

/** What an error of the file system means for whoever named the file. */
export function readError(path: string, what: string, cause: NodeJS.ErrnoException): WamletError {
  if (cause.code === "ENOENT" || cause.code === "ENOTDIR") {
    return new WamletError(
      "WAMLET_FILE_NOT_FOUND",
      `There is no file ${path}.`,
      `Give the path of ${what}.`,
      { cause },
    );
  }
  const reason = cause.code === "EACCES" || cause.code === "EPERM" ? "permission is denied" : cause.message;
  return new WamletError(
    "WAMLET_FILE_UNREADABLE",
    `${path} cannot be read: ${reason}.`,
    `Give the path of ${what}, a file that you may read.`,
    { cause },
  );
}
