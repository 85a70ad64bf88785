/**
 * Bytes as they come → frames, in each of the formats of a live source: raw tensors one after the other, CSV with
 * one frame to a line, JSON lines. A bad line gives its error and the next one is read, so that whoever asks may
 * go on.
 */

import { parse } from "csv-parse/sync";
import { WamletError } from "../errors.js";
import { csvFrames, longestValue } from "./csv_frame.js";
import type { Frame } from "./frame_set.js";
import { singleInput } from "./frame_shape.js";
import { jsonFrame, longestJsonLine } from "./json_frame.js";
import { lineText } from "./json_lines.js";
import { type Line, LineSplitter } from "./lines.js";
import { type FrameTensor, tensorElements } from "./quantise.js";

export type LiveFormat = "raw" | "csv" | "jsonl";

/** A frame without its number, or what was wrong with one. */
export type LiveItem = Omit<Frame, "index"> | WamletError;

export interface LiveReader {
  push(piece: Uint8Array): Iterable<LiveItem>;
  /** What is left when the source ends. */
  end(): Iterable<LiveItem>;
}

/**
 * @param name of the source, for errors
 * @throws WamletError WAMLET_WRONG_SHAPE where the format cannot hold the model's inputs
 */
export function liveReader(
  format: LiveFormat,
  expected: readonly FrameTensor[],
  values: "quantised" | "real",
  header: boolean | null,
  name: string,
): LiveReader {
  if (format === "raw") return rawReader(expected, name);
  if (format === "csv") return csvReader(singleInput(expected, "CSV"), values, header, name);
  return lineReader(longestJsonLine(expected), name, (text, { number }) =>
    text.trim() === "" ? null : jsonFrame(text, expected, values, `line ${number} of ${name}`),
  );
}

function rawReader(expected: readonly FrameTensor[], name: string): LiveReader {
  const frameBytes = expected.reduce((sum, tensor) => sum + tensor.bytes, 0);
  const kept = new Uint8Array(frameBytes);
  let filled = 0;
  return {
    *push(piece) {
      for (let from = 0; from < piece.length; ) {
        const part = piece.subarray(from, from + frameBytes - filled);
        kept.set(part, filled);
        filled += part.length;
        from += part.length;
        if (filled < frameBytes) continue;
        filled = 0;
        let offset = 0;
        const inputs = expected.map(({ bytes }) => {
          offset += bytes;
          return kept.slice(offset - bytes, offset);
        });
        yield { inputs, label: null, clamped: 0 };
      }
    },
    *end() {
      if (filled === 0) return;
      yield new WamletError(
        "WAMLET_WRONG_SHAPE",
        `${name} ended within a frame: ${filled} of ${frameBytes} bytes came.`,
        "A raw source gives the input tensors' bytes one after the other, whole.",
      );
    },
  };
}

function csvReader(
  tensor: FrameTensor,
  values: "quantised" | "real",
  header: boolean | null,
  name: string,
): LiveReader {
  const frameOf = csvFrames(tensor, values, header, name);
  return lineReader(tensorElements(tensor) * longestValue + 65_536, name, (text, { number }) => {
    const fields = csvFields(text, number, name);
    const frame = fields === null ? null : frameOf({ line: number, fields });
    return frame === null ? null : { inputs: [frame.bytes], label: frame.label, clamped: frame.clamped };
  });
}

/** The fields of one line; null for a blank one or a comment. */
function csvFields(text: string, line: number, name: string): string[] | null {
  try {
    const options = { relax_column_count: true, trim: true, comment: "#", comment_no_infix: true };
    const [fields] = parse(text, options) as string[][];
    return fields === undefined || (fields.length === 1 && fields[0] === "") ? null : fields;
  } catch (cause) {
    throw new WamletError(
      "WAMLET_INVALID_FRAMES",
      `Line ${line} of ${name} is no readable CSV: ${cause instanceof Error ? cause.message : String(cause)}.`,
      "Separate columns by commas and put fields that contain commas or quotes in double quotes.",
      { cause },
    );
  }
}

function lineReader(
  longest: number,
  name: string,
  read: (text: string, line: Line) => LiveItem | null,
): LiveReader {
  const splitter = new LineSplitter(longest);
  function* items(lines: Iterable<Line>): Generator<LiveItem> {
    for (const line of lines) {
      const item = withError(() => read(lineText(line, `line ${line.number} of ${name}`), line));
      if (item !== null) yield item;
    }
  }
  return { push: (piece) => items(splitter.push(piece)), end: () => items(splitter.end()) };
}

function withError(read: () => LiveItem | null): LiveItem | null {
  try {
    return read();
  } catch (error) {
    if (error instanceof WamletError) return error;
    throw error;
  }
}
