/**
 * What holds for a depthwise layer with its own weights: which channels have anything to compute, with what constants,
 * and by which scheme of `generators/depthwise.ts` every one of them is exact.
 */
import { channelRanges, clampRange, filterRange, requantisedRange } from "./channel_ranges.js";
import { type ClampTable, clampTable } from "./clamp_table.js";
import { foldBias } from "./filter.js";
import type { QuantizedMultiplier } from "./fixed_point.js";
import { findLift } from "./generators/depthwise_lift.js";
import type { Scheme } from "./generators/depthwise_strip.js";
import { type LaneConstants, laneConstants, leastSum } from "./lane_constants.js";
import type { DepthwiseConvolution } from "./sliding_filter.js";
import type { Window } from "./window.js";

/** A channel with something to compute. */
export interface LiveChannel {
  readonly channel: number;
  readonly constants: LaneConstants;
  /** What lifts the register's lower lanes (`depthwise_lift.ts`), where it can be. */
  readonly lift: number | null;
  /** The least Σ x·w whose output is above the clamp's minimum; with one rounding only. */
  readonly least: number;
}

/** What holds for a layer whose channels all fit. */
export interface Proof {
  readonly scheme: Scheme;
  readonly rectified: boolean;
  /** Whether outputs at the clamp's minimum can be told from their sums: a record has 24 bits for `least`. */
  readonly skipping: boolean;
  readonly live: readonly LiveChannel[];
  /** The byte of every channel that never changes, the clamp's minimum elsewhere; null where all are live. */
  readonly row: Uint8Array | null;
  /** null where it would be large. */
  readonly table: ClampTable | null;
}

const proofs = new WeakMap<DepthwiseConvolution, Proof | null>();

/** Proved once a layer; null where a channel does not fit. */
export function prove(layer: DepthwiseConvolution): Proof | null {
  let found = proofs.get(layer);
  if (found === undefined) {
    found = computeProof(layer);
    proofs.set(layer, found);
  }
  return found;
}

/** Records number channels in 16 bits. */
const mostChannels = 65535;
/** What 24 bits hold. */
const mostLeast = 2 ** 23;
/** A record lies in RAM as a whole. */
const mostTaps = 1024;

function computeProof(layer: DepthwiseConvolution): Proof | null {
  const { vertical, horizontal, outputZeroPoint } = layer;
  if (layer.inputs[0]?.type !== "int8" || layer.batches !== 1 || layer.outputChannels > mostChannels)
    return null;
  if (vertical.size * horizontal.size > mostTaps) return null;
  const rectified = layer.clamp.minimum >= outputZeroPoint;
  const inputs = channelRanges(layer.inputs[0]);
  const row = new Uint8Array(layer.outputChannels).fill(layer.clamp.minimum);
  const scheme = schemeOf(layer);
  // Which pixels are lifted is worked out for neighbouring columns.
  const liftable =
    scheme === "register" && horizontal.stride === 1 && horizontal.dilation === 1 && horizontal.size > 1;
  const live: LiveChannel[] = [];
  let [lowest, highest] = [layer.clamp.minimum, layer.clamp.maximum];
  for (const [channel, weights] of layer.filters.entries()) {
    const multiplier = layer.multipliers[channel] as QuantizedMultiplier;
    const range = requantisedRange(filterRange(layer, channel, inputs), multiplier, outputZeroPoint);
    if (!range) return null;
    const bytes = clampRange(range, layer.clamp);
    if (bytes.lowest === bytes.highest) {
      row[channel] = bytes.lowest & 0xff;
      continue;
    }
    const bias = foldBias(layer.bias[channel] ?? 0, weights, layer.inputZeroPoint);
    const constants = laneConstants(weights, bias, multiplier, 0, outputZeroPoint, rectified);
    if (!constants) return null;
    live.push({
      channel,
      constants,
      lift: liftable ? findLift(weights, vertical.size, horizontal.size) : null,
      least: rectified ? leastSum(weights, constants, 0, layer.clamp.minimum) : 0,
    });
    // One rounding may give a unit less than two below the zero point, where the clamp makes them equal.
    lowest = Math.min(lowest, range.lowest - 1);
    highest = Math.max(highest, range.highest);
  }
  return {
    scheme,
    rectified,
    skipping: rectified && live.every(({ least }) => Math.abs(least) < mostLeast),
    live,
    row: live.length < layer.outputChannels ? row : null,
    table: clampTable({ lowest, highest }, layer.clamp),
  };
}

/** In the register every sum of some of a channel's products stays inside a lane: |Σ x·w| ≤ 128 · Σ |w| < 2¹⁹. */
function fitsRegister(layer: DepthwiseConvolution): boolean {
  return layer.filters.every((weights) => 128 * weights.reduce((sum, w) => sum + Math.abs(w), 0) < 2 ** 19);
}

function schemeOf(layer: DepthwiseConvolution): Scheme {
  const { size, stride, dilation, pad } = layer.vertical;
  // A PAD that the convolution has taken over may be more than SAME would pad; these take one row in at either end.
  if (pad > 1 || padBehind(layer.vertical, layer.inputHeight) > 1) return "direct";
  if (dilation === 1 && stride === 1 && (size === 2 || size === 3) && fitsRegister(layer)) return "register";
  return dilation === 1 && stride === 2 && size === 3 ? "shared" : "direct";
}

/** Rows or columns that the last windows reach beyond the image. */
export function padBehind({ outputs, stride, size, dilation, pad }: Window, inputs: number): number {
  return Math.max(0, (outputs - 1) * stride + (size - 1) * dilation - pad - (inputs - 1));
}
