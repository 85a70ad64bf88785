/** Answers as they come: a table's lines for people, CSV or JSON lines for programs (`wamlet stream -o`). */
import type { AnswerRow } from "../measure/rows.js";
import { digits, formatCount, formatEnergy, formatTime, unknown } from "./format.js";
import type { Output } from "./output.js";

export const answerFormats = ["table", "jsonl", "csv"] as const;
export type AnswerFormat = (typeof answerFormats)[number];

/** A table that grows line by line cannot wait for its widest cell. */
const columns: readonly (readonly [heading: string, width: number])[] = [
  ["frame", 7],
  ["answer", -16],
  ["value", 8],
  ["expected", -12],
  ["count", 10],
  ["time", 10],
  ["energy", 10],
];

/** @returns a function that prints one row; the heading is printed before */
export async function answerPrinter(
  format: AnswerFormat,
  names: readonly string[],
  output: Output,
): Promise<(row: AnswerRow) => void> {
  const { csvHeader, csvLine } = await import("../measure/rows.js");
  if (format === "jsonl") return (row) => output.record(row);
  if (format === "csv") {
    output.line(csvHeader());
    return (row) => output.line(csvLine(row));
  }
  output.line(output.colors.dim(cells(columns.map(([heading]) => heading))));
  return (row) => {
    const text = cells([
      String(row.frame),
      row.label ?? (row.answer === null ? "" : String(row.answer)),
      row.value === null ? "" : digits(row.value),
      row.expected === null ? "" : (names[row.expected] ?? String(row.expected)),
      formatCount(row.count),
      formatTime(row.microseconds),
      row.nanojoules === null ? unknown : formatEnergy(row.nanojoules),
    ]);
    output.line(row.correct === false ? output.colors.red(text) : text);
  };
}

function cells(texts: readonly string[]): string {
  return texts
    .map((text, index) => {
      const width = columns[index]?.[1] ?? 0;
      const cut = text.length > Math.abs(width) ? `${text.slice(0, Math.abs(width) - 1)}…` : text;
      return width < 0 ? cut.padEnd(-width) : cut.padStart(width);
    })
    .join("  ")
    .trimEnd();
}
