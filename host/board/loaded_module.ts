/** A module that a board has in memory, ready for frames. */
import { type MessageOf, message } from "../wire/message.js";
import type { Answer } from "./answer.js";
import type { Conversation } from "./conversation.js";
import { restarted } from "./conversation_errors.js";
import { type InferenceTarget, sendFrame } from "./inference.js";
import { type Frames, type StreamOptions, streamFrames } from "./stream_frames.js";

/** What the board counted since the module was loaded or its state was reset. */
export interface Totals {
  readonly inferences: number;
  readonly count: number;
  readonly microseconds: number;
  /** Of the inferences whose energy the board knows. */
  readonly nanojoules: number;
}

export class LoadedModule {
  readonly #conversation: Conversation;
  readonly #target: InferenceTarget;
  /** As the board describes it: tensors, layers, memory account. */
  readonly description: Omit<MessageOf<"loaded">, "type" | "request" | "handle">;

  /** @param info the board's, for what counts and in which unit */
  constructor(
    conversation: Conversation,
    loaded: MessageOf<"loaded">,
    info: Pick<MessageOf<"info">, "countUnit" | "countSource">,
  ) {
    const { type: _type, request: _request, handle, ...description } = loaded;
    this.#conversation = conversation;
    this.description = description;
    this.#target = {
      name: loaded.name,
      handle,
      inputBytes: loaded.inputs.map(({ bytes }) => bytes),
      outputBytes: loaded.outputs.map(({ bytes }) => bytes),
      layers: loaded.layers,
      unit: info.countUnit,
      source: info.countSource,
      generation: conversation.generation,
    };
  }

  get name(): string {
    return this.description.name;
  }

  /**
   * One inference.
   * @param inputs the bytes of each input tensor
   * @throws WamletError WAMLET_WRONG_SHAPE, WAMLET_MODULE_TRAPPED, WAMLET_NO_LAYERS…
   */
  async infer(inputs: readonly Uint8Array[], { layers = false }: { layers?: boolean } = {}): Promise<Answer> {
    const { answer } = await sendFrame(this.#conversation, this.#target, inputs, 0, layers);
    return answer;
  }

  /** Frames in, answers out, in their order; as many under way as the board takes. */
  stream(frames: Frames, options: StreamOptions = {}): AsyncGenerator<Answer, void, undefined> {
    return streamFrames(this.#conversation, this.#target, frames, options);
  }

  async counters(): Promise<Totals> {
    const { handle } = this.#live();
    const doing = `read the counters of ${this.name}`;
    const totals = await this.#conversation.request(
      doing,
      (request) => message("counters", { request, handle }),
      "totals",
    );
    const { inferences, count, microseconds, nanojoules } = totals;
    return { inferences, count, microseconds, nanojoules };
  }

  /** Sets the module's state and its counters back. */
  async resetState(): Promise<void> {
    const { handle } = this.#live();
    await this.#conversation.request(
      `reset ${this.name}`,
      (request) => message("reset", { request, target: "state", handle }),
      "done",
    );
  }

  /** Gives its memory back. */
  async unload(): Promise<void> {
    const { handle } = this.#live();
    await this.#conversation.request(
      `unload ${this.name}`,
      (request) => message("unload", { request, handle }),
      "done",
    );
  }

  /** After a restart the handle may name another module. */
  #live(): InferenceTarget {
    if (this.#conversation.generation !== this.#target.generation) throw restarted();
    return this.#target;
  }
}
