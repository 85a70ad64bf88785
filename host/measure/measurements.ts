/** Answers, one by one → the figures of a run. Prints nothing and keeps no answer. */

import { WamletError } from "../errors.js";
import { tensorElements } from "../frames/quantise.js";
import type { ModelDescription } from "../module/description.js";
import type { MeasuredAnswer } from "./answer.js";
import { type Accuracy, bestClass, Confusion } from "./classes.js";
import { type LayerReport, LayerStatistics } from "./layers.js";
import { RunningStatistics, type Statistics } from "./statistics.js";

/** Figures with their unit and with what they come from. */
export interface CountReport {
  readonly unit: "cycles" | "instructions";
  readonly source: string;
  readonly statistics: Statistics;
}

export interface EnergyReport {
  readonly unit: "nanojoules";
  readonly source: "measured" | "modelled";
  /** Over the answers that have energy of this source: a sensor may miss one. */
  readonly statistics: Statistics;
}

export interface MeasurementReport {
  /** Answers that were added. */
  readonly frames: number;
  /** null where no frame had a label. */
  readonly accuracy: Accuracy | null;
  readonly count: CountReport;
  readonly microseconds: Statistics;
  /** What was measured, else what was modelled; null where nothing is known. */
  readonly energy: EnergyReport | null;
  /** Bytes of one frame's input and output tensors. */
  readonly frameBytes: { readonly input: number; readonly output: number };
  /** Most memory that any answer reports. */
  readonly memoryBytes: number;
  /** null where the module is no profiling build. */
  readonly layers: LayerReport | null;
}

/** Collects the answers of one module on one board. */
export class Measurements {
  readonly #model: Pick<ModelDescription, "inputs" | "outputs" | "layers">;
  readonly #confusion: Confusion;
  readonly #layers: LayerStatistics;
  readonly #counts = new RunningStatistics();
  readonly #microseconds = new RunningStatistics();
  readonly #nanojoules = { measured: new RunningStatistics(), modelled: new RunningStatistics() };
  #first: MeasuredAnswer | null = null;
  #memoryBytes = 0;

  constructor(model: Pick<ModelDescription, "inputs" | "outputs" | "layers">) {
    this.#model = model;
    const [output] = model.outputs;
    this.#confusion = new Confusion(output === undefined ? 0 : tensorElements(output));
    this.#layers = new LayerStatistics(model.layers);
  }

  /**
   * @param expected the frame's class (a position of the first output), null where it is unknown
   * @throws WamletError WAMLET_INVALID_PACKET where the answer does not belong to this model or counts in
   *   another unit than the ones before; WAMLET_INVALID_LABELS for a class that the model has not
   */
  add(answer: MeasuredAnswer, expected: number | null = null): void {
    this.#check(answer);
    const [output] = this.#model.outputs;
    const [bytes] = answer.outputs;
    // Refuses a class that the model has not, before anything is counted.
    if (expected !== null && output !== undefined && bytes !== undefined) {
      this.#confusion.add(expected, bestClass(bytes, output));
    }
    if (answer.layers !== null) this.#layers.add(answer.layers, answer.count.value);
    this.#counts.add(answer.count.value);
    this.#microseconds.add(answer.microseconds);
    const { energySource, nanojoules } = answer;
    if (energySource !== "none" && nanojoules !== null) this.#nanojoules[energySource].add(nanojoules);
    this.#memoryBytes = Math.max(this.#memoryBytes, answer.memoryBytes);
    this.#first ??= { ...answer, outputs: [] };
  }

  /** The figures so far; null before the first answer. */
  report(): MeasurementReport | null {
    const first = this.#first;
    const count = this.#counts.summary();
    const microseconds = this.#microseconds.summary();
    if (first === null || count === null || microseconds === null) return null;
    const sum = (tensors: readonly { bytes: number }[]) =>
      tensors.reduce((total, tensor) => total + tensor.bytes, 0);
    return {
      frames: count.count,
      accuracy: this.#confusion.summary(),
      count: { unit: first.count.unit, source: first.count.source, statistics: count },
      microseconds,
      energy: this.#energy("measured") ?? this.#energy("modelled"),
      frameBytes: { input: sum(this.#model.inputs), output: sum(this.#model.outputs) },
      memoryBytes: this.#memoryBytes,
      layers: this.#layers.summary(),
    };
  }

  #energy(source: EnergyReport["source"]): EnergyReport | null {
    const statistics = this.#nanojoules[source].summary();
    return statistics === null ? null : { unit: "nanojoules", source, statistics };
  }

  /** Everything is checked before anything is added, so that a refused answer leaves no trace. */
  #check(answer: MeasuredAnswer): void {
    const refuse = (what: string) =>
      new WamletError(
        "WAMLET_INVALID_PACKET",
        `The answer to frame ${answer.frame} ${what}.`,
        "Deploy the module again; if it stays so, update the agent and wamlet to the same release.",
      );
    const { outputs } = this.#model;
    const wrong = answer.outputs.findIndex((bytes, index) => bytes.length !== outputs[index]?.bytes);
    if (answer.outputs.length !== outputs.length || wrong !== -1) {
      const found = answer.outputs.map((bytes) => bytes.length).join(" + ");
      throw refuse(`has ${found} bytes where the model has ${outputs.map(({ bytes }) => bytes).join(" + ")}`);
    }
    const { count, microseconds, nanojoules, memoryBytes, layers } = answer;
    for (const figure of [count.value, microseconds, nanojoules ?? 0, memoryBytes, ...(layers ?? [])]) {
      if (!Number.isFinite(figure) || figure < 0) throw refuse(`carries the figure ${figure}`);
    }
    const layerCount = this.#model.layers.length;
    if (layers !== null && layers.length !== layerCount) {
      throw refuse(`has counts of ${layers.length} layers where the module describes ${layerCount}`);
    }
    const first = this.#first;
    if (first === null) return;
    if (count.unit !== first.count.unit || count.source !== first.count.source) {
      throw refuse(
        `counts ${count.unit} (${count.source}) where those before counted ${first.count.unit} (${first.count.source})`,
      );
    }
    if ((layers === null) !== (first.layers === null)) {
      throw refuse(
        layers === null ? "lacks the layers that those before had" : "has layers, those before had none",
      );
    }
  }
}
