/** ADD, PAD, MEAN, RESHAPE, pools and SOFTMAX as constants and calls of test/bench/reference/. */
import { fusedActivation } from "../../host/compiler/activation.js";
import { quantizeMultiplier } from "../../host/compiler/fixed_point.js";
import {
  constantIntegers,
  input,
  integerOption,
  nhwc,
  output,
  perTensor,
} from "../../host/compiler/operands.js";
import { strides } from "../../host/compiler/window.js";
import type { Operator, Tensor } from "../../host/model/graph.js";
import { windowOf } from "../reference/window.js";
import { type Place, windowFields } from "./c_convolution.js";
import { type CLayer, type CStruct, structOf } from "./c_values.js";

/** A shape as four dimensions, leading ones added. */
function four(shape: readonly number[], missing = 1): number[] {
  return [...Array<number>(4 - shape.length).fill(missing), ...shape];
}

/** Elements from one to the next along each dimension. */
function steps(shape: readonly number[]): number[] {
  return shape.map((_, axis) => shape.slice(axis + 1).reduce((product, size) => product * size, 1));
}

function layer(
  operator: Operator,
  kind: string,
  kernel: string,
  fields: CStruct,
  tensors: readonly string[],
): CLayer {
  const name = `layer_${operator.index}`;
  return {
    constants: [`static const struct ${kind} ${name} = ${structOf(fields)};`],
    call: `${kernel}(&${[name, ...tensors].join(", ")})`,
  };
}

/** CalculateOpData of add.cc: both inputs on twice the larger scale, with 20 bits to spare. */
export function add(operator: Operator, place: Place): CLayer {
  const [left, right, to] = [input(operator, 0), input(operator, 1), output(operator)];
  const twice = 2 * Math.max(perTensor(operator, left).scale, perTensor(operator, right).scale);
  const same = left.shape.join() === right.shape.join();
  const sizes = same ? [1, 1, 1, to.elements] : four(to.shape);
  const addend = (tensor: Tensor) => {
    const { scale, zeroPoint } = perTensor(operator, tensor);
    const shape = same ? sizes : four(tensor.shape);
    const strides = steps(shape).map((step, axis) => (shape[axis] === 1 && sizes[axis] !== 1 ? 0 : step));
    return { strides, zero_point: zeroPoint, ...quantizeMultiplier(scale / twice) };
  };
  const { scale, zeroPoint } = perTensor(operator, to);
  const { minimum, maximum } = fusedActivation(operator, to);
  const fields = {
    sizes,
    left: addend(left),
    right: addend(right),
    ...quantizeMultiplier(twice / (2 ** 20 * scale)),
    output_zero_point: zeroPoint,
    low: minimum,
    high: maximum,
  };
  return layer(operator, "add", "add", fields, [left, right, to].map(place));
}

export function pad(operator: Operator, place: Place): CLayer {
  const [from, to] = [input(operator, 0), output(operator)];
  const pairs = constantIntegers(operator, input(operator, 1));
  const fields = {
    sizes: four(from.shape),
    before: four(
      from.shape.map((_, axis) => pairs[2 * axis] ?? 0),
      0,
    ),
    output_sizes: four(to.shape),
    value: perTensor(operator, to).zeroPoint,
  };
  return layer(operator, "pad", "pad", fields, [place(from), place(to)]);
}

/** QuantizedMeanOrSum in reference/reduce.h: 1/count goes into the multiplier, as many bits as fit. */
export function mean(operator: Operator, place: Place): CLayer {
  const [from, to] = [input(operator, 0), output(operator)];
  const shape = four(from.shape);
  const axes = constantIntegers(operator, input(operator, 1)).map(
    (axis) => (axis < 0 ? axis + from.shape.length : axis) + 4 - from.shape.length,
  );
  const reduced = shape.map((size, axis) => (axes.includes(axis) ? size : 1));
  const count = reduced.reduce((product, size) => product * size, 1);
  const real = quantizeMultiplier(perTensor(operator, from).scale / perTensor(operator, to).scale);
  const gain = Math.min(31 - Math.clz32(count), 31 + real.shift);
  const fields = {
    kept: shape.map((size, axis) => (axes.includes(axis) ? 1 : size)),
    reduced,
    strides: steps(shape),
    offset: count * perTensor(operator, from).zeroPoint,
    multiplier: Number((BigInt(real.multiplier) << BigInt(gain)) / BigInt(count)),
    shift: real.shift - gain,
    output_zero_point: perTensor(operator, to).zeroPoint,
  };
  return layer(operator, "mean", "mean", fields, [place(from), place(to)]);
}

export function reshape(operator: Operator, place: Place): CLayer {
  const [from, to] = [input(operator, 0), output(operator)];
  return { constants: [], call: `reshape(${place(from)}, ${place(to)}, ${to.bytes})` };
}

export function pool(operator: Operator, place: Place): CLayer {
  const [from, to] = [input(operator, 0), output(operator)];
  const [batches, height, width, depth] = nhwc(operator, from);
  const [strideHeight, strideWidth] = strides(operator);
  const size = (name: string) => integerOption(operator, name, 1, 1 << 16);
  const { padding } = operator.options.fields;
  const rows = windowOf(padding, height, size("filterHeight"), strideHeight, 1);
  const columns = windowOf(padding, width, size("filterWidth"), strideWidth, 1);
  const [, outputHeight, outputWidth] = nhwc(operator, to);
  const { minimum, maximum } = fusedActivation(operator, to);
  const fields = {
    batches,
    height,
    width,
    depth,
    output_height: outputHeight,
    output_width: outputWidth,
    rows: windowFields(rows),
    columns: windowFields(columns),
    low: minimum,
    high: maximum,
  };
  const kernel = operator.name === "MAX_POOL_2D" ? "max_pool_2d" : "average_pool_2d";
  return layer(operator, "pool", kernel, fields, [place(from), place(to)]);
}

/** Integer bits of the scaled differences. */
const differenceBits = 5;

/** What SoftmaxPrepare folds (PreprocessSoftmaxScaling, CalculateInputRadius). */
export function softmaxScale(operator: Operator): { multiplier: number; shift: number } {
  const beta = Number(operator.options.fields.beta);
  const real = beta * perTensor(operator, input(operator, 0)).scale * 2 ** (31 - differenceBits);
  return quantizeMultiplier(Math.min(real, 2 ** 31 - 1));
}

export function softmax(operator: Operator, place: Place): CLayer {
  const [from, to] = [input(operator, 0), output(operator)];
  const depth = from.shape.at(-1) ?? 1;
  const { multiplier, shift } = softmaxScale(operator);
  const radius = Math.floor(((2 ** differenceBits - 1) * 2 ** (31 - differenceBits)) / 2 ** shift);
  const fields = { rows: from.elements / depth, depth, multiplier, shift, smallest: -radius };
  return layer(operator, "softmax", "softmax", fields, [place(from), place(to)]);
}
