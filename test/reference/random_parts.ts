/** Building blocks of random models: quantisations, constants and shapes, extreme ones included. */

import type { TensorSpec } from "../model/model_builder.js";
import type { Random } from "../model/random.js";

/** A model of one operator: its tensors, the positions of its inputs (null: left out) and its options. */
export interface LayerSpec {
  readonly tensors: readonly TensorSpec[];
  readonly inputs: readonly (number | null)[];
  readonly graphInputs: readonly number[];
  readonly output: number;
  /** Outputs beside it, behind it in the operator's order. */
  readonly moreOutputs?: readonly number[];
  readonly options: Readonly<Record<string, number | boolean | string | readonly number[]>>;
}

/** Draws a layer; a function of the seed alone. */
export type LayerGenerator = (random: Random) => LayerSpec;

/** A scale between 2^low and 2^high, as a float32 like those in files; now and then exactly a power of two. */
export function randomScale(random: Random, low: number, high: number): number {
  return nearbyScale(random, 2 ** Math.round((low + high) / 2), (high - low) / 2);
}

/**
 * A scale within so many bits of another. Now and then by an exact power of two: then half of all results lie
 * midway between two values, and roundings that differ are told apart.
 */
export function nearbyScale(random: Random, scale: number, bits: number): number {
  const distance = (2 * random.real() - 1) * bits;
  return Math.fround(scale * 2 ** (random.chance(0.25) ? Math.round(distance) : distance));
}

/**
 * Now and then moves a scale to where 6 lies midway between two of its steps, so that the bounds of RELU6
 * show in what precision they were computed.
 */
export function sometimesTied(random: Random, scale: number): number {
  const steps = Math.round(6 / scale);
  return random.chance(0.15) && steps > 0 && steps < 250 ? Math.fround(6 / (steps + 0.5)) : scale;
}

/** Quantisation of an int8 activation tensor; zero points at the ends of the range come often. */
export function int8Quantisation(random: Random, scale: number): { scales: number[]; zeroPoints: number[] } {
  const zeroPoint = random.chance(0.3) ? random.pick([-128, 127, 0]) : random.integer(-128, 127);
  return { scales: [scale], zeroPoints: [zeroPoint] };
}

/** A random shape of the given rank, with ones among the dimensions; vectors are longer. */
export function randomShape(random: Random, rank: number, largest: number): number[] {
  const limit = rank === 1 ? 8 * largest : largest;
  return Array.from({ length: rank }, () => (random.chance(0.15) ? 1 : random.integer(1, limit)));
}

export function elementsOf(shape: readonly number[]): number {
  return shape.reduce((product, dimension) => product * dimension, 1);
}

/** A fused activation. */
export function randomActivation(random: Random): string {
  return random.pick(["NONE", "NONE", "RELU", "RELU6", "RELU_N1_TO_1"]);
}

/** int8 values: anything, only the ends of the range, mostly zeros, or small. */
export function randomInt8(random: Random, count: number): Int8Array {
  const kind = random.integer(0, 5);
  return Int8Array.from({ length: count }, () => {
    if (kind === 0) return random.pick([-128, -127, 127]);
    if (kind === 1 && random.chance(0.8)) return 0;
    if (kind === 2) return random.integer(-1, 1);
    return random.integer(-128, 127);
  });
}

/** The bytes of a constant of int32. */
export function int32Bytes(values: readonly number[]): Uint8Array {
  return new Uint8Array(Int32Array.from(values).buffer);
}

/** The bytes of int8 values. */
export function int8Bytes(values: Int8Array): Uint8Array {
  return new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
}
