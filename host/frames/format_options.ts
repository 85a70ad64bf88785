/** The options of reading frames, and which of them mean something to which format: any other is an error. */

import { WamletError } from "../errors.js";
import type { FrameFormat } from "./frame_set.js";
import type { ImageOptions } from "./image.js";
import type { ImuOptions } from "./imu.js";
import type { WavOptions } from "./wav.js";

/**
 * All options of all formats; one that means nothing to the file's format is an error.
 *
 * | option          | formats            | meaning                                                           |
 * |-----------------|--------------------|-------------------------------------------------------------------|
 * | `sampleRate`    | wav, imu           | Hz; a WAV file or timestamps of another rate are refused          |
 * | `window`, `hop` | wav, imu           | in samples or milliseconds; the window must be the tensor's       |
 * | `channel`       | wav                | 1, 2, … or `mix`                                                  |
 * | `sampleRange`   | wav                | full scale is ±1 (`unit`) or ±32768 (`int16`)                     |
 * | `columns`       | imu                | columns that are axes, by name                                    |
 * | `timestamp`, `timestampUnit`, `gaps` | imu | the column of times, its unit, whether gaps are refused or split at |
 * | `windowLabel`   | imu                | a window's label is its rows' `majority` or `last`                |
 * | `pixelRange`    | image              | real values of black and white                                    |
 * | `fit`           | image              | `crop` or `stretch`                                               |
 * | `maxPixels`     | image              | largest image that is decoded                                     |
 * | `values`        | npy, csv, imu, jsonl | see there                                                       |
 * | `header`        | csv, imu           | see there                                                         |
 */
export interface ReadFramesOptions extends ImuOptions, WavOptions, ImageOptions {
  /**
   * Instead of what the file's ending and beginning say. CSV is read as `imu` (rows are samples) where one of
   * `window`, `hop`, `sampleRate`, `columns`, `timestamp` is given.
   */
  readonly format?: FrameFormat | undefined;
  /**
   * What the file's numbers are: the tensor's own integers (`--quantised`) or real values (`--real`). Left out,
   * raw files and NPY files of the tensor's own integer type are quantised, all others real.
   */
  readonly values?: "quantised" | "real" | undefined;
  /** CSV: whether the first line names the columns, instead of telling by its content. */
  readonly header?: boolean | undefined;
}

type Option = Exclude<keyof ReadFramesOptions, "format">;

/** Each option with what the command line calls it. */
const options: Readonly<Record<Option, { flag: string; formats: readonly FrameFormat[] }>> = {
  values: { flag: "--real and --quantised", formats: ["raw", "npy", "csv", "imu", "jsonl"] },
  header: { flag: "--header", formats: ["csv", "imu"] },
  sampleRate: { flag: "--sample-rate", formats: ["wav", "imu"] },
  window: { flag: "--window", formats: ["wav", "imu"] },
  hop: { flag: "--hop", formats: ["wav", "imu"] },
  channel: { flag: "--channel", formats: ["wav"] },
  sampleRange: { flag: "--sample-range", formats: ["wav"] },
  columns: { flag: "--columns", formats: ["imu"] },
  timestamp: { flag: "--timestamp", formats: ["imu"] },
  timestampUnit: { flag: "--timestamp-unit", formats: ["imu"] },
  gaps: { flag: "--gaps", formats: ["imu"] },
  windowLabel: { flag: "--window-label", formats: ["imu"] },
  pixelRange: { flag: "--pixel-range", formats: ["image"] },
  fit: { flag: "--fit", formats: ["image"] },
  maxPixels: { flag: "--max-pixels", formats: ["image"] },
};

/** Whether options speak of rows that are samples of a signal. */
export function meansSignal(given: ReadFramesOptions): boolean {
  return [given.window, given.hop, given.sampleRate, given.columns, given.timestamp].some(
    (option) => option !== undefined,
  );
}

/** @throws WamletError WAMLET_USAGE naming the option and the formats that it is for */
export function checkOptions(format: FrameFormat, given: ReadFramesOptions): void {
  for (const [name, { flag, formats }] of Object.entries(options)) {
    if (given[name as Option] === undefined || formats.includes(format)) continue;
    throw new WamletError(
      "WAMLET_USAGE",
      `${flag} means nothing for frames of the format ${format}; it is for ${formats.join(", ")}.`,
      format === "csv" ? "Rows of CSV that are samples of a signal need --format imu." : `Leave ${flag} out.`,
    );
  }
  const { maxPixels } = given;
  if (maxPixels !== undefined && !(Number.isSafeInteger(maxPixels) && maxPixels > 0)) {
    throw new WamletError(
      "WAMLET_USAGE",
      `--max-pixels ${maxPixels} is no number of pixels.`,
      "Give 16777216.",
    );
  }
}
