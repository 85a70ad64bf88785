/**
 * Frames as JSON lines, one frame to a line (`json_frame.ts`), and recordings, which are JSON lines with a first
 * line of their own (`recording_header.ts`). Blank lines are passed over.
 *
 * The file is checked whole when it is opened; then only the places of its lines are kept, and a frame is read
 * again when it is asked for. So a long recording takes a few bytes a frame.
 */

import { WamletError } from "../errors.js";
import { blocks, type FileSource, ranges } from "./file_source.js";
import { type FrameSet, frameSet } from "./frame_set.js";
import { capital, jsonFrame, longestJsonLine, parseJson } from "./json_frame.js";
import { type Line, LineSplitter } from "./lines.js";
import type { FrameTensor } from "./quantise.js";
import { checkRecordingHeader, isRecordingHeader } from "./recording_header.js";

/**
 * @param key `outputs` reads a recording's answers instead of its frames
 * @throws WamletError WAMLET_INVALID_FRAMES, WAMLET_WRONG_SHAPE, WAMLET_INVALID_LABELS, with the line
 */
export function readJsonLines(
  source: FileSource,
  expected: readonly FrameTensor[],
  meaning: "quantised" | "real" | null,
  key: "inputs" | "outputs" = "inputs",
): FrameSet {
  const values = meaning ?? "real";
  const index = new LineIndex();
  const labels: string[] = [];
  let isRecording = false;
  let isFirst = true;
  for (const line of lines(source, longestJsonLine(expected))) {
    if (line.text?.trim() === "") continue;
    const where = `line ${line.number} of ${source.name}`;
    if (isRecording && !line.complete) break;
    const text = lineText(line, where);
    if (isFirst) {
      isFirst = false;
      const header = mayBeHeader(text) ? parseJson(text, where) : null;
      if (isRecordingHeader(header)) {
        isRecording = true;
        checkRecordingHeader(header, key, expected, source.name);
        continue;
      }
    }
    const { label } = jsonFrame(text, expected, values, where, key);
    if (label !== null) labels.push(label);
    index.add(line);
    if (labels.length !== 0 && labels.length !== index.count) {
      throw new WamletError(
        "WAMLET_INVALID_LABELS",
        `${capital(where)} has ${label === null ? "no label, unlike" : "a label, unlike"} the lines before.`,
        "Label every frame or none.",
      );
    }
  }
  if (index.count === 0) {
    throw new WamletError(
      "WAMLET_INVALID_FRAMES",
      `${source.name} has no frames.`,
      'Write one frame to a line: [1, 2, …] or {"values": [1, 2, …], "label": "name"}.',
    );
  }

  const read = ranges(source);
  return frameSet(
    {
      name: source.name,
      format: "jsonl",
      count: index.count,
      frameBytes: expected.reduce((sum, tensor) => sum + tensor.bytes, 0),
      values: isRecording ? "quantised" : values,
      labels: labels.length === 0 ? null : labels,
    },
    (frame) => {
      const { offset, bytes, number } = index.line(frame);
      const text = Buffer.from(read(offset, bytes)).toString("utf8");
      const where = `line ${number} of ${source.name}`;
      return { index: frame, ...jsonFrame(withoutMark(text), expected, values, where, key) };
    },
  );
}

/**
 * The text of a line.
 * @throws WamletError WAMLET_INVALID_FRAMES for one that is too long or no UTF-8
 */
export function lineText(line: Line, where: string): string {
  if (line.text !== null) return line.text;
  throw new WamletError(
    "WAMLET_INVALID_FRAMES",
    `${capital(where)} ${line.wrong ?? "cannot be read"}.`,
    "Write one frame to a line, as UTF-8 text.",
  );
}

function* lines(source: FileSource, longest: number): Generator<Line> {
  const splitter = new LineSplitter(longest);
  for (const block of blocks(source)) yield* splitter.push(block);
  yield* splitter.end();
}

/** Saves parsing a long first frame twice. */
function mayBeHeader(text: string): boolean {
  return text.slice(0, 4096).includes('"wamlet"');
}

/** Decoding passes over a byte order mark; `toString` does not. */
function withoutMark(text: string): string {
  return text.replace(/^\uFEFF/, "");
}

/** Where the lines of frames lie: three numbers a frame. */
class LineIndex {
  #places = new Float64Array(3 * 256);
  #count = 0;

  get count(): number {
    return this.#count;
  }

  add({ offset, bytes, number }: Line): void {
    if ((this.#count + 1) * 3 > this.#places.length) {
      const larger = new Float64Array(this.#places.length * 2);
      larger.set(this.#places);
      this.#places = larger;
    }
    this.#places.set([offset, bytes, number], this.#count++ * 3);
  }

  line(frame: number): { offset: number; bytes: number; number: number } {
    const [offset = 0, bytes = 0, number = 0] = this.#places.subarray(frame * 3, frame * 3 + 3);
    return { offset, bytes, number };
  }
}

/** Whether a line is the first of a file of JSON lines, for telling the format. */
export function looksLikeJsonLine(text: string): boolean {
  const start = text.replace(/^\uFEFF?\s*/, "").charAt(0);
  return start === "[" || start === "{";
}
