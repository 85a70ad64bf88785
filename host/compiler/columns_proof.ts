/**
 * When a fully connected layer may be summed in lanes column by column, and the constants for it.
 *
 * A lane holds s + Σ x·w over a part of the column, x less its zero point. The start s is chosen per output and part so
 * that the lane ends in [0, 2²¹) whatever the input: −(the least sum) at least. Sums over all parts are then TensorFlow
 * Lite's plus a constant o = Σ s − bias. Where all outputs share one multiplier they share o as well, which the room
 * that is left in their lanes has to allow; so one k serves all (`lane_constants.ts`: two roundings, any sign).
 */
import { foldBias } from "./filter.js";
import type { QuantizedMultiplier } from "./fixed_point.js";
import { type LaneConstants, laneConstants } from "./lane_constants.js";
import type { Convolution } from "./sliding_filter.js";

/** A lane ends below this. */
const laneRange = 2 ** 21;
/** More parts than this would spend more on taking sums out than zeros save. */
const mostParts = 24;
/** Two's roundings with a larger shift would leave 32 bits with the zero point's term. */
const largestShift = 20;
export interface ColumnsProof {
  readonly parts: number;
  /** Inputs of a part; the last may have fewer. */
  readonly part: number;
  readonly shared: boolean;
  /** Per output and part. */
  readonly starts: readonly (readonly number[])[];
  /** Per output; k takes the starts off again. */
  readonly constants: readonly LaneConstants[];
  /** Largest value of a lane sum that is at the minimum; of use where constants are shared. */
  readonly threshold: number;
}

const proofs = new WeakMap<Convolution, ColumnsProof | null>();

/**
 * The proof for a fully connected layer as a 1×1 convolution; null where there is none, or more than one vector.
 */
export function proveColumns(layer: Convolution): ColumnsProof | null {
  let found = proofs.get(layer);
  if (found === undefined) {
    found = layer.inputHeight === 1 && layer.inputs[0]?.type === "int8" ? computeProof(layer) : null;
    proofs.set(layer, found);
  }
  return found;
}

function computeProof(layer: Convolution): ColumnsProof | null {
  const [first] = layer.multipliers as [QuantizedMultiplier];
  const shared = layer.multipliers.every(
    ({ multiplier, shift }) => multiplier === first.multiplier && shift === first.shift,
  );
  if (shared && (-first.shift < 1 || -first.shift > largestShift)) return null;
  const plain: LaneConstants[] = [];
  for (const [channel, weights] of layer.filters.entries()) {
    const bias = foldBias(layer.bias[channel] ?? 0, weights, layer.inputZeroPoint);
    const multiplier = layer.multipliers[channel] as QuantizedMultiplier;
    const one = laneConstants(weights, bias, multiplier, 0, layer.outputZeroPoint, false);
    if (!one) return null;
    plain.push(one);
  }
  for (let parts = 1; parts <= mostParts; parts++) {
    const part = Math.ceil(layer.inputChannels / parts);
    if (part * (parts - 1) >= layer.inputChannels) continue;
    const starts = findStarts(layer, part, parts, shared);
    if (!starts) continue;
    const constants = starts.map((all, channel) => {
      const offset = all.reduce((sum, start) => sum + start, -(layer.bias[channel] ?? 0));
      if (shared) return sharedConstants(first, offset, layer.outputZeroPoint);
      const { k, m, e, r } = plain[channel] as LaneConstants;
      // There k belongs to a sum without input zero point and with the bias.
      const folded = foldBias(layer.bias[channel] ?? 0, layer.filters[channel] ?? [], layer.inputZeroPoint);
      return { k: k - BigInt(offset + folded) * BigInt(m), m, e, r };
    });
    const threshold = shared ? thresholdOf(constants[0] as LaneConstants, layer.clamp.minimum) : 0;
    return { parts, part, shared, starts, constants, threshold };
  }
  return null;
}

/** Least and largest sum of x·w over taps `from` … `to` − 1, for all x that an int8 input less its zero point has. */
function partRange(layer: Convolution, channel: number, from: number, to: number) {
  const low = -128 - layer.inputZeroPoint;
  const high = 127 - layer.inputZeroPoint;
  let least = 0;
  let most = 0;
  for (const weight of (layer.filters[channel] as Int8Array).subarray(from, to)) {
    least += weight > 0 ? low * weight : high * weight;
    most += weight > 0 ? high * weight : low * weight;
  }
  return { least, most };
}

/** The starts of every output's parts, or null where lanes are too narrow for that many parts. */
function findStarts(layer: Convolution, part: number, parts: number, shared: boolean): number[][] | null {
  const ranges = layer.filters.map((_, channel) =>
    Array.from({ length: parts }, (_, index) =>
      partRange(layer, channel, index * part, Math.min((index + 1) * part, layer.inputChannels)),
    ),
  );
  if (ranges.some((all) => all.some(({ least, most }) => most - least >= laneRange))) return null;
  const starts = ranges.map((all) => all.map(({ least }) => -least));
  if (!shared) return starts;
  const sum = (values: readonly number[]) => values.reduce((total, value) => total + value, 0);
  // The offset that all share: as large as the output asks for that needs the most.
  const offset = starts.reduce(
    (most, all, channel) => Math.max(most, sum(all) - (layer.bias[channel] ?? 0)),
    0,
  );
  for (const [channel, all] of starts.entries()) {
    let missing = offset + (layer.bias[channel] ?? 0) - sum(all);
    for (const [index, { least, most }] of (ranges[channel] ?? []).entries()) {
      const added = Math.min(missing, laneRange - 1 - (most - least));
      all[index] = (all[index] as number) + added;
      missing -= added;
    }
    if (missing > 0) return null;
  }
  return starts;
}

function sharedConstants(
  { multiplier, shift }: QuantizedMultiplier,
  offset: number,
  zeroPoint: number,
): LaneConstants {
  const r = BigInt(2 ** (-shift - 1) + zeroPoint * 2 ** -shift);
  return { k: (1n << 30n) - BigInt(offset) * BigInt(multiplier), m: multiplier, e: -shift, r };
}

/** Requantisation never falls as the sum grows: the largest sum whose result is at the minimum or below, −1 for none. */
function thresholdOf({ k, m, e, r }: LaneConstants, minimum: number): number {
  let [low, high] = [-1, mostParts * laneRange];
  while (low < high) {
    const middle = Math.ceil((low + high) / 2);
    const t = (BigInt(middle) * BigInt(m) + k) >> 31n;
    if ((t + r + (t >> 63n)) >> BigInt(e) <= BigInt(minimum)) low = middle;
    else high = middle - 1;
  }
  return low;
}
