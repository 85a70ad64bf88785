/**
 * A stream of frames through a loaded module: sends ahead as far as the board's window allows, gives the answers
 * in the order of the frames, and stops sending where the consumer does not keep up.
 */
import { interrupted } from "../transport/abort.js";
import type { Answer } from "./answer.js";
import type { Conversation } from "./conversation.js";
import { type InferenceTarget, sendFrame } from "./inference.js";

/** Frames in order, each the bytes of its input tensors. */
export type Frames = Iterable<readonly Uint8Array[]> | AsyncIterable<readonly Uint8Array[]>;

export interface StreamOptions {
  /** Ends the stream with WAMLET_INTERRUPTED; the board stays usable. */
  readonly signal?: AbortSignal | undefined;
  /** Count by layer; needs a profiling build. */
  readonly layers?: boolean | undefined;
  /** Told of each frame that was handed over, by its position. */
  readonly onSent?: ((frame: number) => void) | undefined;
}

/** Frames that may be sent and not yet consumed as answers: in number, and in bytes of their outputs. */
const mostAhead = 256;
const mostBytesAhead = 1 << 20;

/** @throws WamletError what the board says of a frame, once the answers before it were consumed */
export async function* streamFrames(
  conversation: Conversation,
  target: InferenceTarget,
  frames: Frames,
  { signal, layers = false, onSent }: StreamOptions,
): AsyncGenerator<Answer, void, undefined> {
  if (signal?.aborted) throw interrupted();
  const flow = new Flow(target);
  const stop = () => flow.stop();
  signal?.addEventListener("abort", stop);
  void produce();
  try {
    for (;;) {
      const answer = await flow.take();
      if (answer === null) return;
      yield answer;
    }
  } finally {
    signal?.removeEventListener("abort", stop);
    flow.stop();
  }

  async function produce(): Promise<void> {
    try {
      let position = 0;
      for await (const inputs of frames) {
        if (!(await flow.admits())) return;
        const { answer } = await sendFrame(conversation, target, inputs, position, layers);
        flow.put(answer);
        onSent?.(position);
        position += 1;
      }
      flow.end();
    } catch (error) {
      // It comes out in its place: after the answers of the frames before it.
      flow.put(Promise.reject(error));
    }
  }
}

/** The answers under way between producer and consumer. */
class Flow {
  readonly #answers: Promise<Answer>[] = [];
  readonly #limit: number;
  #ended = false;
  #stopped = false;
  /** Wakes whoever waits for a change. */
  #changed: () => void = () => {};
  #change: Promise<void> = this.#next();

  constructor(target: InferenceTarget) {
    const bytes = target.outputBytes.reduce((sum, output) => sum + output, 1);
    this.#limit = Math.max(4, Math.min(mostAhead, Math.floor(mostBytesAhead / bytes)));
  }

  /** Producer: waits until one more frame may be sent; false where nobody wants it any more. */
  async admits(): Promise<boolean> {
    while (this.#answers.length >= this.#limit && !this.#stopped) await this.#change;
    return !this.#stopped;
  }

  /** Producer: an answer to come. */
  put(answer: Promise<Answer>): void {
    answer.catch(() => {});
    this.#answers.push(answer);
    this.#tell();
  }

  /** Producer: there are no more frames. */
  end(): void {
    this.#ended = true;
    this.#tell();
  }

  stop(): void {
    this.#stopped = true;
    this.#tell();
  }

  /**
   * Consumer: the next answer, or null at the end.
   * @throws WamletError WAMLET_INTERRUPTED where the flow was stopped
   */
  async take(): Promise<Answer | null> {
    for (;;) {
      if (this.#stopped) throw interrupted();
      const first = this.#answers[0];
      if (first === undefined && this.#ended) return null;
      if (first === undefined) {
        await this.#change;
        continue;
      }
      const answer = await Promise.race([first, this.#change.then(() => null)]);
      if (answer === null) continue;
      this.#answers.shift();
      this.#tell();
      return answer;
    }
  }

  #tell(): void {
    const changed = this.#changed;
    this.#change = this.#next();
    changed();
  }

  #next(): Promise<void> {
    return new Promise((resolve) => {
      this.#changed = resolve;
    });
  }
}
