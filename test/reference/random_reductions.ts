/** Random SUM, REDUCE_MAX, ARG_MAX, ARG_MIN and BATCH_MATMUL. */

import type { TensorSpec } from "../model/model_builder.js";
import type { Random } from "../model/random.js";
import {
  elementsOf,
  int8Bytes,
  int8Quantisation,
  int32Bytes,
  type LayerSpec,
  nearbyScale,
  randomInt8,
  randomScale,
  randomShape,
} from "./random_parts.js";
import { randomMean } from "./random_shaping.js";

/** REDUCE_MAX over one or two dimensions; input and output share their quantisation. */
export function randomReduceMax(random: Random): LayerSpec {
  const layer = randomMean(random);
  const shared = int8Quantisation(random, randomScale(random, -8, 1));
  const tensors = layer.tensors.map((tensor) => (tensor.data ? tensor : { ...tensor, quantisation: shared }));
  return { ...layer, tensors };
}

/** SUM over one or two dimensions, to an output that has room for it, give or take three bits. */
export function randomTotal(random: Random): LayerSpec {
  const layer = randomMean(random);
  const [input, output, ...more] = layer.tensors;
  if (!input || !output) throw new Error("unreachable");
  const count = elementsOf(input.shape) / elementsOf(output.shape);
  const scale = nearbyScale(random, (input.quantisation?.scales[0] ?? 1) * count, 3);
  return {
    ...layer,
    tensors: [input, { ...output, quantisation: int8Quantisation(random, scale) }, ...more],
  };
}

/** ARG_MAX and ARG_MIN along any dimension, counted from either end. */
export function randomArgMax(random: Random): LayerSpec {
  const rank = random.integer(1, 4);
  const shape = randomShape(random, rank, 9);
  const axis = random.integer(0, rank - 1);
  const stated = random.chance(0.4) ? axis - rank : axis;
  const quantisation = int8Quantisation(random, randomScale(random, -8, 1));
  return {
    tensors: [
      { name: "input", type: "int8", shape, quantisation },
      { name: "output", type: "int32", shape: shape.filter((_, dimension) => dimension !== axis) },
      { name: "axis", type: "int32", shape: [1], data: int32Bytes([stated]) },
    ],
    inputs: [0, 2],
    graphInputs: [0],
    output: 1,
    options: { outputType: "INT32" },
  };
}

/** BATCH_MATMUL: up to three batch dimensions, repeated on either side, either side transposed, the right constant. */
export function randomBatchMatmul(random: Random): LayerSpec {
  const [rows, columns, depth] = [random.integer(1, 8), random.integer(1, 8), random.integer(1, 20)];
  const batches = randomShape(random, random.integer(0, 3), 3);
  const short = random.pick(["left", "right", "none", "none"]);
  const side = (name: "left" | "right", height: number, width: number, transposed: boolean) => {
    const cut = short === name ? batches.slice(random.integer(0, batches.length)) : batches;
    const own = cut.map((size) => (short === name && random.chance(0.5) ? 1 : size));
    return [...own, ...(transposed ? [width, height] : [height, width])];
  };
  const [adjointLeft, adjointRight] = [random.chance(0.4), random.chance(0.4)];
  const scales = [randomScale(random, -9, 0), randomScale(random, -9, 0)] as const;
  const left: TensorSpec = {
    name: "left",
    type: "int8",
    shape: side("left", rows, depth, adjointLeft),
    quantisation: int8Quantisation(random, scales[0]),
  };
  const right: TensorSpec = {
    name: "right",
    type: "int8",
    shape: side("right", depth, columns, adjointRight),
    quantisation: int8Quantisation(random, scales[1]),
  };
  const typical = (scales[0] * scales[1] * 6000 * Math.sqrt(depth)) / 128;
  const constant = random.chance(0.3);
  return {
    tensors: [
      left,
      {
        name: "output",
        type: "int8",
        shape: [...batches, rows, columns],
        quantisation: int8Quantisation(random, nearbyScale(random, Math.fround(typical), 3)),
      },
      constant ? { ...right, data: int8Bytes(randomInt8(random, elementsOf(right.shape))) } : right,
    ],
    inputs: [0, 2],
    graphInputs: constant ? [0] : [0, 2],
    output: 1,
    options: { adjointLeft, adjointRight },
  };
}
