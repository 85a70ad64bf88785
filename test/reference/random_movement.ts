/** Random layers that only move elements, of every element type that a board holds. */

import type { TensorSpec } from "../model/model_builder.js";
import type { Random } from "../model/random.js";
import { type Element, int32s, randomElement, stated } from "./random_elements.js";
import { elementsOf, int8Quantisation, type LayerSpec, randomScale, randomShape } from "./random_parts.js";

/** One input, one output, constants behind them. */
function moving(
  element: Element,
  from: readonly number[],
  to: readonly number[],
  constants: readonly TensorSpec[],
  options: LayerSpec["options"] = {},
): LayerSpec {
  return {
    tensors: [
      { name: "input", ...element, shape: from },
      { name: "output", ...element, shape: to },
      ...constants,
    ],
    inputs: [0, ...constants.map((_, index) => index + 2)],
    graphInputs: [0],
    output: 1,
    options,
  };
}

export function randomSqueeze(random: Random): LayerSpec {
  const shape = randomShape(random, random.integer(1, 3), 6);
  const axis = random.integer(0, shape.length);
  const squeezeDimensions = [stated(random, axis, shape.length + 1)];
  return moving(randomElement(random), shape.toSpliced(axis, 0, 1), shape, [], { squeezeDimensions });
}

export function randomExpandDims(random: Random): LayerSpec {
  const shape = randomShape(random, random.integer(1, 3), 6);
  const axis = random.integer(0, shape.length);
  const constant = int32s("axis", [stated(random, axis, shape.length + 1)]);
  return moving(randomElement(random), shape, shape.toSpliced(axis, 0, 1), [constant]);
}

export function randomTranspose(random: Random): LayerSpec {
  const rank = random.integer(1, 5);
  const shape = randomShape(random, rank, 5);
  const axes = shape.map((_, axis) => axis);
  for (let axis = rank - 1; axis > 0; axis--) {
    const other = random.integer(0, axis);
    [axes[axis], axes[other]] = [axes[other] ?? 0, axes[axis] ?? 0];
  }
  const to = axes.map((axis) => shape[axis] ?? 1);
  return moving(randomElement(random), shape, to, [int32s("permutation", axes)]);
}

export function randomSlice(random: Random): LayerSpec {
  const shape = randomShape(random, random.integer(1, 4), 7);
  const begins = shape.map((size) => (random.chance(0.4) ? 0 : random.integer(0, size - 1)));
  const rests = shape.map((size, axis) => size - (begins[axis] ?? 0));
  const to = rests.map((rest) => (random.chance(0.4) ? rest : random.integer(1, rest)));
  const sizes = to.map((count, axis) => (count === rests[axis] && random.chance(0.5) ? -1 : count));
  return moving(randomElement(random), shape, to, [int32s("begins", begins), int32s("sizes", sizes)]);
}

/** STRIDED_SLICE forwards and backwards, with bounds from either end or masked, axes dropped at times. */
export function randomStridedSlice(random: Random): LayerSpec {
  const shape = randomShape(random, random.integer(1, 4), 9);
  const masks = { beginMask: 0, endMask: 0, shrinkAxisMask: 0 };
  const to: number[] = [];
  const bounds = shape.map((size, axis) => {
    const stride = random.pick([1, 1, 1, 2, 3, -1, -1, -2]);
    const begin = random.chance(0.5) ? (stride > 0 ? 0 : size - 1) : random.integer(0, size - 1);
    const most = Math.ceil((stride > 0 ? size - begin : begin + 1) / Math.abs(stride));
    const count = random.chance(0.4) ? most : random.integer(1, most);
    const border = begin === (stride > 0 ? 0 : size - 1);
    if (border && random.chance(0.3)) masks.beginMask |= 1 << axis;
    if (count === most && random.chance(0.3)) masks.endMask |= 1 << axis;
    if (count === 1 && random.chance(0.3)) masks.shrinkAxisMask |= 1 << axis;
    else to.push(count);
    const end = begin + count * stride;
    return {
      begin: random.chance(0.3) ? begin - size : begin,
      // Before the first element is -1, which would be the last: counted from the end it is told apart.
      end: end < 0 || (end < size && random.chance(0.3)) ? end - size : end,
      stride,
    };
  });
  const constants = [
    int32s(
      "begins",
      bounds.map(({ begin }) => begin),
    ),
    int32s(
      "ends",
      bounds.map(({ end }) => end),
    ),
    int32s(
      "strides",
      bounds.map(({ stride }) => stride),
    ),
  ];
  return moving(randomElement(random), shape, to, constants, masks);
}

export function randomSpaceToDepth(random: Random): LayerSpec {
  return blocks(random, true);
}

export function randomDepthToSpace(random: Random): LayerSpec {
  return blocks(random, false);
}

function blocks(random: Random, toDepth: boolean): LayerSpec {
  const blockSize = random.integer(1, 4);
  const [batches, height, width, depth] = [random.pick([1, 1, 2]), ...randomShape(random, 3, 4)] as number[];
  const deep = [batches, height, width, (depth ?? 1) * blockSize ** 2] as number[];
  const wide = [batches, (height ?? 1) * blockSize, (width ?? 1) * blockSize, depth] as number[];
  const [from, to] = toDepth ? [wide, deep] : [deep, wide];
  return moving(randomElement(random), from, to, [], { blockSize });
}

