/** Random models of functions of one input: ABS, LEAKY_RELU, ELU, LOGISTIC, TANH, HARD_SWISH, L2_NORMALIZATION. */

import type { TensorSpec } from "../model/model_builder.js";
import type { Random } from "../model/random.js";
import {
  int8Quantisation,
  type LayerGenerator,
  type LayerSpec,
  nearbyScale,
  randomScale,
  randomShape,
} from "./random_parts.js";

/** ABS, ELU and HARD_SWISH: from one quantisation to another; the scales are equal at times. */
export function randomFunction(random: Random): LayerSpec {
  const from = randomScale(random, -8, 1);
  const to = random.chance(0.2) ? from : nearbyScale(random, from, 3);
  return unary(random, from, int8Quantisation(random, to), {});
}

/** LEAKY_RELU with any slope: gentle, steep or downward. */
export function randomLeakyRelu(random: Random): LayerSpec {
  const from = randomScale(random, -8, 1);
  const alpha = Math.fround(random.pick([0, 0.1, 0.2, 1, 4 * random.real() - 2]));
  return unary(random, from, int8Quantisation(random, nearbyScale(random, from, 3)), { alpha });
}

/** LOGISTIC, TANH and L2_NORMALIZATION, whose outputs' quantisation is fixed. */
export function fixedOutput(scale: number, zeroPoint: number): LayerGenerator {
  return (random) =>
    unary(random, randomScale(random, -9, 0), { scales: [scale], zeroPoints: [zeroPoint] }, {});
}

function unary(
  random: Random,
  scale: number,
  output: NonNullable<TensorSpec["quantisation"]>,
  options: LayerSpec["options"],
): LayerSpec {
  const shape = randomShape(random, random.integer(1, 4), 7);
  return {
    tensors: [
      { name: "input", type: "int8", shape, quantisation: int8Quantisation(random, scale) },
      { name: "output", type: "int8", shape, quantisation: output },
    ],
    inputs: [0],
    graphInputs: [0],
    output: 1,
    options,
  };
}
