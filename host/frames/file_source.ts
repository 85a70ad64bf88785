/**
 * A file as bytes at offsets, be it on disk or in memory. Files on disk are read in blocks when they are
 * asked for, so that a recording of gigabytes needs no more memory than a short one.
 */

import { closeSync, openSync, readSync, statSync } from "node:fs";
import { basename } from "node:path";
import { WamletError } from "../errors.js";

/** A path, or a file's content with the name that stands for it in messages and tells the format. */
export type InputFile = string | { readonly name: string; readonly bytes: Uint8Array };

export interface FileSource {
  /** File name without its folder. */
  readonly name: string;
  readonly size: number;
  /** Exactly `length` bytes from `offset`; the caller must not write to them. */
  read(offset: number, length: number): Uint8Array;
}

/** Bytes that are read at once; one frame may be longer. */
const blockBytes = 1 << 18;

/**
 * Opens a file for reading. No handle stays open between reads, so there is nothing to close.
 * @throws WamletError WAMLET_FILE_NOT_FOUND, WAMLET_FILE_UNREADABLE
 */
export function openSource(file: InputFile): FileSource {
  if (typeof file !== "string") {
    const { bytes } = file;
    return {
      name: basename(file.name),
      size: bytes.length,
      read: (offset, length) => complete(file.name, bytes.subarray(offset, offset + length), length),
    };
  }
  const name = basename(file);
  const size = fileSize(file);
  return {
    name,
    size,
    read: (offset, length) =>
      withDescriptor(file, (descriptor) => {
        const bytes = new Uint8Array(length);
        let got = 0;
        while (got < length) {
          const more = readSync(descriptor, bytes, got, length - got, offset + got);
          if (more === 0) break;
          got += more;
        }
        return complete(name, bytes.subarray(0, got), length);
      }),
  };
}

/** The whole file, piece by piece. */
export function* blocks(source: FileSource): Generator<Uint8Array> {
  for (let offset = 0; offset < source.size; offset += blockBytes) {
    yield source.read(offset, Math.min(blockBytes, source.size - offset));
  }
}

/**
 * Equal slices of a file that begin at `offset`, `count` of `stride` bytes, by number. Neighbours are read
 * together: going through them in order costs one read a block.
 */
export function slices(source: FileSource, offset: number, stride: number, count: number) {
  const perBlock = Math.max(1, Math.floor(blockBytes / stride));
  let first = 0;
  let block = new Uint8Array(0);
  return (index: number): Uint8Array => {
    if (block.length === 0 || index < first || index >= first + perBlock) {
      first = index - (index % perBlock);
      block = Uint8Array.from(
        source.read(offset + first * stride, Math.min(perBlock, count - first) * stride),
      );
    }
    // A copy: a frame that someone keeps must not keep its whole block in memory.
    return block.slice((index - first) * stride, (index - first + 1) * stride);
  };
}

/**
 * Any range of a file, for readers whose frames overlap: ranges near each other are read together. What is given
 * holds until the next call.
 */
export function ranges(source: FileSource): (offset: number, length: number) => Uint8Array {
  let first = 0;
  let block = new Uint8Array(0);
  return (offset, length) => {
    if (offset < first || offset + length > first + block.length) {
      first = offset;
      block = Uint8Array.from(
        source.read(offset, Math.min(Math.max(2 * length, blockBytes), source.size - offset)),
      );
    }
    return block.subarray(offset - first, offset - first + length);
  };
}

/**
 * A short text file as a string.
 * @throws WamletError WAMLET_INVALID_LABELS beyond 16 MiB or where the bytes are no UTF-8
 */
export function readText(source: FileSource): string {
  const refuse = (what: string) =>
    new WamletError(
      "WAMLET_INVALID_LABELS",
      `${source.name} ${what}.`,
      "Labels are a text file in UTF-8, one to a line.",
    );
  if (source.size > 1 << 24) throw refuse(`has ${source.size} bytes, which is too long for labels`);
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(source.read(0, source.size));
  } catch (cause) {
    if (cause instanceof WamletError) throw cause;
    throw refuse("is not UTF-8 text");
  }
}

function complete(name: string, bytes: Uint8Array, length: number): Uint8Array {
  if (bytes.length === length) return bytes;
  throw new WamletError(
    "WAMLET_FILE_UNREADABLE",
    `${name} became shorter while it was read.`,
    "Start again when nothing writes to the file any more.",
  );
}

/** Asked of the path, not of a handle: opening a pipe would wait for somebody to write to it. */
function fileSize(path: string): number {
  const status = failing(path, () => statSync(path));
  if (status.isFile()) return status.size;
  throw new WamletError(
    "WAMLET_FILE_UNREADABLE",
    `${path} is not a file.`,
    'Name a file; "wamlet stream -" takes frames from a pipe.',
  );
}

function withDescriptor<T>(path: string, use: (descriptor: number) => T): T {
  return failing(path, () => {
    const descriptor = openSync(path, "r");
    try {
      return use(descriptor);
    } finally {
      closeSync(descriptor);
    }
  });
}

/** Turns the operating system's errors into ours. */
function failing<T>(path: string, use: () => T): T {
  try {
    return use();
  } catch (cause) {
    if (cause instanceof WamletError) throw cause;
    const code = cause instanceof Error && "code" in cause ? String(cause.code) : "unknown";
    if (code === "ENOENT" || code === "ENOTDIR") {
      throw new WamletError("WAMLET_FILE_NOT_FOUND", `There is no file ${path}.`, "Check the path.", {
        cause,
      });
    }
    throw new WamletError(
      "WAMLET_FILE_UNREADABLE",
      `${path} cannot be read (${code}).`,
      "Check the path and its permissions.",
      { cause },
    );
  }
}
