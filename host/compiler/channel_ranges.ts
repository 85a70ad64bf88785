/**
 * What values a channel can take, whatever the input: folded forward from layer to layer. Behind a channel whose
 * weights vanish lies another that never changes; a depthwise convolution has nothing to compute there.
 *
 * A fact is kept by its tensor. Layers are lowered in execution order, so what a layer reads is known by then; a tensor
 * of which nothing is known has the range of its type.
 */
import type { Tensor } from "../model/graph.js";
import { multiplyByQuantizedMultiplier, type QuantizedMultiplier } from "./fixed_point.js";

/** What is asked of a convolution (`sliding_filter.ts`). */
export interface RangedFilter {
  readonly inputs: readonly Tensor[];
  readonly outputs: readonly Tensor[];
  readonly inputChannels: number;
  readonly outputChannels: number;
  readonly vertical: { readonly size: number; readonly padded: boolean };
  readonly horizontal: { readonly size: number; readonly padded: boolean };
  readonly inputZeroPoint: number;
  readonly outputZeroPoint: number;
  readonly clamp: { readonly minimum: number; readonly maximum: number };
  readonly filters: readonly Int8Array[];
  readonly bias: readonly number[];
  readonly multipliers: readonly QuantizedMultiplier[];
}

/** Both ends included. */
export interface Range {
  readonly lowest: number;
  readonly highest: number;
}

const int8: Range = { lowest: -128, highest: 127 };

const known = new WeakMap<Tensor, readonly Range[]>();

/** The range of every channel (innermost dimension) of an int8 tensor. */
export function channelRanges(tensor: Tensor): readonly Range[] {
  return known.get(tensor) ?? new Array<Range>(tensor.shape.at(-1) ?? 1).fill(int8);
}

/**
 * The range of Σ (x − zeroPoint) · w + bias of an output channel, over all that its inputs can be.
 * @param inputs range of every input channel
 */
export function filterRange(layer: RangedFilter, channel: number, inputs: readonly Range[]): Range {
  const weights = layer.filters[channel] ?? new Int8Array();
  const zeroPoint = layer.inputZeroPoint;
  const seen = weights.length / (layer.vertical.size * layer.horizontal.size);
  const groups = layer.inputChannels / seen;
  const first = Math.floor(channel / (layer.outputChannels / groups)) * seen;
  const padded = layer.vertical.padded || layer.horizontal.padded;
  let lowest = layer.bias[channel] ?? 0;
  let highest = lowest;
  weights.forEach((weight, tap) => {
    const input = inputs[first + (tap % seen)] ?? int8;
    // Padding is the zero point: it adds nothing.
    const low = (padded ? Math.min(input.lowest, zeroPoint) : input.lowest) - zeroPoint;
    const high = (padded ? Math.max(input.highest, zeroPoint) : input.highest) - zeroPoint;
    lowest += weight * (weight > 0 ? low : high);
    highest += weight * (weight > 0 ? high : low);
  });
  return { lowest, highest };
}

/**
 * What requantisation makes of a sum's range, before the clamp. It never falls as the sum grows, so both ends become
 * both ends; null where a sum leaves int32, for there TensorFlow Lite wraps and nothing is monotonic any more.
 */
export function requantisedRange(
  { lowest, highest }: Range,
  quantized: QuantizedMultiplier,
  zeroPoint: number,
): Range | null {
  const scale = 2 ** Math.max(quantized.shift, 0);
  if (Math.max(Math.abs(lowest), Math.abs(highest)) * scale >= 2 ** 31) return null;
  return {
    lowest: multiplyByQuantizedMultiplier(lowest, quantized) + zeroPoint,
    highest: multiplyByQuantizedMultiplier(highest, quantized) + zeroPoint,
  };
}

/** A range behind a clamp. */
export function clampRange(
  range: Range,
  clamp: { readonly minimum: number; readonly maximum: number },
): Range {
  const limit = (value: number) => Math.min(Math.max(value, clamp.minimum), clamp.maximum);
  return { lowest: limit(range.lowest), highest: limit(range.highest) };
}

/** Remembers what an int8 layer's output channels can be. */
export function recordRanges(layer: RangedFilter): void {
  const [input, output] = [layer.inputs[0], layer.outputs[0]];
  if (input?.type !== "int8" || output?.type !== "int8") return;
  const inputs = channelRanges(input);
  known.set(
    output,
    layer.multipliers.map((multiplier, channel) => {
      const range = requantisedRange(filterRange(layer, channel, inputs), multiplier, layer.outputZeroPoint);
      return clampRange(range ?? int8, layer.clamp);
    }),
  );
}
