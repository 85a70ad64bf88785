/**
 * Frames from a live source: standard input, a socket, another serial port, opened by the caller. Reading goes on
 * while a board computes, into a queue of a few frames; what happens when that is full is the caller's choice.
 */

import { WamletError } from "../errors.js";
import { FrameQueue, type WhenFull } from "./frame_queue.js";
import type { Frame } from "./frame_set.js";
import { type LiveFormat, liveReader } from "./live_reader.js";
import type { FrameTensor } from "./quantise.js";

export interface LiveOptions {
  /** How errors name the source: `stdin`, `tcp://host:port`. */
  readonly name: string;
  readonly format: LiveFormat;
  /** What the numbers are: the tensor's own integers or (the default) real values; raw is quantised always. */
  readonly values?: "quantised" | "real" | undefined;
  /** CSV: whether the first line names the columns, instead of telling by its content. */
  readonly header?: boolean | undefined;
  /** Frames that may wait, 4 if left out. */
  readonly capacity?: number | undefined;
  /**
   * When so many wait: `wait` (the default) reads on only when there is room, which slows the source down;
   * `drop-oldest` keeps the newest frames, `drop-newest` the oldest, and both read on.
   */
  readonly whenFull?: WhenFull | undefined;
  /** A bad line: `refuse` (the default) ends with its error, `skip` counts it and goes on. */
  readonly malformed?: "refuse" | "skip" | undefined;
  /** Ends the frames, without an error, although the source goes on. */
  readonly signal?: AbortSignal | undefined;
}

export interface LiveCounts {
  /** Good frames that came. */
  readonly received: number;
  /** Of those, the ones that found no room. */
  readonly dropped: number;
  /** Lines (for raw: a last frame cut off) that were no frame. */
  readonly malformed: number;
}

/** Can be gone through once. `index` counts the frames that came: where it jumps, frames were dropped. */
export interface LiveFrames extends AsyncIterable<Frame> {
  readonly counts: LiveCounts;
  /** The error of the last bad line that was skipped. */
  readonly lastMalformed: WamletError | null;
}

/**
 * Reads frames from a stream of bytes as they come. The stream stays the caller's: whoever stops early (or aborts)
 * closes it.
 * @param bytes pieces of any length; a Node `Readable` is one
 * @param expected the module's inputs, in order
 * @throws WamletError WAMLET_WRONG_SHAPE at once where the format cannot hold the model's inputs, WAMLET_USAGE;
 *   while iterating WAMLET_INVALID_FRAMES, WAMLET_WRONG_SHAPE, WAMLET_INVALID_LABELS with the line, and
 *   WAMLET_FILE_UNREADABLE where the stream fails with something other than a WamletError
 */
export function liveFrames(
  bytes: AsyncIterable<Uint8Array>,
  expected: readonly FrameTensor[],
  options: LiveOptions,
): LiveFrames {
  const { name, format, signal } = options;
  if (expected.length === 0) throw new RangeError("a model has at least one input tensor");
  const capacity = options.capacity ?? 4;
  if (!Number.isInteger(capacity) || capacity < 1) {
    throw new WamletError(
      "WAMLET_USAGE",
      `--queue ${capacity} is no number of frames.`,
      "Give a whole number of frames that may wait, at least 1.",
    );
  }
  const reader = liveReader(format, expected, options.values ?? "real", options.header ?? null, name);
  const queue = new FrameQueue<Frame>(capacity, options.whenFull ?? "wait");
  const source = bytes[Symbol.asyncIterator]();
  let [received, malformed] = [0, 0];
  let lastMalformed: WamletError | null = null;

  /** Puts items into the queue; false once nobody takes them any more. */
  const pass = async (items: ReturnType<typeof reader.push>): Promise<boolean> => {
    for (const item of items) {
      if (item instanceof WamletError) {
        malformed++;
        if (options.malformed !== "skip") throw item;
        lastMalformed = item;
      } else if (!(await queue.put({ index: received++, ...item }))) return false;
    }
    return true;
  };
  const pump = async (): Promise<void> => {
    try {
      for (;;) {
        const { done, value } = await source.next();
        if (done === true) break;
        if (!(await pass(reader.push(value)))) return;
      }
      await pass(reader.end());
      queue.end();
    } catch (error) {
      queue.end(streamError(error, name));
    }
  };

  let started = false;
  async function* frames(): AsyncGenerator<Frame> {
    if (started) throw new RangeError("live frames can be gone through once");
    started = true;
    const stop = () => queue.stop();
    if (signal?.aborted) return;
    signal?.addEventListener("abort", stop, { once: true });
    void pump();
    try {
      for (;;) {
        const frame = await queue.take();
        if (frame === undefined) return;
        yield frame;
      }
    } finally {
      signal?.removeEventListener("abort", stop);
      queue.stop();
      // Not waited for: it may only come about when the stream's next bytes come.
      void source.return?.().catch(() => undefined);
    }
  }
  return {
    [Symbol.asyncIterator]: frames,
    get counts() {
      return { received, dropped: queue.dropped, malformed };
    },
    get lastMalformed() {
      return lastMalformed;
    },
  };
}

function streamError(error: unknown, name: string): unknown {
  if (error instanceof WamletError || error instanceof RangeError) return error;
  const code = error instanceof Error && "code" in error ? String(error.code) : String(error);
  return new WamletError(
    "WAMLET_FILE_UNREADABLE",
    `${name} cannot be read any further (${code}).`,
    "Start the source again.",
    { cause: error },
  );
}
