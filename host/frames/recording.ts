/**
 * Writes frames and the answers to them as they come, in the format of `recording_header.ts`, for replay by
 * `readFrames` (the frames) and `readRecordedAnswers` (the answers).
 *
 * Every line goes to the file whole, in one write, so that a recording is valid whenever the program or the
 * computer ends: at worst the last line has no line end and does not count.
 */

import { closeSync, fdatasyncSync, fstatSync, ftruncateSync, openSync, readSync, writeSync } from "node:fs";
import { WamletError } from "../errors.js";
import { type InputFile, openSource } from "./file_source.js";
import type { FrameSet } from "./frame_set.js";
import { readJsonLines } from "./json_lines.js";
import type { FrameTensor } from "./quantise.js";
import { isRecordingHeader, type RecordingAbout, recordingHeader } from "./recording_header.js";

export interface RecordedFrame {
  readonly index: number;
  readonly label: string | null;
  /** The bytes of each input tensor. */
  readonly inputs: readonly Uint8Array[];
  /** The bytes of each output tensor. */
  readonly outputs: readonly Uint8Array[];
  /** What else is known of the answer, by name with its unit: `microseconds`, `nanojoules`, … */
  readonly measured?: Readonly<Record<string, number | string | null>>;
}

export class Recording {
  #descriptor: number | null;
  /** Bytes of whole lines. */
  #size: number;

  private constructor(
    readonly path: string,
    readonly about: RecordingAbout,
    descriptor: number,
    size: number,
  ) {
    this.#descriptor = descriptor;
    this.#size = size;
  }

  /**
   * Begins a recording, or goes on with one.
   * @param options.append goes on where a recording of the same tensors and module ends; an unfinished last line
   *   is cut off. Without it, a file that exists is refused.
   * @throws WamletError WAMLET_FILE_UNWRITABLE
   */
  static open(path: string, about: RecordingAbout, options: { append?: boolean } = {}): Recording {
    const append = options.append ?? false;
    const descriptor = writing(path, () => openExclusively(path, append));
    try {
      const header = `${recordingHeader(about)}\n`;
      // Before anything is cut off: the file might be something else altogether.
      const found = writing(path, () => start(descriptor, Buffer.byteLength(header)));
      if (!header.startsWith(found)) {
        throw new WamletError(
          "WAMLET_FILE_UNWRITABLE",
          `${path} is no recording of module ${about.module} with these tensors.`,
          "Record into a new file.",
        );
      }
      const size = writing(path, () => keepWholeLines(descriptor));
      const recording = new Recording(path, about, descriptor, size);
      if (size === 0) recording.#append(header);
      return recording;
    } catch (error) {
      closeSync(descriptor);
      throw error;
    }
  }

  /**
   * Adds a frame and its answer; the line is in the file, whole, when this returns.
   * @throws WamletError WAMLET_FILE_UNWRITABLE, for instance on a full disk: what was recorded before stays
   */
  write({ index, label, inputs, outputs, measured }: RecordedFrame): void {
    checkTensors(inputs, this.about.inputs);
    checkTensors(outputs, this.about.outputs);
    const line = JSON.stringify({
      frame: index,
      ...(label === null ? {} : { label }),
      inputs: inputs.map(base64),
      outputs: outputs.map(base64),
      ...(measured === undefined ? {} : { measured }),
    });
    this.#append(`${line}\n`);
  }

  /** Waits until the disk has everything, then closes; again, it does nothing. */
  close(): void {
    const descriptor = this.#descriptor;
    if (descriptor === null) return;
    this.#descriptor = null;
    try {
      writing(this.path, () => fdatasyncSync(descriptor));
    } finally {
      closeSync(descriptor);
    }
  }

  #append(text: string): void {
    const descriptor = this.#descriptor;
    if (descriptor === null) throw new RangeError("the recording is closed");
    const bytes = Buffer.from(text, "utf8");
    try {
      // One write nearly always takes all; a signal or a full disk may take less.
      for (let done = 0; done < bytes.length; ) {
        done += writing(this.path, () =>
          writeSync(descriptor, bytes, done, bytes.length - done, this.#size + done),
        );
      }
    } catch (error) {
      // Half a line would join with the next one.
      writing(this.path, () => ftruncateSync(descriptor, this.#size));
      throw error;
    }
    this.#size += bytes.length;
  }
}

/**
 * The answers in a recording, as a set of frames of the output tensors, in the order of the frames.
 * @throws WamletError WAMLET_INVALID_FRAMES, WAMLET_WRONG_SHAPE, WAMLET_FILE_NOT_FOUND
 */
export function readRecordedAnswers(file: InputFile, outputs: readonly FrameTensor[]): FrameSet {
  return readJsonLines(openSource(file), outputs, "quantised", "outputs");
}

/** Longer than the first line of a recording of any model that a board takes. */
const longestHeader = 1 << 20;

/** Whether a file is a recording, by its first line. @throws WamletError WAMLET_FILE_NOT_FOUND, WAMLET_FILE_UNREADABLE */
export function isRecording(file: InputFile): boolean {
  const source = openSource(file);
  const text = Buffer.from(source.read(0, Math.min(longestHeader, source.size))).toString("utf8");
  const [line = ""] = text
    .replace(/^\uFEFF/, "")
    .trimStart()
    .split("\n", 1);
  if (!line.startsWith("{")) return false;
  try {
    return isRecordingHeader(JSON.parse(line));
  } catch {
    return false;
  }
}

function openExclusively(path: string, append: boolean): number {
  if (!append) return openSync(path, "wx+");
  try {
    return openSync(path, "r+");
  } catch (cause) {
    if (!(cause instanceof Error && "code" in cause && cause.code === "ENOENT")) throw cause;
    return openSync(path, "wx+");
  }
}

/** The file's first bytes as text, all of them where it is shorter. */
function start(descriptor: number, bytes: number): string {
  if (!fstatSync(descriptor).isFile()) throw new Error("not a regular file");
  const block = Buffer.alloc(bytes);
  return block.subarray(0, readSync(descriptor, block, 0, bytes, 0)).toString("utf8");
}

/** Cuts off what stands behind the last line end; the bytes that are left. */
function keepWholeLines(descriptor: number): number {
  const block = Buffer.alloc(65_536);
  const { size } = fstatSync(descriptor);
  let end = size;
  while (end > 0) {
    const from = Math.max(0, end - block.length);
    const got = readSync(descriptor, block, 0, end - from, from);
    const last = block.subarray(0, got).lastIndexOf(10);
    end = from + last + 1;
    if (last !== -1) break;
  }
  if (end !== size) ftruncateSync(descriptor, end);
  return end;
}

function checkTensors(bytes: readonly Uint8Array[], tensors: readonly FrameTensor[]): void {
  const fits =
    bytes.length === tensors.length && bytes.every((part, at) => part.length === tensors[at]?.bytes);
  if (!fits) throw new RangeError("a recorded frame has the tensors that the recording was opened with");
}

function base64(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("base64");
}

/** Turns the operating system's errors into ours. */
function writing<T>(path: string, use: () => T): T {
  try {
    return use();
  } catch (cause) {
    const code = cause instanceof Error && "code" in cause ? String(cause.code) : String(cause);
    const exists = code === "EEXIST";
    throw new WamletError(
      "WAMLET_FILE_UNWRITABLE",
      exists ? `${path} exists already.` : `${path} cannot be written (${code}).`,
      exists
        ? "Record into a new file, go on with this one by --append, or remove it."
        : "Check the path, its permissions and the disk.",
      { cause },
    );
  }
}
