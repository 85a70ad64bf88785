/**
 * A module that was loaded: takes a frame's input in chunks, checks that it is whole, runs it, and sums up what its
 * inferences cost.
 */
import type { Board } from "../descriptor/board.js";
import { runtimeFeatures } from "../module/manifest.js";
import type { MessageOf } from "../wire/message.js";
import { type ModelledCost, modelledCost, modelledLayerCycles } from "./modelled_cost.js";
import type { Inference, ModuleRunner } from "./module_runner.js";
import { Refusal } from "./refusal.js";
import type { StoredModule } from "./store.js";

/** One inference done: what it answers and what it cost. */
export interface Answered {
  readonly outputs: readonly Uint8Array[];
  readonly cost: ModelledCost;
  /** Modelled cycles by layer, where they were asked for. */
  readonly layerCycles: readonly number[];
}

const noTotals = { inferences: 0, cycles: 0, nanoseconds: 0, nanojoules: 0 };

export class LoadedModule {
  readonly #board: Board;
  readonly #runner: ModuleRunner;
  readonly #free: () => void;
  /** The frame whose input is arriving, and how much of each tensor has. */
  #frame: { readonly number: number; readonly received: number[] } | undefined;
  /** What ended it: every further frame is answered with it. */
  #fault: Refusal | undefined;
  #totals = noTotals;

  /**
   * @param runtimeBytes what the runtime takes beside linear memory
   * @param free gives its memory back
   */
  constructor(
    board: Board,
    readonly stored: StoredModule,
    readonly runtimeBytes: number,
    runner: ModuleRunner,
    free: () => void,
  ) {
    this.#board = board;
    this.#runner = runner;
    this.#free = free;
  }

  /** Since it was loaded or its state was reset. */
  get totals(): {
    readonly inferences: number;
    readonly cycles: number;
    readonly nanoseconds: number;
    readonly nanojoules: number;
  } {
    return this.#totals;
  }

  /**
   * Takes a chunk of input.
   * @returns whether the frame is whole, so that it can run
   * @throws Refusal wrong-tensor, wrong-length, no-layers, or what ended the module
   */
  accept(input: MessageOf<"input">): boolean {
    if (this.#fault !== undefined) throw this.#fault;
    const { inputs, layers } = this.stored.manifest;
    const place = inputs[input.tensor];
    if (place === undefined) {
      throw new Refusal(
        "wrong-tensor",
        [input.tensor, inputs.length],
        `Input tensor ${input.tensor} was sent; ${this.stored.name} has ${inputs.length}.`,
      );
    }
    if (input.layers && layers === 0) {
      throw new Refusal(
        "no-layers",
        [],
        `${this.stored.name} is no profiling build, so it does not tell its layers apart.`,
        "Compile it with `wamlet compile --profile` and deploy it again.",
      );
    }
    if (this.#frame?.number !== input.frame) {
      this.#frame = { number: input.frame, received: inputs.map(() => 0) };
    }
    const { received } = this.#frame;
    const end = input.offset + input.data.length;
    if (input.offset !== received[input.tensor] || end > place.bytes) {
      throw this.#wrongLength(input.tensor, end, place.bytes);
    }
    this.#runner.write(place.offset + input.offset, input.data);
    received[input.tensor] = end;
    if (input.more) return false;
    this.#frame = undefined;
    inputs.forEach(({ bytes }, tensor) => {
      const found = received[tensor] ?? 0;
      if (found !== bytes) throw this.#wrongLength(tensor, found, bytes);
    });
    return true;
  }

  /** Forgets input that has arrived of a frame. */
  dropInput(): void {
    this.#frame = undefined;
  }

  /** Runs a whole frame. @throws Refusal, after which the module answers nothing but it, unless infer itself failed */
  async infer(withLayers: boolean): Promise<Answered> {
    const { outputs, counts, layers } = await this.#guard<Inference>(() => this.#runner.infer());
    const cost = modelledCost(counts, this.#board);
    this.#totals = {
      inferences: this.#totals.inferences + 1,
      cycles: this.#totals.cycles + cost.cycles,
      nanoseconds: this.#totals.nanoseconds + cost.nanoseconds,
      nanojoules: this.#totals.nanojoules + cost.nanojoules,
    };
    const layerCycles = withLayers ? layers.map((layer) => modelledLayerCycles(layer, this.#board)) : [];
    return { outputs, cost, layerCycles };
  }

  /** Starts its state and its totals anew. @throws Refusal no-state */
  async resetState(): Promise<void> {
    if (this.#fault !== undefined) throw this.#fault;
    if ((this.stored.manifest.features & runtimeFeatures.state) === 0) {
      throw new Refusal(
        "no-state",
        [],
        `${this.stored.name} keeps no state between frames.`,
        "There is nothing to do.",
      );
    }
    await this.#guard(() => this.#runner.reset());
    this.#totals = noTotals;
  }

  /** Whether it was stopped for what it did. */
  get faulted(): boolean {
    return this.#fault !== undefined;
  }

  /** Gives its memory back. */
  async close(): Promise<void> {
    this.#free();
    await this.#runner.close();
  }

  async #guard<Value>(run: () => Promise<Value>): Promise<Value> {
    try {
      return await run();
    } catch (error) {
      if (error instanceof Refusal && error.reason !== "inference-failed") this.#fault = error;
      throw error;
    }
  }

  #wrongLength(tensor: number, found: number, expected: number): Refusal {
    this.#frame = undefined;
    return new Refusal(
      "wrong-length",
      [tensor, found, expected],
      `Input tensor ${tensor} of ${this.stored.name} takes ${expected} bytes; ${found} came, or not in order.`,
      "Send frames of the shape that `wamlet inspect` shows.",
    );
  }
}
