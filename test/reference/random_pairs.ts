/** Random models of elementwise operators of two inputs, broadcast in every way. */

import type { TensorSpec } from "../model/model_builder.js";
import type { Random } from "../model/random.js";
import {
  elementsOf,
  int8Bytes,
  int8Quantisation,
  type LayerSpec,
  nearbyScale,
  randomActivation,
  randomInt8,
  randomScale,
  randomShape,
  sometimesTied,
} from "./random_parts.js";

/** The quantised types of activations. */
type Activation = "int8" | "int16";

/** ADD and SUB, int8 and at times int16. */
export function randomSum(random: Random): LayerSpec {
  const type = randomType(random);
  const scale = randomScale(random, -8, 1);
  const operand = () => quantised(random, type, sometimesTied(random, nearbyScale(random, scale, 4)));
  const output = quantised(random, type, sometimesTied(random, nearbyScale(random, scale, 2)));
  return activated(random, randomPair(random, operand(), operand(), output));
}

/** MUL, int8 and at times int16. */
export function randomProduct(random: Random): LayerSpec {
  const type = randomType(random);
  const [left, right] = [randomScale(random, -8, 1), randomScale(random, -8, 1)];
  // Typical products fill the output's range, give or take three bits.
  const typical = left * right * (type === "int8" ? 60 : 8000);
  const output = quantised(random, type, sometimesTied(random, nearbyScale(random, typical, 3)));
  return activated(
    random,
    randomPair(random, quantised(random, type, left), quantised(random, type, right), output),
  );
}

/** MAXIMUM and MINIMUM: all three tensors share their quantisation. */
export function randomExtreme(random: Random): LayerSpec {
  const tensor = quantised(random, "int8", randomScale(random, -8, 1));
  return randomPair(random, tensor, tensor, tensor);
}

/** SQUARED_DIFFERENCE. */
export function randomSquaredDifference(random: Random): LayerSpec {
  const scale = randomScale(random, -8, 1);
  const [left, right] = [nearbyScale(random, scale, 3), nearbyScale(random, scale, 3)];
  const output = nearbyScale(random, Math.max(left, right) ** 2 * 60, 3);
  return randomPair(
    random,
    quantised(random, "int8", left),
    quantised(random, "int8", right),
    quantised(random, "int8", output),
  );
}

/** The comparisons. Scales are below one, and often so small that values which differ are rounded to equals. */
export function randomComparison(random: Random): LayerSpec {
  const scale = randomScale(random, -14, -3);
  const left = quantised(random, "int8", scale);
  const right = random.chance(0.5) ? left : quantised(random, "int8", nearbyScale(random, scale, 2));
  return randomPair(random, left, right, { type: "bool" });
}

/** PRELU with an alpha per channel, per element or for all. */
export function randomPrelu(random: Random): LayerSpec {
  const scale = randomScale(random, -8, 1);
  const shape = randomShape(random, random.integer(1, 4), 7);
  const alphaShape = random.pick([
    shape,
    shape.slice(-1),
    shape.map((size, axis) => (axis === 0 ? size : 1)),
  ]);
  const alpha = quantised(random, "int8", randomScale(random, -9, -6));
  const constant = random.chance(0.7);
  return {
    tensors: [
      { ...quantised(random, "int8", scale), name: "input", shape },
      { ...quantised(random, "int8", nearbyScale(random, scale, 3)), name: "output", shape },
      { ...alpha, name: "alpha", shape: alphaShape, ...(constant ? constantData(random, alphaShape) : {}) },
    ],
    inputs: [0, 2],
    graphInputs: constant ? [0] : [0, 2],
    output: 1,
    options: {},
  };
}

type Untold = Omit<TensorSpec, "name" | "shape" | "data">;

function randomType(random: Random): Activation {
  return random.chance(0.3) ? "int16" : "int8";
}

/** A tensor of this type and scale; int16 is symmetric. */
function quantised(random: Random, type: Activation, scale: number): Untold {
  const quantisation =
    type === "int8" ? int8Quantisation(random, scale) : { scales: [scale], zeroPoints: [0] };
  return { type, quantisation };
}

/** Two inputs of equal or broadcast shapes, the second at times a constant. */
function randomPair(random: Random, left: Untold, right: Untold, output: Untold): LayerSpec {
  const shapes = broadcastShapes(random);
  const constant = left.type === "int8" && random.chance(0.3);
  return {
    tensors: [
      { ...left, name: "left", shape: shapes.left },
      { ...output, name: "output", shape: shapes.output },
      {
        ...right,
        name: "right",
        shape: shapes.right,
        ...(constant ? constantData(random, shapes.right) : {}),
      },
    ],
    inputs: [0, 2],
    graphInputs: constant ? [0] : [0, 2],
    output: 1,
    options: {},
  };
}

function constantData(random: Random, shape: readonly number[]): Pick<TensorSpec, "data"> {
  return { data: int8Bytes(randomInt8(random, elementsOf(shape))) };
}

/** Equal shapes, one that broadcasts to the other, or two that broadcast to a third. */
function broadcastShapes(random: Random): Record<"left" | "right" | "output", readonly number[]> {
  const output = randomShape(random, random.integer(1, 4), 7);
  const kind = random.pick(["equal", "equal", "left", "right", "both"]);
  const repeated = output.map(() => random.pick(["left", "right", "none"]));
  const keep = (side: "left" | "right") => {
    if (kind === "both") return output.map((size, axis) => (repeated[axis] === side ? 1 : size));
    if (kind !== side) return output;
    return output.slice(random.integer(0, output.length - 1)).map((size) => (random.chance(0.4) ? 1 : size));
  };
  return { left: keep("left"), right: keep("right"), output };
}

function activated(random: Random, layer: LayerSpec): LayerSpec {
  return { ...layer, options: { fusedActivation: randomActivation(random) } };
}
