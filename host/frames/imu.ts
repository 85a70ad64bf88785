/**
 * Frames from a recorded signal in CSV, such as an accelerometer's: rows are samples, columns are axes, and a
 * window of rows is a frame `[window, axes]`. Two columns are no axes: `label` holds each sample's class, and a
 * column of timestamps (`time`, `timestamp`, `t`, with or without a unit) is held against the sample rate.
 *
 * Only the quantised samples stay in memory: overlapping windows cost nothing.
 */

import { elementBytes } from "../element_type.js";
import { WamletError } from "../errors.js";
import { longestValue, rowLabel, rowNumbers } from "./csv_frame.js";
import { type CsvRow, csvRows, isHeader, labelColumn } from "./csv_rows.js";
import type { FileSource } from "./file_source.js";
import { type FrameSet, frameSet } from "./frame_set.js";
import { singleInput } from "./frame_shape.js";
import { type FrameTensor, quantiseValues, storeQuantised, tensorElements } from "./quantise.js";
import { SampleStore } from "./sample_store.js";
import { checkSampleRate, type WindowOptions, windowing } from "./span.js";
import { TimestampCheck, type TimestampUnit, timeColumn, unitInName } from "./timestamps.js";

/** What a window's label is: that of most of its rows (of several the last), or that of its last row. */
export type WindowLabel = "majority" | "last";

export interface ImuOptions extends WindowOptions {
  /** Columns that are axes, by name and in the tensor's order; left out, all but `label` and timestamps. */
  readonly columns?: readonly string[] | undefined;
  /** Column of timestamps by name, where its name does not say so itself. */
  readonly timestamp?: string | undefined;
  readonly timestampUnit?: TimestampUnit | undefined;
  /** Gaps in the timestamps: `refuse` (the default), or `split` so that no window spans one. */
  readonly gaps?: "refuse" | "split" | undefined;
  readonly windowLabel?: WindowLabel | undefined;
  /** Whether the first line names the columns, instead of telling by its content. */
  readonly header?: boolean | undefined;
}

/**
 * @throws WamletError WAMLET_INVALID_FRAMES (no number, gaps), WAMLET_WRONG_SHAPE (axes, window, too short),
 *   WAMLET_WRONG_RATE, WAMLET_INVALID_LABELS, all with lines where there are any; WAMLET_USAGE
 */
export async function readImu(
  source: FileSource,
  expected: readonly FrameTensor[],
  meaning: "quantised" | "real" | null,
  options: ImuOptions,
): Promise<FrameSet> {
  const tensor = singleInput(expected, "CSV");
  const rate = checkSampleRate(options.sampleRate);
  const values = meaning ?? "real";
  let layout: Layout | null = null;
  let store: SampleStore | null = null;
  let times: TimestampCheck | null = null;

  const longestRow = (tensorElements(tensor) + 64) * longestValue + 65_536;
  for await (const row of csvRows(source, longestRow, "WAMLET_INVALID_FRAMES")) {
    if (layout === null || store === null) {
      layout = readLayout(row, options, rate, source.name);
      store = new SampleStore(checkAxes(tensor, layout.axes.length, source.name));
      if (rate !== null && layout.timeAt !== -1) times = new TimestampCheck(rate, layout.unit, source.name);
      if (layout.hasHeader) continue;
    }
    if (row.fields.length !== layout.width) {
      throw new WamletError(
        "WAMLET_INVALID_FRAMES",
        `Line ${row.line} of ${source.name} has ${row.fields.length} columns; the first has ${layout.width}.`,
        "Every line is one sample of all axes.",
      );
    }
    if (times !== null) {
      const [time = Number.NaN] = rowNumbers(row, [layout.timeAt], source.name);
      if (times.next(time, row.line)) store.split();
    }
    const where = `line ${row.line} of ${source.name}`;
    const numbers = rowNumbers(row, layout.axes, source.name);
    const sample =
      values === "real"
        ? quantiseValues(numbers, store.sample, where)
        : { bytes: storeQuantised(numbers, store.sample, where), clamped: 0 };
    store.add(sample, rowLabel(row, layout.labelAt, source.name));
  }
  times?.finish((options.gaps ?? "refuse") === "refuse");
  if (layout === null || store === null || store.samples === 0) {
    throw new WamletError(
      "WAMLET_INVALID_FRAMES",
      `${source.name} has no samples.`,
      "Write one sample of all axes to a line.",
    );
  }

  const axes = layout.axes.length;
  const windows = windowing(
    options,
    tensorElements(tensor) / axes,
    rate,
    `tensor ${tensor.name} [${tensor.shape.join(", ")}]`,
  );
  const starts = store.windowStarts(windows);
  if (starts.length === 0) {
    const longest = store.longestStretch();
    throw new WamletError(
      "WAMLET_WRONG_SHAPE",
      `${source.name} has ${longest} samples in a row; one frame of tensor ${tensor.name} takes ${windows.window}.`,
      "Give a longer recording.",
    );
  }
  const samples = store;
  const labels =
    layout.labelAt === -1
      ? null
      : starts.map((start) => samples.label(start, windows.window, options.windowLabel ?? "majority"));
  const gaps = times?.gapCount ?? 0;
  return frameSet(
    {
      name: source.name,
      format: "imu",
      count: starts.length,
      frameBytes: tensor.bytes,
      values,
      labels,
      conversion:
        `${layout.names.join(", ")}; windows of ${windows.window}, hop ${windows.hop} samples` +
        (gaps === 0 ? "" : `; split at ${gaps} gap${gaps === 1 ? "" : "s"}`),
    },
    (index) => {
      const { bytes, clamped } = samples.window(starts[index] as number, windows.window);
      return { index, inputs: [bytes], label: labels?.[index] ?? null, clamped };
    },
  );
}

