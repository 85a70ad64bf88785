/**
 * Rows of a CSV file with their line numbers: RFC 4180 as spreadsheets and pandas write it (quoted fields,
 * CRLF or LF, a byte order mark), blank lines and lines that begin with # left out. Frames and labels both
 * stand on this.
 */

import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { CsvError, parse } from "csv-parse";
import { type ErrorCode, WamletError } from "../errors.js";
import { blocks, type FileSource } from "./file_source.js";

export interface CsvRow {
  /** Line of the file on which the row ends, from 1. */
  readonly line: number;
  /** Without surrounding spaces. */
  readonly fields: readonly string[];
}

/**
 * Reads rows one after the other; the file is never in memory as a whole.
 * @param longestRow characters after which a row is refused: an open quote must not swallow the file
 * @param code the error code for what is no CSV
 * @throws WamletError with that code, naming the line
 */
export async function* csvRows(
  source: FileSource,
  longestRow: number,
  code: ErrorCode,
): AsyncGenerator<CsvRow> {
  const parser = parse({
    bom: true,
    comment: "#",
    comment_no_infix: true,
    info: true,
    max_record_size: longestRow,
    relax_column_count: true,
    skip_empty_lines: true,
    trim: true,
  });
  // The parser passes a failed read on to whoever iterates over it; the promise itself says nothing more.
  const fed = pipeline(Readable.from(blocks(source)), parser).catch(() => undefined);
  try {
    for await (const row of parser) {
      const { record, info } = row as { record: string[]; info: { lines: number } };
      // A line of spaces only is blank too.
      if (record.length > 1 || record[0] !== "") yield { line: info.lines, fields: record };
    }
  } catch (cause) {
    if (!(cause instanceof CsvError)) throw cause;
    const line = typeof cause.lines === "number" ? ` at line ${cause.lines}` : "";
    throw new WamletError(
      code,
      `${source.name} is no readable CSV${line}: ${cause.message}.`,
      "Separate columns by commas and put fields that contain commas or quotes in double quotes.",
      { cause },
    );
  } finally {
    parser.destroy();
    await fed;
  }
}

const decimal = /^[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?$/;
const notFinite = /^[+-]?(?:nan|inf|infinity)$/i;

/** A decimal number; NaN and infinities as they are written; null for anything else. */
export function csvNumber(field: string): number | null {
  if (decimal.test(field)) return Number(field);
  if (!notFinite.test(field)) return null;
  if (/nan/i.test(field)) return Number.NaN;
  return field.startsWith("-") ? Number.NEGATIVE_INFINITY : Number.POSITIVE_INFINITY;
}

/**
 * Whether a file's first row names its columns: it does where one of the names is `label`, or where no field
 * is a number. pandas' numbered columns (`0,1,2,…`) alone look like data, so `header` can be said.
 */
export function isHeader(fields: readonly string[]): boolean {
  return labelColumn(fields) !== -1 || fields.every((field) => csvNumber(field) === null);
}

/** Position of the column `label`, or −1. */
export function labelColumn(names: readonly string[]): number {
  return names.findIndex((name) => name.toLowerCase() === "label");
}
