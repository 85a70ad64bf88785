/**
 * Weights, biases and scales of random convolutions and fully connected layers. Multipliers span what files
 * have, from dead channels (below 2^-32, so zero) to amplifying ones; a channel is only held back from
 * overflowing int32, where TensorFlow Lite's C++ is undefined and nothing can be compared.
 */

import type { TensorSpec } from "../model/model_builder.js";
import type { Random } from "../model/random.js";
import { quantiseMultiplier } from "./fixed_point.js";
import {
  int8Bytes,
  int8Quantisation,
  int32Bytes,
  nearbyScale,
  randomInt8,
  randomScale,
  sometimesTied,
} from "./random_parts.js";

/** What decides the weights of a layer. */
export interface WeightShape {
  /** The filter's shape, and the dimension that counts output channels. */
  readonly shape: readonly number[];
  readonly channelAxis: number;
  readonly perChannel: boolean;
  /** int16 activations, summed up in 64 bits unless the bias is int32. */
  readonly int16: boolean;
}

/** The largest distance of an input from its zero point. */
const largestInput = (int16: boolean) => (int16 ? 2 ** 15 : 255);

/**
 * Draws input and output quantisation, filter and bias that go together.
 * @returns the filter and bias tensors (bias null where left out) and both quantisations
 */
export function randomWeights(random: Random, { shape, channelAxis, perChannel, int16 }: WeightShape) {
  const channels = shape[channelAxis] ?? 1;
  const weights = randomInt8(
    random,
    shape.reduce((product, dimension) => product * dimension, 1),
  );
  const weightsPerChannel = weights.length / channels;
  const { inputScale, typicalScale, outputScale } = randomScales(random, typicalSum(weights, channels));
  const bias = random.chance(0.25) ? null : randomBias(random, channels, weightsPerChannel, int16);
  const sums = largestSums(weights, shape, channelAxis, bias, largestInput(int16));
  const narrow = !int16 || (bias !== null && Math.max(...sums) < 2 ** 30 && random.chance(0.5));
  const overflows = narrow ? int32Overflows : int64Overflows;
  const scaleOf = (sum: number) => {
    let scale = perChannel ? channelScale(random, typicalScale) : typicalScale;
    while (overflows(sum, (inputScale * scale) / outputScale)) scale = Math.fround(scale / 2);
    return scale;
  };
  const scales = perChannel ? sums.map(scaleOf) : [scaleOf(Math.max(...sums))];
  const filter: TensorSpec = {
    name: "weights",
    type: "int8",
    shape,
    data: int8Bytes(weights),
    quantisation: { scales, zeroPoints: scales.map(() => 0), axis: scales.length > 1 ? channelAxis : 0 },
  };
  const biasTensor: TensorSpec | null = bias && {
    name: "bias",
    type: narrow ? "int32" : "int64",
    shape: [channels],
    data: narrow ? int32Bytes(bias) : int64Bytes(bias),
    quantisation: { scales: scales.map((scale) => inputScale * scale), zeroPoints: scales.map(() => 0) },
  };
  return {
    filter,
    bias: biasTensor,
    input: int16 ? { scales: [inputScale], zeroPoints: [0] } : int8Quantisation(random, inputScale),
    output: int16 ? { scales: [outputScale], zeroPoints: [0] } : int8Quantisation(random, outputScale),
  };
}

/** How far from zero a channel's sum of random inputs typically lies. */
function typicalSum(weights: Int8Array, channels: number): number {
  const squares = weights.reduce((total, weight) => total + weight * weight, 0);
  return 60 * Math.sqrt(Math.max(squares / channels, 1));
}

/**
 * Scales for which sums of random inputs and weights fill the output's range, give or take a few bits.
 * Some are powers of two, so that the multiplier is one and half of all results are ties. Others are such that
 * the product of input and filter scale, (1 + 2^-12)², is just over what float32 holds and the output scale is
 * what float32 makes of it: then the multiplier is a power of two or not, depending on the product's precision.
 */
function randomScales(random: Random, sum: number) {
  const kind = random.pick(["any", "any", "any", "any", "any", "powers", "sharp"]);
  const draw = (low: number, high: number) => {
    if (kind === "any") return randomScale(random, low, high);
    return (kind === "sharp" ? 1 + 2 ** -12 : 1) * 2 ** random.integer(low, high);
  };
  const inputScale = draw(-9, 0);
  const typicalScale = draw(-12, -4);
  const step = (inputScale * typicalScale * sum) / 128;
  const power = 2 ** (Math.round(Math.log2(step)) + random.integer(-3, 3));
  if (kind === "powers") return { inputScale, typicalScale, outputScale: power };
  if (kind === "sharp") return { inputScale, typicalScale, outputScale: (1 + 2 ** -11) * power };
  const outputScale = sometimesTied(random, nearbyScale(random, Math.fround(step), 3));
  return { inputScale, typicalScale, outputScale };
}

/** A channel's scale: near the others', or far off: dead or amplifying. */
function channelScale(random: Random, typical: number): number {
  if (random.chance(0.05)) return Math.fround(typical * 2 ** -random.integer(20, 45));
  if (random.chance(0.05)) return Math.fround(typical * 2 ** random.integer(4, 12));
  return nearbyScale(random, typical, 2);
}

function randomBias(random: Random, channels: number, weightsPerChannel: number, int16: boolean): number[] {
  const wider = int16 ? 2 ** 8 : 1;
  const usual = wider * 4000 * Math.ceil(Math.sqrt(weightsPerChannel));
  return Array.from({ length: channels }, () => {
    const limit = random.chance(0.1) ? wider * 2 ** 28 : usual;
    return random.integer(-limit, limit);
  });
}

/** The largest magnitude that each channel's sum can have. */
function largestSums(
  weights: Int8Array,
  shape: readonly number[],
  channelAxis: number,
  bias: readonly number[] | null,
  largest: number,
): number[] {
  const channels = shape[channelAxis] ?? 1;
  const inner = shape.slice(channelAxis + 1).reduce((product, dimension) => product * dimension, 1);
  const sums = Array.from({ length: channels }, (_, channel) => Math.abs(bias?.[channel] ?? 0));
  weights.forEach((weight, index) => {
    const channel = Math.floor(index / inner) % channels;
    sums[channel] = (sums[channel] ?? 0) + Math.abs(weight) * largest;
  });
  return sums;
}

function int32Overflows(sum: number, realMultiplier: number): boolean {
  const { shift } = quantiseMultiplier(realMultiplier);
  return Math.max(sum, 1) * 2 ** Math.max(shift, 0) >= 2 ** 30;
}

/** For int64 sums only the result has 32 bits; shifts are below 8. */
function int64Overflows(sum: number, realMultiplier: number): boolean {
  return sum * realMultiplier >= 2 ** 30 || quantiseMultiplier(realMultiplier).shift > 7;
}

function int64Bytes(values: readonly number[]): Uint8Array {
  return new Uint8Array(BigInt64Array.from(values, BigInt).buffer);
}
