/** Frames that come while they are run: from stdin, a socket or another serial port (`wamlet stream -`). */
import type { Options } from "yargs";
import { WamletError } from "../errors.js";
import type { ReadFramesOptions } from "../frames/format_options.js";
import type { Frame } from "../frames/frame_set.js";
import type { LiveFrames, LiveOptions } from "../frames/live.js";
import type { ModelDescription } from "../module/description.js";
import type { LiveSource } from "../transport/live_source.js";
import type { InputFrame, InputFrames, LabelChoice } from "./input_frames.js";

const live = { group: "Live sources (-, tcp://host:port, serial:/dev/ttyUSB1):" };

/** For verbs that take a live source. */
export const liveOptions = {
  queue: { type: "number", requiresArg: true, describe: "Frames that may wait (default: 4)", ...live },
  "when-full": {
    choices: ["wait", "drop-oldest", "drop-newest"],
    describe: "When so many wait: slow the source down (default), or drop",
    ...live,
  },
  malformed: {
    choices: ["refuse", "skip"],
    describe: "A line that is no frame: an error (default), or count it and go on",
    ...live,
  },
} as const satisfies Record<string, Options>;

/** `liveOptions` as yargs hands them over. */
export interface LiveArguments extends Pick<LiveOptions, "whenFull" | "malformed"> {
  readonly queue?: number | undefined;
}

/** What comes unless `--format` says otherwise. */
const usualFormat = "jsonl";

/** Opens what a word of the command line names, or gives null where that is a file. */
export async function openSource(word: string, signal: AbortSignal): Promise<LiveSource | null> {
  if (word === "-") return { name: "stdin", bytes: process.stdin, close: async () => {} };
  const { isLiveSource, openLiveSource } = await import("../transport/live_source.js");
  return isLiveSource(word) ? openLiveSource(word, { signal }) : null;
}

/** @throws WamletError WAMLET_USAGE for an option of live sources where frames come from a file */
export function refuseLiveOptions(args: LiveArguments): void {
  const { queue, whenFull, malformed } = args;
  const given = Object.entries({ queue, "when-full": whenFull, malformed });
  const [flag] = given.find(([, value]) => value !== undefined) ?? [];
  if (flag === undefined) return;
  throw new WamletError(
    "WAMLET_USAGE",
    `--${flag} means nothing for a file of frames; it is for live sources.`,
    `Leave --${flag} out, or stream from -, tcp://host:port or serial:PORT.`,
  );
}

/**
 * Frames of a live source for a module, with the classes that the source itself gives them.
 * @param signal ends the frames, without an error
 * @throws WamletError WAMLET_USAGE for options that mean nothing to a live source, WAMLET_WRONG_SHAPE where the format
 *   cannot hold the model's inputs; more while they come, see `liveFrames`
 */
export async function framesFrom(
  { name, bytes }: LiveSource,
  model: Pick<ModelDescription, "inputs" | "outputs" | "labels">,
  labels: LabelChoice,
  reading: ReadFramesOptions,
  args: LiveArguments,
  signal: AbortSignal,
): Promise<InputFrames> {
  const format = reading.format ?? usualFormat;
  if (format !== "raw" && format !== "csv" && format !== "jsonl") throw notLive(`--format ${format}`, "is");
  const { checkOptions, meansSignal } = await import("../frames/format_options.js");
  if (meansSignal(reading)) throw notLive("Windows of a signal (--window, --hop, --sample-rate, …)", "are");
  checkOptions(format, reading);
  if (format === "raw" && reading.values === "real") {
    throw new WamletError(
      "WAMLET_USAGE",
      "--real means nothing for raw frames: they are the tensors' own bytes.",
      "Leave --real out, or send real values as --format csv or jsonl.",
    );
  }
  if (labels.frameLabels !== null) {
    throw new WamletError(
      "WAMLET_USAGE",
      "A file with the labels of single frames means nothing for a live source.",
      'Have the source label its frames (a column label, or {"values": …, "label": …}).',
    );
  }
  const { liveFrames } = await import("../frames/live.js");
  const { resolveLabels } = await import("../frames/labels.js");
  const { classCount } = await import("./input_frames.js");
  const frames = liveFrames(bytes, model.inputs, {
    name,
    format,
    values: reading.values,
    header: reading.header,
    capacity: args.queue,
    whenFull: args.whenFull,
    malformed: args.malformed,
    signal,
  });
  const names = labels.names ?? model.labels;
  const classes = classCount(model);
  const known = (frame: Frame): InputFrame => ({
    ...frame,
    expected: frame.label === null ? null : (resolveLabels([frame.label], names, classes)[0] ?? null),
  });
  return { name, count: null, take: (count) => taken(frames, count, known), names, live: frames };
}

async function* taken(
  frames: LiveFrames,
  count: number | null,
  known: (frame: Frame) => InputFrame,
): AsyncGenerator<InputFrame> {
  let left = count ?? Number.POSITIVE_INFINITY;
  for await (const frame of frames) {
    yield known(frame);
    left -= 1;
    if (left === 0) return;
  }
}

function notLive(what: string, verb: "is" | "are"): WamletError {
  return new WamletError(
    "WAMLET_USAGE",
    `${what} ${verb} for files; a live source gives frame after frame.`,
    "Send frames as --format jsonl (the default), csv or raw.",
  );
}
