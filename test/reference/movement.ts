/**
 * Operators that only move elements, told in coordinates: each output element by the coordinates of the input
 * element that it is. Slow, and unlike the compiler's strided copies in every step.
 */

import { at, type KernelCall, perTensor, type Values } from "./tensor_values.js";

/** Coordinates of element `index` of a shape. */
export function coordinatesOf(shape: readonly number[], index: number): number[] {
  const coordinates: number[] = [];
  let rest = index;
  for (const size of [...shape].reverse()) {
    coordinates.unshift(rest % size);
    rest = Math.floor(rest / size);
  }
  return coordinates;
}

/** Index of the element at coordinates; an error outside the shape. */
export function indexOf(shape: readonly number[], coordinates: readonly number[]): number {
  if (coordinates.length !== shape.length)
    throw new Error(`${coordinates.length} coordinates of [${shape}].`);
  return shape.reduce((index, size, dimension) => {
    const coordinate = at(coordinates, dimension);
    if (coordinate < 0 || coordinate >= size) throw new Error(`[${coordinates}] lies outside [${shape}].`);
    return index * size + coordinate;
  }, 0);
}

/** Fills an output: `source` gives the coordinates in `input` of the element at coordinates of `output`. */
function move(
  input: Values,
  output: Values,
  source: (coordinates: readonly number[]) => readonly number[],
): void {
  output.numbers.forEach((_, index) => {
    const from = indexOf(input.shape, source(coordinatesOf(output.shape, index)));
    output.numbers[index] = at(input.numbers, from);
  });
}

function numberOption(call: KernelCall, name: string): number {
  const value = call.operator.options.fields[name];
  if (typeof value !== "number") throw new Error(`No option ${name}.`);
  return value;
}

const wrapped = (axis: number, rank: number) => (axis < 0 ? axis + rank : axis);

export function transpose({ input, output }: KernelCall): void {
  const axes = [...input(1).numbers].map((axis) => wrapped(axis, output.shape.length));
  move(input(0), output, (coordinates) => axes.map((_, axis) => at(coordinates, axes.indexOf(axis))));
}

/** Elements `begins` … along each axis; how many is the output's shape. */
export function slice({ input, output }: KernelCall): void {
  const begins = input(1).numbers;
  move(input(0), output, (coordinates) =>
    coordinates.map((coordinate, axis) => coordinate + at(begins, axis)),
  );
}

export function stridedSlice(call: KernelCall): void {
  const { input, output } = call;
  const [begins, strides] = [input(1).numbers, input(3).numbers];
  const bit = (name: string, axis: number) => ((numberOption(call, name) >> axis) & 1) === 1;
  const { shape } = input(0);
  const starts = shape.map((size, axis) => {
    const backwards = at(strides, axis) < 0;
    if (bit("beginMask", axis)) return backwards ? size - 1 : 0;
    const begin = wrapped(at(begins, axis), size);
    return backwards ? Math.min(begin, size - 1) : Math.max(begin, 0);
  });
  move(input(0), output, (coordinates) => {
    let kept = 0;
    return shape.map((_, axis) => {
      const step = bit("shrinkAxisMask", axis) ? 0 : at(coordinates, kept++);
      return at(starts, axis) + step * at(strides, axis);
    });
  });
}

/** Writes each of `parts` where it lies along `axis` of the whole, or reads it from there. */
function along(axis: number, whole: Values, parts: readonly Values[], direction: "join" | "split"): void {
  let start = 0;
  for (const part of parts) {
    part.numbers.forEach((_, index) => {
      const coordinates = coordinatesOf(part.shape, index);
      const place = indexOf(whole.shape, coordinates.with(axis, at(coordinates, axis) + start));
      if (direction === "join") whole.numbers[place] = at(part.numbers, index);
      else part.numbers[index] = at(whole.numbers, place);
    });
    start += at(part.shape, axis);
  }
}

/** The same values with an axis of length 1 put in. */
const withAxis = (values: Values, axis: number): Values => ({
  ...values,
  shape: values.shape.toSpliced(axis, 0, 1),
});

const allInputs = ({ operator, input }: KernelCall) => operator.inputs.map((_, position) => input(position));

export function concatenation(call: KernelCall): void {
  const axis = wrapped(numberOption(call, "axis"), call.output.shape.length);
  along(axis, call.output, allInputs(call), "join");
}

export function pack(call: KernelCall): void {
  const axis = wrapped(numberOption(call, "axis"), call.output.shape.length);
  const parts = allInputs(call).map((values) => withAxis(values, axis));
  along(axis, call.output, parts, "join");
}

export function split({ input, outputs }: KernelCall): void {
  along(wrapped(at(input(0).numbers, 0), input(1).shape.length), input(1), outputs, "split");
}

