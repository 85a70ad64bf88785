/** Frames through a loaded module, measured: what stream, profile and demo have in common. */
import type { Answer } from "../board/answer.js";
import type { LoadedModule } from "../board/loaded_module.js";
import { type MeasurementReport, Measurements } from "../measure/measurements.js";
import { type Rates, rates } from "../measure/rates.js";
import type { ModelDescription } from "../module/description.js";
import type { BoardConnection } from "./board_connection.js";
import { digits, formatShare } from "./format.js";
import type { InputFrames } from "./input_frames.js";
import type { Context } from "./verb.js";

export interface RunOptions {
  /** Frames to run; more than there are begin again. */
  readonly count: number;
  /** Frames a second; without it, as fast as line and board allow. */
  readonly rate?: number | undefined;
  readonly layers?: boolean | undefined;
  /** Told of each answer, with the class that its frame has. */
  readonly onAnswer?: ((answer: Answer, expected: number | null) => void) | undefined;
  /** A line that shows how far it is; not where answers are printed one by one. */
  readonly live?: boolean | undefined;
}

export interface Run {
  /** null where not one answer came. */
  readonly measurements: MeasurementReport | null;
  readonly rates: Rates | null;
  readonly elapsedMicroseconds: number;
  /** Input values that did not fit their tensor's range. */
  readonly clampedValues: number;
  readonly interrupted: boolean;
}

/**
 * Runs frames and collects what they measure. An interruption ends it with what came until then.
 * @throws WamletError what the board says of a frame, or that it is gone
 */
export async function runFrames(
  { meter }: BoardConnection,
  loaded: LoadedModule,
  model: Pick<ModelDescription, "inputs" | "outputs" | "layers">,
  frames: InputFrames,
  { count, rate, layers = false, onAnswer, live = true }: RunOptions,
  { progress, signal }: Context,
): Promise<Run> {
  const measurements = new Measurements(model);
  const before = meter.read();
  const tally = { answered: 0, labelled: 0, correct: 0, inferenceMicroseconds: 0, clamped: 0 };
  let elapsed = 0;
  const speed = () => {
    const now = meter.read();
    elapsed = now.microseconds - before.microseconds;
    return rates({
      frames: tally.answered,
      bytesToBoard: now.bytesToBoard - before.bytesToBoard,
      bytesFromBoard: now.bytesFromBoard - before.bytesFromBoard,
      elapsedMicroseconds: elapsed,
      inferenceMicroseconds: tally.inferenceMicroseconds,
      baudRate: meter.baudRate,
    });
  };
  const { bestClass } = await import("../measure/classes.js");
  const [output] = model.outputs;
  let interrupted = false;
  try {
    const source = inputs(frames, count, rate, signal, (clamped) => {
      tally.clamped += clamped;
    });
    for await (const raw of loaded.stream(source, { signal, layers })) {
      const index = raw.frame % frames.count;
      // Of a repeated file, the frame's place in it.
      const answer = { ...raw, frame: index };
      const expected = frames.expected?.[index] ?? null;
      measurements.add(answer, expected);
      tally.answered += 1;
      tally.inferenceMicroseconds += answer.microseconds;
      const [bytes] = answer.outputs;
      if (expected !== null && output !== undefined && bytes !== undefined) {
        tally.labelled += 1;
        if (bestClass(bytes, output) === expected) tally.correct += 1;
      }
      onAnswer?.(answer, expected);
      if (live) progress.show(liveText(count, tally, speed()), tally.answered / count);
    }
  } catch (error) {
    if (!signal.aborted) throw error;
    interrupted = true;
  }
  const finalRates = speed();
  progress.clear();
  return {
    measurements: measurements.report(),
    rates: finalRates,
    elapsedMicroseconds: elapsed,
    clampedValues: tally.clamped,
    interrupted,
  };
}

/** `120 of 360  42.1 frames/s  line 12.3 %  accuracy 98.3 %`. */
function liveText(
  count: number,
  { answered, labelled, correct }: { answered: number; labelled: number; correct: number },
  speed: Rates | null,
): string {
  const parts = [`${answered} of ${count}`];
  if (speed !== null) parts.push(`${digits(speed.framesPerSecond)} frames/s`);
  if (speed?.lineUtilisation) parts.push(`line ${formatShare(speed.lineUtilisation.toBoard)}`);
  if (labelled > 0) parts.push(`accuracy ${formatShare(correct / labelled)}`);
  return parts.join("  ");
}

/** The frames in their order, at the rate that is asked for. */
async function* inputs(
  frames: InputFrames,
  count: number,
  rate: number | undefined,
  signal: AbortSignal,
  clamped: (values: number) => void,
): AsyncGenerator<readonly Uint8Array[]> {
  const started = performance.now();
  for (let index = 0; index < count && !signal.aborted; index++) {
    // Against the start and not the frame before, so that lateness does not add up.
    if (rate !== undefined) await pause(started + (index * 1000) / rate - performance.now(), signal);
    const frame = frames.frame(index % frames.count);
    clamped(frame.clamped);
    yield frame.inputs;
  }
}

function pause(milliseconds: number, signal: AbortSignal): Promise<void> {
  if (milliseconds <= 0 || signal.aborted) return Promise.resolve();
  return new Promise((resolve) => {
    const end = () => {
      clearTimeout(timer);
      signal.removeEventListener("abort", end);
      resolve();
    };
    const timer = setTimeout(end, milliseconds);
    signal.addEventListener("abort", end);
  });
}
