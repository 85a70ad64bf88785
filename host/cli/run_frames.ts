/** Frames through a loaded module, measured: what stream, profile and demo have in common. */
import type { Answer } from "../board/answer.js";
import type { LoadedModule } from "../board/loaded_module.js";
import type { LiveFrames } from "../frames/live.js";
import { tensorElements } from "../frames/quantise.js";
import { type MeasurementReport, Measurements } from "../measure/measurements.js";
import { type Rates, rates } from "../measure/rates.js";
import type { ModelDescription } from "../module/description.js";
import type { BoardConnection } from "./board_connection.js";
import { digits, formatShare } from "./format.js";
import type { InputFrame, InputFrames } from "./input_frames.js";
import type { Context } from "./verb.js";

export interface RunOptions {
  /** Frames to run; more than a file has begin again, null runs all that come. */
  readonly count: number | null;
  /** Frames a second; without it, as fast as line and board allow. */
  readonly rate?: number | undefined;
  readonly layers?: boolean | undefined;
  /** Told of each answer, with its frame. */
  readonly onAnswer?: ((answer: Answer, frame: InputFrame) => void) | undefined;
  /** A line that shows how far it is; not where answers are printed one by one. */
  readonly live?: boolean | undefined;
}

export interface Run {
  /** null where not one answer came. */
  readonly measurements: MeasurementReport | null;
  readonly rates: Rates | null;
  readonly elapsedMicroseconds: number;
  /** Values of all frames that were sent, and how many of them did not fit their tensor's range. */
  readonly inputValues: number;
  readonly clampedValues: number;
  readonly interrupted: boolean;
}

/**
 * Frames of a live source that are sent ahead: one that is computed and one that arrives meanwhile. More would only
 * grow old on the board, where none is dropped for a newer one.
 */
const liveFramesAhead = 2;

/**
 * Runs frames and collects what they measure. An interruption ends it with what came until then.
 * @throws WamletError what the board says of a frame, or that it is gone
 */
export async function runFrames(
  { meter, board }: BoardConnection,
  loaded: LoadedModule,
  model: Pick<ModelDescription, "inputs" | "outputs" | "layers">,
  frames: InputFrames,
  { count, rate, layers = false, onAnswer, live = true }: RunOptions,
  { progress, signal }: Context,
): Promise<Run> {
  const measurements = new Measurements(model);
  const before = meter.read();
  const tally = { answered: 0, labelled: 0, correct: 0, inferenceMicroseconds: 0 };
  const sent = { frames: 0, clamped: 0 };
  // Answers come in the order of the frames.
  const underWay: InputFrame[] = [];
  let answered = () => {};
  const room = async () => {
    while (frames.live !== null && underWay.length >= liveFramesAhead && !signal.aborted) {
      await new Promise<void>((resolve) => {
        answered = resolve;
      });
    }
  };
  const wake = () => answered();
  signal.addEventListener("abort", wake);
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
  const { withEnergy } = await import("../measure/energy.js");
  const [output] = model.outputs;
  try {
    const source = inputs(frames, { count, rate }, signal, room, (frame) => {
      underWay.push(frame);
      sent.frames += 1;
      sent.clamped += frame.clamped;
    });
    for await (const raw of loaded.stream(source, { signal, layers })) {
      const frame = underWay.shift();
      wake();
      if (frame === undefined) throw new RangeError(`answer ${raw.frame} to no frame`);
      const { index, expected } = frame;
      // Of a repeated file the frame's place in it, of a live source its place among all that came.
      const answer = withEnergy({ ...raw, frame: index }, board);
      measurements.add(answer, expected);
      tally.answered += 1;
      tally.inferenceMicroseconds += answer.microseconds;
      const [bytes] = answer.outputs;
      if (expected !== null && output !== undefined && bytes !== undefined) {
        tally.labelled += 1;
        if (bestClass(bytes, output) === expected) tally.correct += 1;
      }
      onAnswer?.(answer, frame);
      if (live) {
        const share = count === null ? undefined : tally.answered / count;
        progress.show(liveText(count, tally, speed(), frames.live), share);
      }
    }
  } catch (error) {
    if (!signal.aborted) throw error;
  } finally {
    signal.removeEventListener("abort", wake);
  }
  const finalRates = speed();
  progress.clear();
  return {
    measurements: measurements.report(),
    rates: finalRates,
    elapsedMicroseconds: elapsed,
    inputValues: sent.frames * model.inputs.reduce((sum, tensor) => sum + tensorElements(tensor), 0),
    clampedValues: sent.clamped,
    interrupted: signal.aborted,
  };
}

/** `120 of 360  42.1 frames/s  line 12.3 %  accuracy 98.3 %`. */
function liveText(
  count: number | null,
  { answered, labelled, correct }: { answered: number; labelled: number; correct: number },
  speed: Rates | null,
  live: LiveFrames | null,
): string {
  const parts = [count === null ? `${answered} frames` : `${answered} of ${count}`];
  if (speed !== null) parts.push(`${digits(speed.framesPerSecond)} frames/s`);
  if (speed?.lineUtilisation) parts.push(`line ${formatShare(speed.lineUtilisation.toBoard)}`);
  if (live !== null && live.counts.dropped > 0) parts.push(`${live.counts.dropped} dropped`);
  if (labelled > 0) parts.push(`accuracy ${formatShare(correct / labelled)}`);
  return parts.join("  ");
}

/** The frames in their order, at the rate that is asked for. */
async function* inputs(
  frames: InputFrames,
  { count, rate }: Pick<RunOptions, "count" | "rate">,
  signal: AbortSignal,
  room: () => Promise<void>,
  onFrame: (frame: InputFrame) => void,
): AsyncGenerator<readonly Uint8Array[]> {
  const started = performance.now();
  let position = 0;
  for await (const frame of frames.take(count)) {
    if (signal.aborted) return;
    onFrame(frame);
    yield frame.inputs;
    position += 1;
    await room();
    if (rate === undefined || position === count) continue;
    // Against the start and not the frame before, so that lateness does not add up; and before the next frame is
    // taken, so that a live source gives its newest.
    await pause(started + (position * 1000) / rate - performance.now(), signal);
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
