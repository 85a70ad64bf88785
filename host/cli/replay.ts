/** Frames that are a recording bring the answers of their time along: are today's the same? */
import type { Answer } from "../board/answer.js";
import { WamletError } from "../errors.js";
import type { FrameSet } from "../frames/frame_set.js";
import type { FrameTensor } from "../frames/quantise.js";
import type { Context } from "./verb.js";

export interface ReplayResult {
  /** Answers that were held against the recording's. */
  readonly compared: number;
  /** Of those, the ones that are the same in every byte. */
  readonly equal: number;
  /** Place in the recording of the first that is not, or null. */
  readonly firstDifferent: number | null;
}

export class Replay {
  readonly #recorded: FrameSet;
  #compared = 0;
  #equal = 0;
  #firstDifferent: number | null = null;

  constructor(recorded: FrameSet) {
    this.#recorded = recorded;
  }

  /** Holds an answer against the recorded one of its frame. */
  compare({ frame, outputs }: Pick<Answer, "frame" | "outputs">): void {
    const recorded = this.#recorded.frame(frame).inputs;
    const equal = outputs.every((bytes, index) => Buffer.compare(bytes, recorded[index] ?? bytes) === 0);
    this.#compared += 1;
    if (equal) this.#equal += 1;
    else this.#firstDifferent ??= frame;
  }

  result(): ReplayResult {
    return { compared: this.#compared, equal: this.#equal, firstDifferent: this.#firstDifferent };
  }
}

/**
 * The answers of a file of frames that is a recording; null for any other, and, with a note, for a recording whose
 * answers are not those of such a module.
 */
export async function openReplay(
  path: string,
  outputs: readonly FrameTensor[],
  { progress }: Pick<Context, "progress">,
): Promise<Replay | null> {
  const { statSync } = await import("node:fs");
  // A folder of images is none.
  if (!statSync(path, { throwIfNoEntry: false })?.isFile()) return null;
  const { isRecording, readRecordedAnswers } = await import("../frames/recording.js");
  if (!isRecording(path)) return null;
  try {
    return new Replay(readRecordedAnswers(path, outputs));
  } catch (error) {
    if (!(error instanceof WamletError)) throw error;
    progress.note(
      progress.colors.yellow(`The answers are not held against the recording's: ${error.message}`),
    );
    return null;
  }
}

/** `360 of 360 answers equal to the recording`. */
export function replayText({ compared, equal, firstDifferent }: ReplayResult): string {
  const first = firstDifferent === null ? "" : `; frame ${firstDifferent} is the first that differs`;
  return `${equal} of ${compared} answers equal to the recording${first}`;
}
