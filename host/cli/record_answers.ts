/** `wamlet stream --record`: frames and their answers to a file, for replay. */
import type { Answer } from "../board/answer.js";
import { WamletError } from "../errors.js";
import type { Recording } from "../frames/recording.js";
import type { ModelDescription } from "../module/description.js";
import type { InputFrame } from "./input_frames.js";

/** `recordOptions` of the verb, as yargs hands them over. */
export interface RecordArguments {
  readonly record?: string | undefined;
  readonly append?: boolean | undefined;
}

/** @throws WamletError WAMLET_USAGE for `--append` alone */
export function checkRecordOptions({ record, append }: RecordArguments): void {
  if (append !== true || record !== undefined) return;
  throw new WamletError(
    "WAMLET_USAGE",
    "--append says how to record, but nothing is recorded.",
    "Give --record FILE with it.",
  );
}

/**
 * Begins the recording that the command line asks for, or gives null.
 * @param module its name
 * @throws WamletError WAMLET_FILE_UNWRITABLE
 */
export async function openRecording(
  { record, append }: RecordArguments,
  module: string,
  { inputs, outputs }: Pick<ModelDescription, "inputs" | "outputs">,
): Promise<Recording | null> {
  if (record === undefined) return null;
  const { Recording } = await import("../frames/recording.js");
  return Recording.open(record, { module, inputs, outputs }, { append: append ?? false });
}

/** Adds a frame and its answer, with what the answer measures. @throws WamletError WAMLET_FILE_UNWRITABLE */
export function recordAnswer(recording: Recording, answer: Answer, frame: InputFrame): void {
  const { count, microseconds, nanojoules, energySource, memoryBytes } = answer;
  recording.write({
    index: answer.frame,
    label: frame.label,
    inputs: frame.inputs,
    outputs: answer.outputs,
    measured: {
      count: count.value,
      countUnit: count.unit,
      countSource: count.source,
      microseconds,
      nanojoules,
      energySource,
      memoryBytes,
    },
  });
}
