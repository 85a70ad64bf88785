/**
 * Frames as CSV, one frame to a line, its values in C order. A header line is optional; with one, a column
 * named `label` holds each frame's class (name or index) and every other column a value.
 *
 * Rows are quantised as they are read, so that a frame takes its tensor's bytes and not its text.
 */

import { WamletError } from "../errors.js";
import { type CsvRow, csvNumber, csvRows, isHeader, labelColumn } from "./csv_rows.js";
import type { FileSource } from "./file_source.js";
import { type Frame, type FrameSet, frameSet } from "./frame_set.js";
import { singleInput } from "./frame_shape.js";
import { type FrameTensor, quantiseValues, storeQuantised, tensorElements } from "./quantise.js";

/** Characters that a value may take, with room to spare: −0.12345678901234567e−308 has 25. */
const longestValue = 64;

/**
 * @param header whether the first row names the columns; null to tell by its content
 * @throws WamletError WAMLET_INVALID_FRAMES, WAMLET_WRONG_SHAPE, both with the line
 */
export async function readCsv(
  source: FileSource,
  expected: readonly FrameTensor[],
  meaning: "quantised" | "real" | null,
  header: boolean | null,
): Promise<FrameSet> {
  const tensor = singleInput(expected, "CSV");
  const elements = tensorElements(tensor);
  const values = meaning ?? "real";
  const frames: Frame[] = [];
  const labels: string[] = [];
  let labelAt = -1;
  let first = true;

  const rows = csvRows(source, elements * longestValue + 65_536, "WAMLET_INVALID_FRAMES");
  for await (const row of rows) {
    if (first) {
      first = false;
      if (header ?? isHeader(row.fields)) {
        labelAt = labelColumn(row.fields);
        checkColumns(row, labelAt, elements, tensor, source.name);
        continue;
      }
    }
    checkColumns(row, labelAt, elements, tensor, source.name);
    const numbers = rowNumbers(row, labelAt, elements, source.name);
    const where = `line ${row.line} of ${source.name}`;
    const { bytes, clamped } =
      values === "real"
        ? quantiseValues(numbers, tensor, where)
        : { bytes: storeQuantised(numbers, tensor, where), clamped: 0 };
    const label = labelAt === -1 ? null : (row.fields[labelAt] ?? "");
    if (label === "") {
      throw new WamletError(
        "WAMLET_INVALID_LABELS",
        `Line ${row.line} of ${source.name} has an empty label.`,
        "Give every frame its class in the column `label`, or leave the column out.",
      );
    }
    if (label !== null) labels.push(label);
    frames.push({ index: frames.length, inputs: [bytes], label, clamped });
  }
  if (frames.length === 0) {
    throw new WamletError(
      "WAMLET_INVALID_FRAMES",
      `${source.name} has no frames.`,
      "Write one frame to a line, its values separated by commas.",
    );
  }
  return frameSet(
    {
      name: source.name,
      format: "csv",
      count: frames.length,
      frameBytes: tensor.bytes,
      values,
      labels: labelAt === -1 ? null : labels,
    },
    (index) => frames[index] as Frame,
  );
}

function checkColumns(
  row: CsvRow,
  labelAt: number,
  elements: number,
  tensor: FrameTensor,
  name: string,
): void {
  const found = row.fields.length - (labelAt === -1 ? 0 : 1);
  if (found === elements) return;
  const shape = tensor.shape.join(", ");
  throw new WamletError(
    "WAMLET_WRONG_SHAPE",
    `Line ${row.line} of ${name} has ${found} values; tensor ${tensor.name} takes ${elements} [${shape}].`,
    found === elements + 1 && labelAt === -1
      ? "If one column is the class, add a header line that names it `label`."
      : "Write one frame to a line, in C order, separated by commas.",
  );
}

function rowNumbers(row: CsvRow, labelAt: number, elements: number, name: string): Float64Array {
  const numbers = new Float64Array(elements);
  let next = 0;
  for (const [column, field] of row.fields.entries()) {
    if (column === labelAt) continue;
    const number = csvNumber(field);
    if (number === null) {
      const shown = field.length > 40 ? `${field.slice(0, 40)}…` : field;
      throw new WamletError(
        "WAMLET_INVALID_FRAMES",
        `Line ${row.line}, column ${column + 1} of ${name} is no number: '${shown}'.`,
        "Write plain decimal numbers; a class belongs in a column that a header line names `label`.",
      );
    }
    numbers[next++] = number;
  }
  return numbers;
}
