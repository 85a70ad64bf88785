/** Random pools, PAD, RESHAPE and MEAN. */

import type { TensorSpec } from "../model/model_builder.js";
import type { Random } from "../model/random.js";
import { randomAxis } from "./random_convolutions.js";
import {
  elementsOf,
  int8Quantisation,
  int32Bytes,
  type LayerSpec,
  nearbyScale,
  randomActivation,
  randomScale,
  randomShape,
  sometimesTied,
} from "./random_parts.js";

/** AVERAGE_POOL_2D and MAX_POOL_2D: input and output share their quantisation. */
export function randomPool(random: Random): LayerSpec {
  const padding = random.pick(["SAME", "VALID"]);
  const rows = randomAxis(random, padding, false);
  const columns = randomAxis(random, padding, false);
  const batch = random.chance(0.2) ? 2 : 1;
  const depth = random.integer(1, 12);
  const quantisation = int8Quantisation(random, sometimesTied(random, randomScale(random, -8, 1)));
  return {
    tensors: [
      { name: "input", type: "int8", shape: [batch, rows.input, columns.input, depth], quantisation },
      { name: "output", type: "int8", shape: [batch, rows.output, columns.output, depth], quantisation },
    ],
    inputs: [0],
    graphInputs: [0],
    output: 1,
    options: {
      padding,
      strideHeight: rows.stride,
      strideWidth: columns.stride,
      filterHeight: rows.filter,
      filterWidth: columns.filter,
      fusedActivation: randomActivation(random),
    },
  };
}

/** PAD along any dimensions. */
export function randomPad(random: Random): LayerSpec {
  const shape = randomShape(random, random.integer(1, 4), 6);
  const paddings = shape.map(() =>
    random.chance(0.4) ? [0, 0] : [random.integer(0, 3), random.integer(0, 3)],
  );
  const padded = shape.map((size, dimension) => size + elementSum(paddings[dimension] ?? []));
  const quantisation = int8Quantisation(random, randomScale(random, -8, 1));
  return {
    tensors: [
      { name: "input", type: "int8", shape, quantisation },
      { name: "output", type: "int8", shape: padded, quantisation },
      { name: "paddings", type: "int32", shape: [shape.length, 2], data: int32Bytes(paddings.flat()) },
    ],
    inputs: [0, 2],
    graphInputs: [0],
    output: 1,
    options: {},
  };
}

/** RESHAPE, its new shape stated by a constant, by the options, or by both; at times with one size left to infer. */
export function randomReshape(random: Random): LayerSpec {
  const shape = randomShape(random, random.integer(1, 4), 6);
  const reshaped = random.pick([
    [elementsOf(shape)],
    [1, elementsOf(shape)],
    [...shape].reverse(),
    [...shape, 1],
    [1, ...shape],
  ]);
  const inferred = random.chance(0.3) ? random.integer(0, reshaped.length - 1) : -1;
  const newShape = reshaped.map((size, dimension) => (dimension === inferred ? -1 : size));
  const quantisation = int8Quantisation(random, randomScale(random, -8, 1));
  const tensors: TensorSpec[] = [
    { name: "input", type: "int8", shape, quantisation },
    { name: "output", type: "int8", shape: reshaped, quantisation },
  ];
  const stated = random.integer(0, 2);
  if (stated > 0) {
    tensors.push({ name: "shape", type: "int32", shape: [newShape.length], data: int32Bytes(newShape) });
  }
  return {
    tensors,
    inputs: stated > 0 ? [0, 2] : [0],
    graphInputs: [0],
    output: 1,
    options: stated === 1 ? {} : { newShape },
  };
}

/** MEAN over one or two dimensions, counted from either end. */
export function randomMean(random: Random): LayerSpec {
  const rank = random.integer(1, 4);
  const shape = randomShape(random, rank, 9);
  const first = random.integer(0, rank - 1);
  const second = random.integer(0, rank - 1);
  // TensorFlow Lite Micro reduces at most two dimensions at once.
  const axes = random.chance(0.5) && second !== first ? [first, second] : [first];
  const keepDimensions = random.chance(0.5);
  const reduced = shape.map((size, dimension) => (axes.includes(dimension) ? 1 : size));
  const output = keepDimensions ? reduced : reduced.filter((_, dimension) => !axes.includes(dimension));
  const from = int8Quantisation(random, randomScale(random, -8, 1));
  const [scale = 1] = from.scales;
  const to = random.chance(0.3) ? from : int8Quantisation(random, nearbyScale(random, scale, 3));
  const stated = axes.map((axis) => (random.chance(0.4) ? axis - rank : axis));
  return {
    tensors: [
      { name: "input", type: "int8", shape, quantisation: from },
      { name: "output", type: "int8", shape: output, quantisation: to },
      { name: "axes", type: "int32", shape: [stated.length], data: int32Bytes(stated) },
    ],
    inputs: [0, 2],
    graphInputs: [0],
    output: 1,
    options: { keepDimensions },
  };
}

function elementSum(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0);
}
