/** Random layers that join tensors or cut one: CONCATENATION, PACK, SPLIT, SPLIT_V, UNPACK. */

import type { TensorSpec } from "../model/model_builder.js";
import type { Random } from "../model/random.js";
import { int32s, randomElement, stated } from "./random_elements.js";
import { elementsOf, type LayerSpec, randomShape } from "./random_parts.js";

/** The inputs of CONCATENATION and PACK; one of them may be a constant. */
function joining(
  random: Random,
  shapes: readonly (readonly number[])[],
  to: readonly number[],
  options: LayerSpec["options"],
): LayerSpec {
  const element = randomElement(random);
  const constant = shapes.length > 1 && element.type === "int8" ? random.integer(0, 2 * shapes.length) : -1;
  const inputs = shapes.map((shape, index): TensorSpec => {
    const data = Uint8Array.from({ length: elementsOf(shape) }, () => random.integer(0, 255));
    return { name: `input${index}`, ...element, shape, ...(index === constant ? { data } : {}) };
  });
  const positions = inputs.map((_, index) => index + 1);
  return {
    tensors: [{ name: "output", ...element, shape: to }, ...inputs],
    inputs: positions,
    graphInputs: positions.filter((position) => position !== constant + 1),
    output: 0,
    options,
  };
}

export function randomConcatenation(random: Random): LayerSpec {
  const shape = randomShape(random, random.integer(1, 4), 5);
  const axis = random.integer(0, shape.length - 1);
  const lengths = Array.from({ length: random.integer(1, 4) }, () => random.integer(1, 6));
  const total = lengths.reduce((sum, length) => sum + length, 0);
  const shapes = lengths.map((length) => shape.with(axis, length));
  return joining(random, shapes, shape.with(axis, total), { axis: stated(random, axis, shape.length) });
}

export function randomPack(random: Random): LayerSpec {
  const shape = randomShape(random, random.integer(1, 3), 5);
  const axis = random.integer(0, shape.length);
  const valuesCount = random.integer(1, 4);
  const shapes = Array.from({ length: valuesCount }, () => shape);
  return joining(random, shapes, shape.toSpliced(axis, 0, valuesCount), {
    valuesCount,
    axis: stated(random, axis, shape.length + 1),
  });
}

/** One input, several outputs; `constants` are put before or behind the input as the operator has them. */
function cutting(
  random: Random,
  from: readonly number[],
  shapes: readonly (readonly number[])[],
  constants: readonly TensorSpec[],
  inputs: readonly number[],
  options: LayerSpec["options"],
): LayerSpec {
  const element = randomElement(random);
  const outputs = shapes.map((shape, index): TensorSpec => ({ name: `output${index}`, ...element, shape }));
  const first = 1 + constants.length;
  return {
    tensors: [{ name: "input", ...element, shape: from }, ...constants, ...outputs],
    inputs,
    graphInputs: [0],
    output: first,
    moreOutputs: shapes.slice(1).map((_, index) => first + 1 + index),
    options,
  };
}

export function randomSplit(random: Random): LayerSpec {
  const shape = randomShape(random, random.integer(1, 4), 5);
  const axis = random.integer(0, shape.length - 1);
  const splits = random.integer(1, 4);
  const part = shape[axis] ?? 1;
  const constant = int32s("axis", [stated(random, axis, shape.length)], []);
  const parts = Array.from({ length: splits }, () => shape);
  return cutting(random, shape.with(axis, splits * part), parts, [constant], [1, 0], { splits });
}

export function randomSplitV(random: Random): LayerSpec {
  const shape = randomShape(random, random.integer(1, 4), 5);
  const axis = random.integer(0, shape.length - 1);
  const lengths = Array.from({ length: random.integer(1, 4) }, () => random.integer(1, 6));
  const total = lengths.reduce((sum, length) => sum + length, 0);
  const constants = [int32s("sizes", lengths), int32s("axis", [stated(random, axis, shape.length)], [])];
  const parts = lengths.map((length) => shape.with(axis, length));
  return cutting(random, shape.with(axis, total), parts, constants, [0, 1, 2], { splits: lengths.length });
}

export function randomUnpack(random: Random): LayerSpec {
  const shape = randomShape(random, random.integer(1, 3), 5);
  const axis = random.integer(0, shape.length);
  const count = random.integer(1, 4);
  const parts = Array.from({ length: count }, () => shape);
  return cutting(random, shape.toSpliced(axis, 0, count), parts, [], [0], {
    count,
    axis: stated(random, axis, shape.length + 1),
  });
}
