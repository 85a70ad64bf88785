/**
 * One answer as one row, for `wamlet stream -o table|jsonl|csv`. The columns are the same in all three, in
 * this order; within a version of the package columns are only added, at the end.
 */

import type { FrameTensor } from "../frames/quantise.js";
import type { MeasuredAnswer } from "./answer.js";
import { topAnswers } from "./classes.js";

export interface AnswerRow {
  /** Position of the frame in its file, from 0. */
  readonly frame: number;
  /** Class that the file says, as a position of the first output; null where it says nothing. */
  readonly expected: number | null;
  /** Position of the highest value of the first output; null where that output is a single value. */
  readonly answer: number | null;
  /** Its class name, where the module carries names. */
  readonly label: string | null;
  /** The highest value, dequantised, or the single value. */
  readonly value: number | null;
  /** Whether answer and expected are the same; null where either is unknown. */
  readonly correct: boolean | null;
  readonly count: number;
  /** What `count` counts: `cycles` or `instructions`. */
  readonly countUnit: string;
  /** What counted it. */
  readonly countSource: string;
  readonly microseconds: number;
  /** null where nothing is known of it. */
  readonly nanojoules: number | null;
  /** `measured`, `modelled`, or `none`. */
  readonly energySource: string;
  readonly memoryBytes: number;
}

/** Column names, in order. */
export const answerColumns: readonly (keyof AnswerRow)[] = [
  "frame",
  "expected",
  "answer",
  "label",
  "value",
  "correct",
  "count",
  "countUnit",
  "countSource",
  "microseconds",
  "nanojoules",
  "energySource",
  "memoryBytes",
];

/**
 * @param output the model's first output
 * @param labels class names, empty where unknown
 * @throws WamletError WAMLET_WRONG_SHAPE where the answer's bytes are not as many as the output's
 */
export function answerRow(
  answer: MeasuredAnswer,
  output: FrameTensor,
  labels: readonly string[],
  expected: number | null = null,
): AnswerRow {
  const [best] = topAnswers(answer.outputs[0] ?? new Uint8Array(0), output, labels, 1);
  const isClass = output.shape.some((length) => length > 1);
  const index = isClass && best !== undefined ? best.index : null;
  return {
    frame: answer.frame,
    expected,
    answer: index,
    label: isClass ? (best?.label ?? null) : null,
    value: best?.value ?? null,
    correct: index === null || expected === null ? null : index === expected,
    count: answer.count.value,
    countUnit: answer.count.unit,
    countSource: answer.count.source,
    microseconds: answer.microseconds,
    nanojoules: answer.nanojoules,
    energySource: answer.energySource,
    memoryBytes: answer.memoryBytes,
  };
}

/** The first line of `-o csv`, without its line end. */
export function csvHeader(): string {
  return answerColumns.join(",");
}

/** A line of `-o csv`, without its line end. What is unknown is an empty field (RFC 4180 quoting). */
export function csvLine(row: AnswerRow): string {
  return answerColumns.map((column) => csvField(row[column])).join(",");
}

/** A line of `-o jsonl`, without its line end. What is unknown is null. */
export function jsonLine(row: AnswerRow): string {
  return JSON.stringify(row, [...answerColumns]);
}

function csvField(value: string | number | boolean | null): string {
  if (value === null) return "";
  const text = String(value);
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
