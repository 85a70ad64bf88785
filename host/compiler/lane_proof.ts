/** Whether three channels of a layer may share a word, and its constants where they may; see lane_constants.ts. */

import { type ClampTable, clampTable } from "./clamp_table.js";
import { foldBias } from "./filter.js";
import { multiplyByQuantizedMultiplier, type QuantizedMultiplier } from "./fixed_point.js";
import { laneBias } from "./generators/lane_words.js";
import {
  fitsLane,
  type LaneConstants,
  laneConstants,
  leastSum,
  sumRange,
  withCommonShift,
} from "./lane_constants.js";
import { type Geometry, geometry } from "./lane_geometry.js";
import type { Convolution } from "./sliding_filter.js";

export interface Proof {
  readonly parts: number;
  /** Whether one rounding does, with one shift for all channels. */
  readonly rectified: boolean;
  readonly constants: readonly LaneConstants[];
  /**
   * Each channel's least Σ x·w whose output is above the clamp's minimum, where lanes can start so that they end at 2²⁰
   * or above just then (the gate); else null.
   */
  readonly gate: readonly number[] | null;
  /** null where it would be large. */
  readonly table: ClampTable | null;
}

/** Whether a table takes the clamp's place: a rectifier's minimum is there already, which leaves one comparison. */
export function takesTable({ rectified, table }: Proof): boolean {
  return !rectified && table !== null;
}

const proofs = new WeakMap<Convolution, Proof | null>();

/** The lane form's constants where it is exact for every channel, else null. */
export function prove(layer: Convolution): Proof | null {
  let found = proofs.get(layer);
  if (found === undefined) {
    const shape = geometry(layer);
    found = shape && computeProof(layer, shape);
    proofs.set(layer, found);
  }
  return found;
}

function computeProof(layer: Convolution, { segments, segment }: Geometry): Proof | null {
  const whole = layer.filters.every((weights) => fitsLane(weights));
  const bySegment = () =>
    layer.filters.every((weights) =>
      Array.from({ length: segments }, (_, part) =>
        weights.subarray(part * segment, (part + 1) * segment),
      ).every(fitsLane),
    );
  if (!whole && !bySegment()) return null;
  const parts = whole ? 1 : segments;
  const sums: number[] = [];
  let [lowest, highest] = [0, 0];
  const biases = layer.filters.map((weights, channel) => {
    const bias = foldBias(layer.bias[channel] ?? 0, weights, layer.inputZeroPoint);
    const range = sumRange(weights);
    const multiplier = layer.multipliers[channel] as QuantizedMultiplier;
    sums.push(Math.max(Math.abs(bias + range.lowest), Math.abs(bias + range.highest)));
    lowest = Math.min(lowest, multiplyByQuantizedMultiplier(bias + range.lowest, multiplier));
    highest = Math.max(highest, multiplyByQuantizedMultiplier(bias + range.highest, multiplier));
    return bias;
  });
  const all = (rectified: boolean): LaneConstants[] | null => {
    const found = layer.filters.map((weights, channel) => {
      const multiplier = layer.multipliers[channel] as QuantizedMultiplier;
      return laneConstants(
        weights,
        biases[channel] ?? 0,
        multiplier,
        parts,
        layer.outputZeroPoint,
        rectified,
      );
    });
    const whole = found.flatMap((one) => (one === null ? [] : [one]));
    return whole.length === found.length ? whole : null;
  };
  const rounded = layer.clamp.minimum >= layer.outputZeroPoint ? all(true) : null;
  const common = rounded && withCommonShift(rounded, sums);
  const constants = common ?? all(false);
  if (!constants) return null;
  // One rounding may give a unit less than two below the zero point, where the clamp makes them equal.
  const range = { lowest: lowest + layer.outputZeroPoint - 1, highest: highest + layer.outputZeroPoint };
  return {
    parts,
    rectified: common !== null,
    constants,
    gate: common && parts === 1 ? findGate(layer, common) : null,
    table: clampTable(range, layer.clamp),
  };
}

/** A lane then holds 2²⁰ + Σ x·w − least, which has to end in [0, 2²¹) whatever x is. */
function findGate(layer: Convolution, constants: readonly LaneConstants[]): readonly number[] | null {
  const gate = layer.filters.map((weights, channel) =>
    leastSum(weights, constants[channel] as LaneConstants, laneBias, layer.clamp.minimum),
  );
  const fits = layer.filters.every((weights, channel) => {
    const { lowest, highest } = sumRange(weights);
    const least = gate[channel] as number;
    return laneBias + lowest - least >= 0 && highest - least < laneBias;
  });
  return fits ? gate : null;
}
