/** Parts of random layers that only move elements: element types, axes, integer constants. */

import type { TensorSpec } from "../model/model_builder.js";
import type { Random } from "../model/random.js";
import { int8Quantisation, int32Bytes, randomScale } from "./random_parts.js";

/** What tensors that elements move between have in common. */
export type Element = Pick<TensorSpec, "type" | "quantisation">;

/** An element type with its quantisation, the same for all tensors that the layer moves between. */
export function randomElement(random: Random): Element {
  const type = random.pick(["int8", "int8", "int8", "int16", "int32", "float32"] as const);
  const scale = randomScale(random, -8, 1);
  if (type === "int8") return { type, quantisation: int8Quantisation(random, scale) };
  if (type === "int16") return { type, quantisation: { scales: [scale], zeroPoints: [0] } };
  return { type };
}

/** An axis, now and then counted from the end. */
export const stated = (random: Random, axis: number, rank: number) =>
  random.chance(0.3) ? axis - rank : axis;

/** A constant of int32. */
export const int32s = (name: string, values: readonly number[], shape = [values.length]): TensorSpec => ({
  name,
  type: "int32",
  shape,
  data: int32Bytes(values),
});
