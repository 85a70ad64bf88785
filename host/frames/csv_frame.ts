/**
 * One row of CSV → one frame: its values in C order, beside them perhaps a label. Files and live sources share
 * it; the first row given may be a header.
 */

import { WamletError } from "../errors.js";
import { type CsvRow, csvNumber, isHeader, labelColumn } from "./csv_rows.js";
import {
  type FrameTensor,
  type QuantisedValues,
  quantiseValues,
  storeQuantised,
  tensorElements,
} from "./quantise.js";

/** Characters that a value may take, with room to spare: −0.12345678901234567e−308 has 25. */
export const longestValue = 64;

export interface CsvFrame extends QuantisedValues {
  readonly label: string | null;
}

/**
 * Gives a function that takes the rows of one source in order, and null for its header.
 * @param header whether the first row names the columns; null to tell by its content
 * @param name of the source, for errors
 */
export function csvFrames(
  tensor: FrameTensor,
  values: "quantised" | "real",
  header: boolean | null,
  name: string,
): (row: CsvRow) => CsvFrame | null {
  const elements = tensorElements(tensor);
  let labelAt = -1;
  let columns: number[] = [];
  let first = true;
  /** @throws WamletError WAMLET_INVALID_FRAMES, WAMLET_WRONG_SHAPE, WAMLET_INVALID_LABELS, with the line */
  return (row) => {
    if (first) {
      first = false;
      if (header ?? isHeader(row.fields)) {
        labelAt = labelColumn(row.fields);
        checkColumns(row, labelAt, elements, tensor, name);
        return null;
      }
    }
    checkColumns(row, labelAt, elements, tensor, name);
    if (columns.length !== elements) {
      columns = row.fields.map((_, column) => column).filter((column) => column !== labelAt);
    }
    const numbers = rowNumbers(row, columns, name);
    const where = `line ${row.line} of ${name}`;
    const frame =
      values === "real"
        ? quantiseValues(numbers, tensor, where)
        : { bytes: storeQuantised(numbers, tensor, where), clamped: 0 };
    return { ...frame, label: rowLabel(row, labelAt, name) };
  };
}

/**
 * Numbers of the given columns of a row.
 * @throws WamletError WAMLET_INVALID_FRAMES for a field that is no number
 */
export function rowNumbers(row: CsvRow, columns: readonly number[], name: string): Float64Array {
  return Float64Array.from(columns, (column) => {
    const field = row.fields[column] ?? "";
    const number = csvNumber(field);
    if (number !== null) return number;
    const shown = field.length > 40 ? `${field.slice(0, 40)}…` : field;
    throw new WamletError(
      "WAMLET_INVALID_FRAMES",
      `Line ${row.line}, column ${column + 1} of ${name} is no number: '${shown}'.`,
      "Write plain decimal numbers; a class belongs in a column that a header line names `label`.",
    );
  });
}

/**
 * The label of a row; null where there is no column of labels (−1).
 * @throws WamletError WAMLET_INVALID_LABELS for an empty one
 */
export function rowLabel(row: CsvRow, labelAt: number, name: string): string | null {
  if (labelAt === -1) return null;
  const label = row.fields[labelAt] ?? "";
  if (label !== "") return label;
  throw new WamletError(
    "WAMLET_INVALID_LABELS",
    `Line ${row.line} of ${name} has an empty label.`,
    "Give every frame its class in the column `label`, or leave the column out.",
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
      : "Write one frame to a line, in C order, separated by commas; rows that are samples of a signal need --window.",
  );
}