export function splitV({ input, outputs }: KernelCall): void {
  along(wrapped(at(input(2).numbers, 0), input(0).shape.length), input(0), outputs, "split");
}

export function unpack(call: KernelCall): void {
  const whole = call.input(0);
  const axis = wrapped(numberOption(call, "axis"), whole.shape.length);
  const parts = call.outputs.map((values) => withAxis(values, axis));
  along(axis, whole, parts, "split");
}

export function spaceToDepth(call: KernelCall): void {
  const block = numberOption(call, "blockSize");
  const depth = at(call.input(0).shape, 3);
  move(call.input(0), call.output, ([b = 0, y = 0, x = 0, c = 0]) => {
    const within = Math.floor(c / depth);
    return [b, y * block + Math.floor(within / block), x * block + (within % block), c % depth];
  });
}

export function depthToSpace(call: KernelCall): void {
  const block = numberOption(call, "blockSize");
  const depth = at(call.output.shape, 3);
  move(call.input(0), call.output, ([b = 0, y = 0, x = 0, c = 0]) => [
    b,
    Math.floor(y / block),
    Math.floor(x / block),
    ((y % block) * block + (x % block)) * depth + c,
  ]);
}

/** The element of the picture that stands at coordinates of the batch, or null where that is padding. */
function pictureOf(
  picture: readonly number[],
  blocks: readonly number[],
  before: readonly number[],
  coordinates: readonly number[],
): number[] | null {
  const batches = at(picture, 0);
  let phase = Math.floor(at(coordinates, 0) / batches);
  const found = [...coordinates].with(0, at(coordinates, 0) % batches);
  for (let axis = blocks.length - 1; axis >= 0; axis--) {
    const block = at(blocks, axis);
    found[axis + 1] = at(coordinates, axis + 1) * block + (phase % block) - at(before, axis);
    phase = Math.floor(phase / block);
  }
  return found.every((coordinate, axis) => coordinate >= 0 && coordinate < at(picture, axis)) ? found : null;
}

/** Padding is the zero point, as in TensorFlow Lite; TFLite Micro reads an uninitialised value there. */
export function spaceToBatchNd({ input, output }: KernelCall): void {
  const picture = input(0);
  const blocks = [...input(1).numbers];
  const before = blocks.map((_, axis) => at(input(2).numbers, 2 * axis));
  output.numbers.forEach((_, index) => {
    const from = pictureOf(picture.shape, blocks, before, coordinatesOf(output.shape, index));
    output.numbers[index] = from
      ? at(picture.numbers, indexOf(picture.shape, from))
      : perTensor(output).zeroPoint;
  });
}

export function batchToSpaceNd({ input, output }: KernelCall): void {
  const batch = input(0);
  const blocks = [...input(1).numbers];
  const before = blocks.map((_, axis) => at(input(2).numbers, 2 * axis));
  batch.numbers.forEach((value, index) => {
    const to = pictureOf(output.shape, blocks, before, coordinatesOf(batch.shape, index));
    if (to) output.numbers[indexOf(output.shape, to)] = value;
  });
}

export function mirrorPad({ operator, input, output }: KernelCall): void {
  const paddings = input(1).numbers;
  const border = operator.options.fields.mode === "REFLECT" ? 0 : 1;
  const { shape } = input(0);
  move(input(0), output, (coordinates) =>
    coordinates.map((coordinate, axis) => {
      const size = at(shape, axis);
      const place = coordinate - at(paddings, 2 * axis);
      if (place < 0) return -place - border;
      return place < size ? place : 2 * (size - 1) - place + border;
    }),
  );
}

/** PADV2: the input amid a constant of its own. */
export function padV2({ input, output }: KernelCall): void {
  const paddings = input(1).numbers;
  output.numbers.fill(at(input(2).numbers, 0));
  input(0).numbers.forEach((value, index) => {
    const coordinates = coordinatesOf(input(0).shape, index);
    const place = coordinates.map((coordinate, axis) => coordinate + at(paddings, 2 * axis));
    output.numbers[indexOf(output.shape, place)] = value;
  });
}

export function gather(call: KernelCall): void {
  const [values, indices] = [call.input(0), call.input(1)];
  const axis = wrapped(numberOption(call, "axis"), values.shape.length);
  const batchDimensions = numberOption(call, "batchDimensions");
  const picked = indices.shape.length - batchDimensions;
  move(values, call.output, (coordinates) => {
    const place = [...coordinates.slice(0, batchDimensions), ...coordinates.slice(axis, axis + picked)];
    const index = at(indices.numbers, indexOf(indices.shape, place));
    return [...coordinates.slice(0, axis), index, ...coordinates.slice(axis + picked)];
  });
}
