/**
 * When a fully connected layer may be summed in lanes column by column, and the constants for it.
 *
 * A lane holds s + Σ x·w over a part of the column, x less its zero point. The start s is chosen per output and part so
 * that the lane ends in [0, 2^W) whatever the input, W the bits of the lane that the output was put in
 * (`columns_lanes.ts`): −(the least sum) at least. Sums over all parts are then TensorFlow Lite's plus a constant
 * o = Σ s − bias. Where all outputs share one multiplier, those of one kind of lane share o as well, which the room that
 * is left in their lanes has to allow; so one k serves all of them (`lane_constants.ts`: two roundings, any sign, or one
 * where the clamp cuts everything below the zero point).
 */
import {
  type Demand,
  type Interval,
  inOwnOrder,
  kindOf,
  type LaneOrder,
  mightHold,
  sortIntoLanes,
} from "./columns_lanes.js";
import { foldBias } from "./filter.js";
import type { QuantizedMultiplier } from "./fixed_point.js";
import type { ColumnsKernel } from "./generators/columns.js";
import type { ColumnsLayout } from "./generators/columns_layout.js";
import { type LaneConstants, laneConstants } from "./lane_constants.js";
import type { Convolution } from "./sliding_filter.js";

/** More parts than this would spend more on taking sums out than zeros save. */
const mostParts = 24;
/** Two's roundings with a larger shift would leave 32 bits with the zero point's term. */
const largestShift = 20;

export interface ColumnsProof {
  readonly parts: number;
  /** Inputs of a part; the last may have fewer. */
  readonly part: number;
  /** Output of each slot (`columns_lanes.ts`), or −1. */
  readonly outputs: readonly number[];
  /** Per slot and part; none where there is no output. */
  readonly starts: readonly (readonly number[])[];
  /** Each way from a lane's sums to a byte that is exact, the quickest first. */
  readonly requantisations: readonly Requantisation[];
}

/** A way from a lane's sums to a byte. */
export interface Requantisation {
  readonly rounding: ColumnsKernel["rounding"];
  /** Per slot, or per kind of slot where all outputs share one multiplier; k takes the starts off again. */
  readonly constants: readonly LaneConstants[];
  /** Per kind of slot: the largest value of a lane's sums that is at the minimum; of use where constants are shared. */
  readonly limits: readonly number[];
}

const proofs = new WeakMap<Convolution, Map<string, ColumnsProof | null>>();

/**
 * The proof for a fully connected layer as a 1×1 convolution, with the fewest parts; null where there is none, or more
 * than one vector.
 * @param triples words of three outputs in a block
 */
export function proveColumns(
  layer: Convolution,
  layout: ColumnsLayout,
  triples: number,
): ColumnsProof | null {
  const ofLayer = proofs.get(layer) ?? new Map<string, ColumnsProof | null>();
  proofs.set(layer, ofLayer);
  const key = `${layout.masked} ${triples}`;
  let found = ofLayer.get(key);
  if (found === undefined) {
    found = computeProof(layer, layout, triples);
    ofLayer.set(key, found);
  }
  return found;
}

/** Roundings of a layer that are exact, the quickest first; and the constants of outputs that have each its own. */
interface Rounding {
  readonly kinds: readonly ColumnsKernel["rounding"][];
  readonly shared: boolean;
  readonly own: readonly LaneConstants[];
}

const roundings = new WeakMap<Convolution, Rounding | null>();

function roundingOf(layer: Convolution): Rounding | null {
  let found = roundings.get(layer);
  if (found === undefined) {
    found = computeRounding(layer);
    roundings.set(layer, found);
  }
  return found;
}

function computeRounding(layer: Convolution): Rounding | null {
  if (layer.inputHeight !== 1 || layer.inputs[0]?.type !== "int8") return null;
  const [first] = layer.multipliers as [QuantizedMultiplier];
  const shared = layer.multipliers.every(
    ({ multiplier, shift }) => multiplier === first.multiplier && shift === first.shift,
  );
  if (shared && (-first.shift < 1 || -first.shift > largestShift)) return null;
  const own: LaneConstants[] = [];
  for (const [channel, weights] of layer.filters.entries()) {
    const bias = foldBias(layer.bias[channel] ?? 0, weights, layer.inputZeroPoint);
    const multiplier = layer.multipliers[channel] as QuantizedMultiplier;
    const one = laneConstants(weights, bias, multiplier, 0, layer.outputZeroPoint, false);
    if (!one) return null;
    own.push(one);
  }
  if (!shared) return { kinds: ["each"], shared, own };
  const rectified = layer.clamp.minimum >= layer.outputZeroPoint;
  return { kinds: rectified ? ["once", "twice"] : ["twice"], shared, own };
}

function computeProof(layer: Convolution, layout: ColumnsLayout, triples: number): ColumnsProof | null {
  const rounding = roundingOf(layer);
  if (!rounding) return null;
  const whole = partSums(layer, layer.inputChannels, 1, rounding.shared).demands;
  for (let parts = 1; parts <= mostParts; parts++) {
    const part = Math.ceil(layer.inputChannels / parts);
    if (part * (parts - 1) >= layer.inputChannels) continue;
    // One part at least has its share of the whole range.
    const shares = whole.map(({ range }) => range / parts);
    if (!mightHold(shares, layout, triples)) continue;
    const { sums, demands } = partSums(layer, part, parts, rounding.shared);
    const order = (layout.masked ? sortIntoLanes : inOwnOrder)(demands, layout, triples);
    if (order) return { parts, part, ...constantsOf(layer, layout, triples, rounding, sums, order) };
  }
  return null;
}

