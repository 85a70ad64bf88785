/**
 * Where a convolution's output may lie over its input: rows are gathered before they are used, so what has been gathered
 * for the last time may be written over. The input then begins so far into the output's memory that no row is written
 * over one that is still to come ("diagonal memory optimisation": Blacker et al., 2020).
 */
import type { Tensor } from "../model/graph.js";
import { alignment } from "./arrange.js";
import type { Overlay } from "./layer.js";
import type { SlidingFilter } from "./sliding_filter.js";

/** Output rows that are computed from rows gathered at once: from `first` up to, not including, `end`. */
export interface RowStep {
  readonly first: number;
  readonly end: number;
}

/** The overlay of a form that goes through its output by `steps`, and gathers at the start of each. */
export function overlayRows(layer: SlidingFilter, steps: readonly RowStep[]): Overlay {
  const { vertical, horizontal, inputWidth, inputChannels, outputChannels } = layer;
  const inputRow = inputWidth * inputChannels;
  const outputRow = horizontal.outputs * outputChannels;
  let [distance, written] = [0, 0];
  for (const { first, end } of steps) {
    const needed = Math.max(0, first * vertical.stride - vertical.pad) * inputRow;
    distance = Math.max(distance, written - needed);
    written = Math.max(written, end * outputRow);
  }
  return { input: layer.inputs[0] as Tensor, distance: Math.ceil(distance / alignment) * alignment };
}