/** What the columns are. */
interface Layout {
  readonly hasHeader: boolean;
  readonly width: number;
  readonly axes: readonly number[];
  readonly names: readonly string[];
  readonly labelAt: number;
  readonly timeAt: number;
  readonly unit: TimestampUnit | null;
}

function readLayout(row: CsvRow, options: ImuOptions, rate: number | null, name: string): Layout {
  const { fields } = row;
  const hasHeader = options.header ?? isHeader(fields);
  const wantsNames = options.columns !== undefined || options.timestamp !== undefined;
  if (!hasHeader && wantsNames) {
    throw new WamletError(
      "WAMLET_INVALID_FRAMES",
      `${name} has no header line, so its columns have no names.`,
      "Add a first line with the names of the columns, or leave --columns and --timestamp out.",
    );
  }
  if (options.timestamp !== undefined && rate === null) {
    throw new WamletError(
      "WAMLET_USAGE",
      "--timestamp has nothing to be held against.",
      "Give --sample-rate in Hz with it.",
    );
  }
  const position = (column: string): number => {
    const found = fields.indexOf(column);
    if (found !== -1) return found;
    throw new WamletError(
      "WAMLET_WRONG_SHAPE",
      `${name} has no column ${column}; its columns are ${fields.slice(0, 16).join(", ").slice(0, 200)}.`,
      "Name the columns as the header line does, letter by letter.",
    );
  };
  const labelAt = hasHeader ? labelColumn(fields) : -1;
  const named = options.columns?.map(position);
  let timeAt = -1;
  if (options.timestamp !== undefined) timeAt = position(options.timestamp);
  else if (hasHeader) timeAt = timeColumn(fields);
  // A column that is asked for as an axis is one, whatever it is called.
  if (named?.includes(timeAt)) timeAt = -1;
  const axes =
    named ?? fields.map((_, column) => column).filter((column) => column !== labelAt && column !== timeAt);
  return {
    hasHeader,
    width: fields.length,
    axes,
    names: hasHeader ? axes.map((column) => fields[column] ?? "") : [`${axes.length} columns`],
    labelAt: named?.includes(labelAt) ? -1 : labelAt,
    timeAt,
    unit: options.timestampUnit ?? (timeAt === -1 ? null : unitInName(fields[timeAt] ?? "")),
  };
}

/**
 * One sample of the tensor: its last dimension beyond those of 1, unless it is flat.
 * @throws WamletError WAMLET_WRONG_SHAPE for another number of axes
 */
function checkAxes(tensor: FrameTensor, axes: number, name: string): FrameTensor {
  const long = tensor.shape.filter((length) => length !== 1);
  // [N, 1] is flat too: a single axis.
  const flat = long.length <= 1;
  const wanted = flat ? null : (long.at(-1) ?? 1);
  if (axes > 0 && (flat ? tensorElements(tensor) % axes === 0 : long.length === 2 && wanted === axes)) {
    return { ...tensor, shape: [axes], bytes: axes * elementBytes[tensor.type] };
  }
  throw new WamletError(
    "WAMLET_WRONG_SHAPE",
    `${name} has ${axes} axes; tensor ${tensor.name} is [${tensor.shape.join(", ")}]${wanted === null ? "" : ` and takes ${wanted}`}.`,
    "Choose the columns that are axes with --columns x,y,z.",
  );
}
