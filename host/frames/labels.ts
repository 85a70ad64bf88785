/**
 * Two kinds of labels, kept apart: *class names* say what a model's outputs are called (`classes.txt`, one
 * name to a line), *frame labels* say what each frame shows (a CSV column `label`, or an NPY array of class
 * indices). A frame label is a name or an index; `resolveLabels` makes it the position of an output.
 */

import { extname } from "node:path";
import { WamletError } from "../errors.js";
import { type CsvRow, csvNumber, csvRows, labelColumn } from "./csv_rows.js";
import { type FileSource, type InputFile, openSource, readText } from "./file_source.js";
import { npyValues } from "./npy.js";
import { readNpyHeader } from "./npy_header.js";

/** What a labels file holds. */
export type Labels =
  | { readonly kind: "classes"; readonly names: readonly string[] }
  | { readonly kind: "frames"; readonly labels: readonly string[] };

/** More than any model has classes or any run has frames of labels in one text line. */
const longestRow = 1 << 20;

/**
 * Reads either kind, told apart by the file's ending: `.csv` and `.npy` hold frame labels, all others names.
 * @throws WamletError WAMLET_INVALID_LABELS and the errors of opening a file
 */
export async function readLabels(file: InputFile): Promise<Labels> {
  const ending = extname(typeof file === "string" ? file : file.name).toLowerCase();
  if (ending === ".csv" || ending === ".npy") return { kind: "frames", labels: await readFrameLabels(file) };
  return { kind: "classes", names: readClassNames(file) };
}

/**
 * Class names, one to a line, in the order of the model's outputs. Blank lines at the end do not count.
 * @throws WamletError WAMLET_INVALID_LABELS for no names, a blank line between names or a file that is not text
 */
export function readClassNames(file: InputFile): string[] {
  const source = openSource(file);
  const names = textLines(source);
  const blank = names.indexOf("");
  if (blank !== -1) throw invalid(`Line ${blank + 1} of ${source.name} is blank`, "Give every class a name.");
  return names;
}

/**
 * One label per frame, as text: from CSV the column `label` or the only column, from NPY an array of integers,
 * from any other file one label to a line.
 * @throws WamletError WAMLET_INVALID_LABELS and the errors of opening a file
 */
export async function readFrameLabels(file: InputFile): Promise<string[]> {
  const source = openSource(file);
  const ending = extname(source.name).toLowerCase();
  if (ending === ".npy") return npyLabels(source);
  if (ending !== ".csv") return readClassNames(file);

  const labels: string[] = [];
  let column = -1;
  for await (const row of csvRows(source, longestRow, "WAMLET_INVALID_LABELS")) {
    if (column === -1) {
      column = labelPosition(row, source.name);
      if (labelColumn(row.fields) !== -1) continue;
    }
    const label = row.fields[column] ?? "";
    if (label === "") throw invalid(`Line ${row.line} of ${source.name} has no label`, "Label every frame.");
    labels.push(label);
  }
  // The only column may be called anything: a word above nothing but numbers is its name.
  const [head, ...rest] = labels;
  if (head !== undefined && csvNumber(head) === null && rest.length > 0) {
    if (rest.every((label) => csvNumber(label) !== null)) return rest;
  }
  if (labels.length === 0) throw invalid(`${source.name} has no labels`, "Write one label to a line.");
  return labels;
}

/**
 * Frame labels as positions of the model's outputs. Where every label is a class name, names it is; else every
 * label must be an index below `classes`. So `"7"` is the class called 7 for digits, and class 7 elsewhere.
 * @param names class names, empty where unknown
 * @param classes outputs of the model
 * @throws WamletError WAMLET_INVALID_LABELS naming the first label that is neither
 */
export function resolveLabels(
  labels: readonly string[],
  names: readonly string[],
  classes: number,
): number[] {
  const positions = new Map<string, number>();
  for (const [index, name] of names.entries()) {
    // A name that stands twice means nothing; its frames need indices.
    positions.set(name, positions.has(name) ? -1 : index);
  }
  const named = labels.map((label) => positions.get(label) ?? -1);
  if (labels.length > 0 && named.every((position) => position !== -1 && position < classes)) return named;

  const indices = labels.map((label) => (/^\d{1,9}(?:\.0*)?$/.test(label) ? Number(label) : -1));
  const isIndex = (index: number) => index >= 0 && index < classes;
  if (indices.every(isIndex)) return indices;

  // The first that is neither; where there is none, the file mixes names and indices.
  const neither = indices.findIndex((index, frame) => !isIndex(index) && named[frame] === -1);
  const frame = neither === -1 ? indices.findIndex((index) => !isIndex(index)) : neither;
  const known = names.length === 0 ? "" : `, or (in every frame) one of ${names.slice(0, 12).join(", ")}`;
  throw invalid(
    `The label of frame ${frame} is '${labels[frame]?.slice(0, 40)}'; expected an index from 0 to ${classes - 1}${known}`,
    "Give class indices, or class names together with the model's class names (--labels classes.txt at compile).",
  );
}

function textLines(source: FileSource): string[] {
  const lines = readText(source)
    .replace(/^\uFEFF/, "")
    .split(/\r\n|\n|\r/)
    .map((line) => line.trim());
  let count = lines.length;
  while (count > 0 && lines[count - 1] === "") count--;
  const names = lines.slice(0, count);
  if (names.length === 0) throw invalid(`${source.name} has no labels`, "Write one label to a line.");
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is looked for
  const strange = names.findIndex((name) => /[\u0000-\u0008\u000e-\u001f]/.test(name));
  if (strange !== -1) {
    throw invalid(
      `Line ${strange + 1} of ${source.name} holds control characters`,
      "Labels are a text file.",
    );
  }
  return names;
}

function labelPosition(row: CsvRow, name: string): number {
  const position = labelColumn(row.fields);
  if (position !== -1) return position;
  if (row.fields.length === 1) return 0;
  throw invalid(
    `${name} has ${row.fields.length} columns and none is named label`,
    "Name the column with the classes `label` in a header line.",
  );
}

function npyLabels(source: FileSource): string[] {
  const header = readNpyHeader(source);
  const long = header.shape.filter((length) => length !== 1);
  const whole = header.type.code.startsWith("i") || header.type.code.startsWith("u");
  if (!whole || long.length > 1 || header.shape.includes(0)) {
    throw invalid(
      `${source.name} holds ${header.type.code} [${header.shape.join(", ")}]; expected one integer per frame`,
      "Save a one-dimensional integer array of class indices.",
    );
  }
  const bytes = source.read(header.dataOffset, source.size - header.dataOffset);
  return Array.from(npyValues(bytes, header), String);
}

function invalid(message: string, hint: string): WamletError {
  return new WamletError("WAMLET_INVALID_LABELS", `${message}.`, hint);
}
