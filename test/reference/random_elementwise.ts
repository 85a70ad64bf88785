/** Random SOFTMAX, QUANTIZE, DEQUANTIZE, RELU and RELU6. */

import type { ElementType } from "../../host/element_type.js";
import type { TensorSpec } from "../model/model_builder.js";
import type { Random } from "../model/random.js";
import {
  int8Quantisation,
  type LayerSpec,
  nearbyScale,
  randomScale,
  randomShape,
  sometimesTied,
} from "./random_parts.js";

/** SOFTMAX to int8, at times to int16, whose output quantisations are fixed. */
export function randomSoftmax(random: Random): LayerSpec {
  const shape = [...randomShape(random, random.integer(0, 3), 4), random.integer(1, 40)];
  const wide = random.chance(0.2);
  const output: TensorSpec = wide
    ? { name: "output", type: "int16", shape, quantisation: { scales: [1 / 65536], zeroPoints: [-32768] } }
    : { name: "output", type: "int8", shape, quantisation: { scales: [1 / 256], zeroPoints: [-128] } };
  const input = int8Quantisation(random, randomScale(random, -9, 6));
  const beta = random.chance(0.7) ? 1 : randomScale(random, -2, 2);
  return unary({ name: "input", type: "int8", shape, quantisation: input }, output, { beta });
}

/** The pairs of types that QUANTIZE converts between. */
const conversions: readonly (readonly [from: ElementType, to: ElementType])[] = [
  ["float32", "int8"],
  ["float32", "int16"],
  ["int8", "int8"],
  ["int8", "uint8"],
  ["int8", "int16"],
  ["int8", "int32"],
  ["int16", "int8"],
  ["int16", "int16"],
  ["int16", "int32"],
  ["int32", "int8"],
  ["int32", "int16"],
  ["uint8", "int8"],
];

export function randomQuantize(random: Random): LayerSpec {
  const [from, to] = random.pick(conversions);
  const shape = randomShape(random, random.integer(1, 4), 6);
  const scale = randomScale(random, -8, 1);
  // An int32 or int16 of a fine scale goes to an int8 of a coarse one; multipliers over 1 only where sums stay small.
  const finer = from === "int32" ? random.integer(10, 20) : from === "int16" && to === "int8" ? 8 : 0;
  const same = from !== "float32" && from !== "int32" && random.chance(0.2);
  const outputScale = same ? scale : nearbyScale(random, scale * 2 ** finer, 2);
  return unary(
    { name: "input", type: from, shape, ...quantised(random, from, scale) },
    { name: "output", type: to, shape, ...quantised(random, to, outputScale) },
    {},
  );
}

export function randomDequantize(random: Random): LayerSpec {
  const type = random.pick<ElementType>(["int8", "int8", "int16"]);
  const shape = randomShape(random, random.integer(1, 4), 6);
  const input = { name: "input", type, shape, ...quantised(random, type, randomScale(random, -20, 10)) };
  return unary(input, { name: "output", type: "float32", shape }, {});
}

/** RELU from one quantisation to another. */
export function randomRelu(random: Random): LayerSpec {
  const shape = randomShape(random, random.integer(1, 4), 7);
  const scale = randomScale(random, -8, 1);
  const to = nearbyScale(random, scale, 3);
  return unary(
    { name: "input", type: "int8", shape, quantisation: int8Quantisation(random, scale) },
    { name: "output", type: "int8", shape, quantisation: int8Quantisation(random, to) },
    {},
  );
}

/** RELU6, whose input and output share their quantisation. */
export function randomRelu6(random: Random): LayerSpec {
  const shape = randomShape(random, random.integer(1, 4), 7);
  const quantisation = int8Quantisation(random, sometimesTied(random, randomScale(random, -8, 1)));
  return unary(
    { name: "input", type: "int8", shape, quantisation },
    { name: "output", type: "int8", shape, quantisation },
    {},
  );
}

/** Quantisation of a type as converters write it: wide types are symmetric. */
function quantised(random: Random, type: ElementType, scale: number): Pick<TensorSpec, "quantisation"> {
  if (type === "float32") return {};
  if (type === "int8") return { quantisation: int8Quantisation(random, scale) };
  const zeroPoint = type === "uint8" ? random.integer(0, 255) : 0;
  return { quantisation: { scales: [scale], zeroPoints: [zeroPoint] } };
}

function unary(input: TensorSpec, output: TensorSpec, options: LayerSpec["options"]): LayerSpec {
  return { tensors: [input, output], inputs: [0], graphInputs: [0], output: 1, options };
}