/** Least and largest sum of x·w over a part, for all x that an int8 input less its zero point has. */
interface Sums {
  readonly least: number;
  readonly most: number;
}

/** What does not depend on the lanes, per output. */
interface Parts {
  readonly sums: readonly (readonly Sums[])[];
  readonly demands: readonly Demand[];
}

const partsOf = new WeakMap<Convolution, Map<number, Parts>>();

function partSums(layer: Convolution, part: number, parts: number, shared: boolean): Parts {
  const ofLayer = partsOf.get(layer) ?? new Map<number, Parts>();
  partsOf.set(layer, ofLayer);
  let found = ofLayer.get(parts);
  if (!found) {
    const low = -128 - layer.inputZeroPoint;
    const high = 127 - layer.inputZeroPoint;
    const sums = layer.filters.map((weights) =>
      Array.from({ length: parts }, (_, index) => {
        let least = 0;
        let most = 0;
        for (const weight of weights.subarray(index * part, (index + 1) * part)) {
          least += weight > 0 ? low * weight : high * weight;
          most += weight > 0 ? high * weight : low * weight;
        }
        return { least, most };
      }),
    );
    const demands = sums.map((all, channel) => demand(all, layer.bias[channel] ?? 0, shared));
    found = { sums, demands };
    ofLayer.set(parts, found);
  }
  return found;
}

/** What an output's sums ask of a lane. */
function demand(sums: readonly Sums[], bias: number, shared: boolean): Demand {
  const range = sums.reduce((widest, { least, most }) => Math.max(widest, most - least), 0);
  const leastOffset = sums.reduce((total, { least }) => total - least, -bias);
  const filled = sums.reduce((total, { least, most }) => total + most - least, 0);
  return {
    range,
    interval(width): Interval | null {
      if (range >= 2 ** width) return null;
      if (!shared) return { low: Number.NEGATIVE_INFINITY, high: Number.POSITIVE_INFINITY };
      return { low: leastOffset, high: leastOffset + sums.length * (2 ** width - 1) - filled };
    },
  };
}

function constantsOf(
  layer: Convolution,
  { widths }: ColumnsLayout,
  triples: number,
  { kinds, shared, own }: Rounding,
  sums: readonly (readonly Sums[])[],
  { outputs, offsets }: LaneOrder,
): Pick<ColumnsProof, "outputs" | "starts" | "requantisations"> {
  const starts = outputs.map((output, slot) => {
    const all = sums[output];
    if (!all) return [];
    const least = all.map((one) => -one.least);
    if (!shared) return least;
    const slotKind = kindOf(slot, triples);
    const offset = (offsets[slotKind] as number) + (layer.bias[output] ?? 0);
    let missing = offset - least.reduce((total, start) => total + start, 0);
    return least.map((start, index) => {
      const one = all[index] as Sums;
      const added = Math.min(missing, 2 ** (widths[slotKind] as number) - 1 - (one.most - one.least));
      missing -= added;
      return start + added;
    });
  });
  if (shared) {
    const [first] = layer.multipliers as [QuantizedMultiplier];
    const requantisations = kinds.map((rounding) => {
      const once = rounding === "once";
      const constants = offsets.map((offset) => sharedConstants(first, offset, layer.outputZeroPoint, once));
      const limits = constants.map((one, index) =>
        limitOf(one, once, layer.clamp.minimum, mostParts * 2 ** (widths[index] as number)),
      );
      return { rounding, constants, limits };
    });
    return { outputs, starts, requantisations };
  }
  const constants = outputs.map((output, slot) => {
    const plain = own[output];
    if (!plain) return { k: 0n, m: 0, e: 1, r: 0n };
    const bias = layer.bias[output] ?? 0;
    const offset = (starts[slot] ?? []).reduce((sum, start) => sum + start, -bias);
    // There k belongs to a sum without input zero point and with the bias.
    const folded = foldBias(bias, layer.filters[output] ?? [], layer.inputZeroPoint);
    return { ...plain, k: plain.k - BigInt(offset + folded) * BigInt(plain.m) };
  });
  return { outputs, starts, requantisations: [{ rounding: "each", constants, limits: [] }] };
}

function sharedConstants(
  { multiplier, shift }: QuantizedMultiplier,
  offset: number,
  zeroPoint: number,
  once: boolean,
): LaneConstants {
  const r = BigInt(2 ** (-shift - 1) + zeroPoint * 2 ** -shift);
  const k = (1n << 30n) - BigInt(offset) * BigInt(multiplier);
  // Nested floors are one floor.
  if (once) return { k: k + (r << 31n), m: multiplier, e: 31 - shift, r: 0n };
  return { k, m: multiplier, e: -shift, r };
}

/**
 * Requantisation never falls as the sum grows: the largest sum whose result is at the minimum or below, −1 for none.
 * @param end sums are below this
 */
function limitOf({ k, m, e, r }: LaneConstants, once: boolean, minimum: number, end: number): number {
  let [low, high] = [-1, end];
  while (low < high) {
    const middle = Math.ceil((low + high) / 2);
    const value = BigInt(middle) * BigInt(m) + k;
    const t = value >> 31n;
    const result = once ? value >> BigInt(e) : (t + r + (t >> 63n)) >> BigInt(e);
    if (result <= BigInt(minimum)) low = middle;
    else high = middle - 1;
  }
  return low;
}
