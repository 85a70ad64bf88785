/**
 * How frames are read, as the verbs take it: the same options everywhere, in groups so that `--help` stays readable.
 * Which of them mean something to which format, the frames room knows.
 */
import type { Options } from "yargs";
import type { ReadFramesOptions } from "../frames/format_options.js";

const frames = { group: "Frames:" };
const signals = { group: "Windows of a signal (WAV, and CSV whose rows are samples):" };
const images = { group: "Images (PNG, JPEG; a file, a folder or a list):" };

/** For verbs that read a file of frames. */
export const frameOptions = {
  format: {
    choices: ["raw", "npy", "csv", "imu", "wav", "image", "jsonl"],
    describe: "Format, instead of what name and content say; imu: rows of CSV are samples",
    ...frames,
  },
  real: { type: "boolean", describe: "Numbers are real values, to be quantised", ...frames },
  quantised: {
    type: "boolean",
    conflicts: "real",
    describe: "Numbers are the tensor's own integers",
    ...frames,
  },
  header: { type: "boolean", describe: "CSV: the first line names the columns; --no-header: not", ...frames },
  "sample-rate": {
    type: "number",
    requiresArg: true,
    describe: "Rate that the model expects, Hz; any other is refused",
    ...signals,
  },
  window: {
    type: "string",
    requiresArg: true,
    describe: "Length of a frame: 500ms, 0.5s or 8000 (samples)",
    ...signals,
  },
  hop: {
    type: "string",
    requiresArg: true,
    describe: "From one frame to the next (default: the window)",
    ...signals,
  },
  channel: {
    type: "string",
    requiresArg: true,
    describe: "WAV: a channel from 1, or mix (default)",
    ...signals,
  },
  "sample-range": {
    choices: ["unit", "int16"],
    describe: "WAV: full scale as ±1 or as ±32768",
    ...signals,
  },
  columns: {
    type: "string",
    requiresArg: true,
    describe: "CSV: the axes by name, as in x,y,z",
    ...signals,
  },
  timestamp: { type: "string", requiresArg: true, describe: "CSV: the column of times", ...signals },
  "timestamp-unit": { choices: ["s", "ms", "us", "ns"], describe: "CSV: the unit of times", ...signals },
  gaps: { choices: ["refuse", "split"], describe: "CSV: what a gap in the times does", ...signals },
  "window-label": {
    choices: ["majority", "last"],
    describe: "CSV: which of its rows label a frame",
    ...signals,
  },
  "pixel-range": {
    type: "string",
    // Unlike requiresArg it takes a value that begins with a minus.
    nargs: 1,
    describe: "Values of black and white: 0..1, -1..1, 0..255",
    ...images,
  },
  fit: {
    choices: ["crop", "stretch"],
    describe: "Keep proportions (default) or the whole image",
    ...images,
  },
  "max-pixels": {
    type: "number",
    requiresArg: true,
    describe: "Largest image that is decoded (default: 16777216)",
    ...images,
  },
} as const satisfies Record<string, Options>;

/** For verbs that compare answers with labels. */
export const frameLabelsOption = {
  labels: {
    type: "string",
    requiresArg: true,
    describe: "Classes of the frames (.csv, .npy), or class names (a text file)",
    ...frames,
  },
} as const satisfies Record<string, Options>;

/** `frameOptions` as yargs hands them over. */
export interface FrameArguments
  extends Pick<
    ReadFramesOptions,
    | "format"
    | "header"
    | "sampleRate"
    | "sampleRange"
    | "timestamp"
    | "timestampUnit"
    | "gaps"
    | "windowLabel"
    | "fit"
    | "maxPixels"
  > {
  readonly real?: boolean | undefined;
  readonly quantised?: boolean | undefined;
  readonly window?: string | undefined;
  readonly hop?: string | undefined;
  readonly channel?: string | undefined;
  readonly columns?: string | undefined;
  readonly pixelRange?: string | undefined;
}

/**
 * What the words after the options mean.
 * @throws WamletError WAMLET_USAGE with the form that is expected
 */
export async function frameReading(args: FrameArguments): Promise<ReadFramesOptions> {
  const { format, header, sampleRate, sampleRange, timestamp, timestampUnit } = args;
  const { gaps, windowLabel, fit, maxPixels } = args;
  const { parseSpan } = await import("../frames/span.js");
  const { parsePixelRange } = await import("../frames/pixel_range.js");
  const { window, hop, channel, columns, pixelRange } = args;
  return {
    format,
    header,
    sampleRate,
    sampleRange,
    timestamp,
    timestampUnit,
    gaps,
    windowLabel,
    fit,
    maxPixels,
    values: args.real === true ? "real" : args.quantised === true ? "quantised" : undefined,
    window: window === undefined ? undefined : parseSpan(window, "--window"),
    hop: hop === undefined ? undefined : parseSpan(hop, "--hop"),
    channel: channel === undefined ? undefined : await parseChannel(channel),
    columns: columns === undefined ? undefined : await parseColumns(columns),
    pixelRange: pixelRange === undefined ? undefined : parsePixelRange(pixelRange),
  };
}

/**
 * @param source the option that would name frames
 * @throws WamletError WAMLET_USAGE where options say how to read frames, and there are none to read
 */
export async function refuseFrameOptions(reading: ReadFramesOptions, source: string): Promise<void> {
  if (Object.values(reading).every((value) => value === undefined)) return;
  const { WamletError } = await import("../errors.js");
  throw new WamletError(
    "WAMLET_USAGE",
    "Options say how to read frames, but there is no file of frames.",
    `Give the file with ${source}, or leave the options out.`,
  );
}

async function parseChannel(text: string): Promise<number | "mix"> {
  if (text === "mix") return "mix";
  if (/^[1-9]\d{0,4}$/.test(text)) return Number(text);
  const { WamletError } = await import("../errors.js");
  throw new WamletError(
    "WAMLET_USAGE",
    `--channel ${text.slice(0, 40)} is no channel.`,
    "Give --channel 1, 2, … or --channel mix for the mean of all.",
  );
}

async function parseColumns(text: string): Promise<string[]> {
  const names = text.split(",").map((name) => name.trim());
  if (names.every((name) => name !== "")) return names;
  const { WamletError } = await import("../errors.js");
  throw new WamletError(
    "WAMLET_USAGE",
    `--columns ${text.slice(0, 40)} names a column without a name.`,
    "Separate the names of the axes by commas: --columns x,y,z.",
  );
}