export function randomSpaceToBatchNd(random: Random): LayerSpec {
  return batching(random, true);
}

export function randomBatchToSpaceNd(random: Random): LayerSpec {
  return batching(random, false);
}

/** SPACE_TO_BATCH_ND and its inverse, which crops what the other pads. */
function batching(random: Random, toBatch: boolean): LayerSpec {
  const spatial = random.pick([1, 2, 2]);
  const batches = random.pick([1, 1, 2]);
  const axes = Array.from({ length: spatial }, () => {
    const block = random.integer(1, 4);
    const before = random.chance(0.5) ? 0 : random.integer(0, 3);
    const size = random.integer(1, 8);
    const padded = Math.ceil((size + before) / block) * block + (random.chance(0.2) ? block : 0);
    return { block, before, after: padded - size - before, size, padded };
  });
  const depth = random.integer(1, 6);
  const phases = elementsOf(axes.map(({ block }) => block));
  const space = [batches, ...axes.map(({ size }) => size), depth];
  const batch = [batches * phases, ...axes.map(({ padded, block }) => padded / block), depth];
  const constants = [
    int32s(
      "block",
      axes.map(({ block }) => block),
    ),
    int32s(
      "borders",
      axes.flatMap(({ before, after }) => [before, after]),
      [spatial, 2],
    ),
  ];
  const element = {
    type: "int8",
    quantisation: int8Quantisation(random, randomScale(random, -8, 1)),
  } as const;
  const [from, to] = toBatch ? [space, batch] : [batch, space];
  return moving(element, from, to, constants);
}

export function randomMirrorPad(random: Random): LayerSpec {
  const mode = random.pick(["REFLECT", "SYMMETRIC"]);
  const shape = randomShape(random, random.integer(1, 4), 6);
  const paddings = shape.map((size) => {
    const most = mode === "REFLECT" ? size - 1 : size;
    return random.chance(0.3) ? [0, 0] : [random.integer(0, most), random.integer(0, most)];
  });
  const to = shape.map((size, axis) => size + (paddings[axis]?.[0] ?? 0) + (paddings[axis]?.[1] ?? 0));
  const constant = int32s("paddings", paddings.flat(), [shape.length, 2]);
  return moving(randomElement(random), shape, to, [constant], { mode });
}

export function randomPadV2(random: Random): LayerSpec {
  const shape = randomShape(random, random.integer(1, 4), 6);
  const paddings = shape.map(() =>
    random.chance(0.4) ? [0, 0] : [random.integer(0, 3), random.integer(0, 3)],
  );
  const to = shape.map((size, axis) => size + (paddings[axis]?.[0] ?? 0) + (paddings[axis]?.[1] ?? 0));
  const element = {
    type: "int8",
    quantisation: int8Quantisation(random, randomScale(random, -8, 1)),
  } as const;
  const constants = [
    int32s("paddings", paddings.flat(), [shape.length, 2]),
    { name: "value", ...element, shape: [], data: Uint8Array.of(random.integer(0, 255)) },
  ];
  return moving(element, shape, to, constants);
}

/** GATHER by constant indices; computed ones have a test of their own. */
export function randomGather(random: Random): LayerSpec {
  const shape = randomShape(random, random.integer(1, 4), 6);
  const axis = random.integer(0, shape.length - 1);
  const batchDimensions = random.chance(0.3) ? random.integer(0, axis) : 0;
  const picked = randomShape(random, random.integer(0, 2), 4).map((size) => Math.min(size, 8));
  const batches = shape.slice(0, batchDimensions);
  const length = shape[axis] ?? 1;
  const indices = Array.from({ length: elementsOf([...batches, ...picked]) }, () =>
    random.integer(0, length - 1),
  );
  const to = [...shape.slice(0, axis), ...picked, ...shape.slice(axis + 1)];
  const constant = int32s("indices", indices, [...batches, ...picked]);
  return moving(randomElement(random), shape, to, [constant], {
    axis: stated(random, axis, shape.length),
    batchDimensions,
  });
}

export function randomResizeNearestNeighbor(random: Random): LayerSpec {
  return resizing(random, randomElement(random));
}

export function randomResizeBilinear(random: Random): LayerSpec {
  return resizing(random, {
    type: "int8",
    quantisation: int8Quantisation(random, randomScale(random, -8, 1)),
  });
}

function resizing(random: Random, element: Element): LayerSpec {
  const [batches, depth] = [random.pick([1, 1, 2]), random.integer(1, 6)];
  const from = [random.integer(1, 9), random.integer(1, 9)];
  const to = from.map((size) => random.pick([1, size, 2 * size, random.integer(1, 20)]));
  const alignCorners = random.chance(0.35);
  const halfPixelCenters = !alignCorners && random.chance(0.5);
  return moving(element, [batches, ...from, depth], [batches, ...to, depth], [int32s("size", to)], {
    alignCorners,
    halfPixelCenters,
  });
}
