/** Tables for people: columns aligned by spaces, headings dimmed, no frames. */
import { createRequire } from "node:module";
import type CliTableClass from "cli-table3";
import type { Colors } from "./output.js";

export interface Column {
  readonly heading: string;
  readonly align?: "left" | "right";
}

/** Only the gap between columns is drawn. */
const noFrame = {
  top: "",
  "top-mid": "",
  "top-left": "",
  "top-right": "",
  bottom: "",
  "bottom-mid": "",
  "bottom-left": "",
  "bottom-right": "",
  left: "",
  "left-mid": "",
  mid: "",
  "mid-mid": "",
  right: "",
  "right-mid": "",
  middle: "  ",
};

/**
 * @param rows cells as text, possibly coloured
 * @returns lines without trailing spaces, without a last line break
 */
export function formatTable(
  columns: readonly Column[],
  rows: readonly (readonly string[])[],
  colors: Colors,
): string {
  // Loaded by the first table only: verbs import this file, and their --help must not pay for it.
  const CliTable = createRequire(import.meta.url)("cli-table3") as typeof CliTableClass;
  const table = new CliTable({
    chars: noFrame,
    colAligns: columns.map(({ align }) => align ?? "left"),
    style: { "padding-left": 0, "padding-right": 0, head: [], border: [], compact: true },
  });
  table.push(columns.map(({ heading }) => colors.dim(heading)));
  for (const row of rows) table.push([...row]);
  return table
    .toString()
    .split("\n")
    .map((line) => line.trimEnd())
    .join("\n");
}
