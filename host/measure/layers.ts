/** Counts of layers → where the time of an inference goes. */

import type { LayerDescription } from "../module/description.js";
import { RunningStatistics, type Statistics } from "./statistics.js";

export interface LayerMeasurement {
  readonly index: number;
  /** `CONV_2D`. */
  readonly operator: string;
  /** Name of the output tensor. */
  readonly name: string;
  /** The kernel form that ran. */
  readonly kernel: string;
  readonly macs: number;
  /** In the unit of the whole inference's count. */
  readonly count: Statistics;
  /** Mean count per multiply-accumulate; null for a layer that has none. */
  readonly countPerMac: number | null;
  /** Of the inference's mean count, 0 to 1. */
  readonly share: number;
}

export interface LayerReport {
  readonly layers: readonly LayerMeasurement[];
  /** What the inference counted outside all layers: entry, exit, the calls of the profiler. */
  readonly outside: { readonly mean: number; readonly share: number };
}

/** Values per layer whose percentiles are exact: a model may have a hundred layers. */
const exactLimit = 4096;

/** Takes one profile per inference. */
export class LayerStatistics {
  readonly #layers: readonly LayerDescription[];
  readonly #counts: readonly RunningStatistics[];
  readonly #whole = new RunningStatistics(exactLimit);

  constructor(layers: readonly LayerDescription[]) {
    this.#layers = layers;
    this.#counts = layers.map(() => new RunningStatistics(exactLimit));
  }

  /**
   * @param counts one per layer
   * @param whole the inference's count
   * @throws RangeError for another number of counts than of layers
   */
  add(counts: readonly number[], whole: number): void {
    if (counts.length !== this.#layers.length) {
      throw new RangeError(`${counts.length} counts for ${this.#layers.length} layers`);
    }
    for (const [index, count] of counts.entries()) this.#counts[index]?.add(count);
    this.#whole.add(whole);
  }

  /** null before the first profile. */
  summary(): LayerReport | null {
    const whole = this.#whole.summary();
    if (whole === null) return null;
    const share = (count: number) => (whole.mean === 0 ? 0 : count / whole.mean);
    const layers = this.#layers.flatMap(({ index, operator, name, kernel, macs }, position) => {
      const count = this.#counts[position]?.summary() ?? null;
      if (count === null) return [];
      const countPerMac = macs === 0 ? null : count.mean / macs;
      return [{ index, operator, name, kernel, macs, count, countPerMac, share: share(count.mean) }];
    });
    const outside = whole.mean - layers.reduce((sum, { count }) => sum + count.mean, 0);
    return { layers, outside: { mean: outside, share: share(outside) } };
  }
}

/** The layers with the highest mean count, highest first. */
export function slowestLayers({ layers }: LayerReport, most: number): LayerMeasurement[] {
  const slowest = [...layers].sort(
    (one, other) => other.count.mean - one.count.mean || one.index - other.index,
  );
  return slowest.slice(0, most);
}
