/** What one inference gave, put together from the board's RESULT messages. */
import { WamletError } from "../errors.js";
import type { MessageOf } from "../wire/message.js";

export interface Answer {
  /** Position of the frame in what was streamed, from 0. */
  readonly frame: number;
  /** The bytes of each output tensor. */
  readonly outputs: Uint8Array[];
  /** What the inference took, in the unit that the board counts, and what counted it. */
  readonly count: {
    readonly value: number;
    readonly unit: "cycles" | "instructions";
    readonly source: string;
  };
  /** Time of the inference alone, on the board's clock. */
  readonly microseconds: number;
  /** null where the board neither measures nor models its energy. */
  readonly nanojoules: number | null;
  readonly energySource: "none" | "measured" | "modelled";
  /** Most bytes of the board's module pool that were in use while it ran. */
  readonly memoryBytes: number;
  /** The count by layer where it was asked for, else null. */
  readonly layers: number[] | null;
}

/** What is known of an answer before it comes. */
export interface AnswerForm {
  readonly outputBytes: readonly number[];
  readonly layers: number;
  readonly unit: "cycles" | "instructions";
  readonly source: string;
}

/** Collects the results of one frame; they come in order, each tensor's from its beginning. */
export class AnswerAssembly {
  readonly #outputs: Uint8Array[];
  readonly #filled: number[];
  readonly #layers: number[] = [];

  constructor(
    readonly frame: number,
    readonly form: AnswerForm,
    readonly wantsLayers: boolean,
  ) {
    this.#outputs = form.outputBytes.map((bytes) => new Uint8Array(bytes));
    this.#filled = form.outputBytes.map(() => 0);
  }

  /**
   * Takes a result.
   * @returns the answer once it is complete, else null
   * @throws WamletError WAMLET_INVALID_PACKET where the results do not fit the module's outputs
   */
  take(result: MessageOf<"result">): Answer | null {
    if (result.data.length > 0) this.#fill(result);
    this.#layers.push(...result.layers);
    if (this.#layers.length > this.form.layers) throw mismatch(`${this.#layers.length} layer counts`);
    if (result.more) return null;
    const missing = this.#outputs.findIndex((output, tensor) => this.#filled[tensor] !== output.length);
    if (missing >= 0) throw mismatch(`${this.#filled[missing]} bytes of output tensor ${missing}`);
    if (this.wantsLayers && this.#layers.length !== this.form.layers) {
      throw mismatch(`${this.#layers.length} layer counts`);
    }
    return {
      frame: this.frame,
      outputs: this.#outputs,
      count: { value: result.count, unit: this.form.unit, source: this.form.source },
      microseconds: result.microseconds,
      nanojoules: result.energySource === "none" ? null : result.nanojoules,
      energySource: result.energySource,
      memoryBytes: result.memoryBytes,
      layers: this.wantsLayers ? this.#layers : null,
    };
  }

  #fill({ tensor, offset, data }: MessageOf<"result">): void {
    const output = this.#outputs[tensor];
    if (output === undefined || this.#filled[tensor] !== offset || offset + data.length > output.length) {
      throw mismatch(`bytes ${offset} to ${offset + data.length} of output tensor ${tensor}`);
    }
    output.set(data, offset);
    this.#filled[tensor] = offset + data.length;
  }
}

function mismatch(what: string): WamletError {
  return new WamletError(
    "WAMLET_INVALID_PACKET",
    `The board's answer does not fit the module: it holds ${what}.`,
    "Load the module again; if this happens again, flash the agent of this release.",
  );
}
