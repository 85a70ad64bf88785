/** Steps of a random network whose operators work element by element: the candidates for results in place. */

import type { TensorSpec } from "../model/model_builder.js";
import {
  elementsOf,
  int8Bytes,
  int8Quantisation,
  randomActivation,
  randomInt8,
} from "../reference/random_parts.js";
import { isSmall, type NetworkBuilder, sameShape, scaleOf, type Value } from "./network_builder.js";

/** Adds operators to a network. @returns false where nothing in it suits them */
export type Step = (network: NetworkBuilder) => boolean;

/** Output quantisations that operators fix. */
export const fixedOutputs: Readonly<Record<string, TensorSpec["quantisation"]>> = {
  LOGISTIC: { scales: [2 ** -8], zeroPoints: [-128] },
  SOFTMAX: { scales: [2 ** -8], zeroPoints: [-128] },
  TANH: { scales: [2 ** -7], zeroPoints: [0] },
  L2_NORMALIZATION: { scales: [2 ** -7], zeroPoints: [0] },
};

const functions = ["ABS", "ELU", "HARD_SWISH", "LEAKY_RELU", "QUANTIZE", "RELU", "RELU6"];

/** A function of one int8 value. */
export const oneOperand: Step = (network) => {
  const { random } = network;
  const name = random.pick([...functions, ...Object.keys(fixedOutputs)]);
  const value = network.pick(({ type, shape }) => type === "int8" && shape.length > 0);
  // What steps of hundreds saturate at once is refused.
  if (!value || (name in fixedOutputs && scaleOf(value.spec) > 8)) return false;
  const { type, shape, quantisation = { scales: [], zeroPoints: [] } } = value.spec;
  const free = int8Quantisation(random, network.scale(scaleOf(value.spec), 2));
  const output = name === "RELU6" ? quantisation : (fixedOutputs[name] ?? free);
  const options =
    name === "SOFTMAX"
      ? { beta: 1 }
      : name === "LEAKY_RELU"
        ? { alpha: Math.fround(2 * random.real() - 1) }
        : {};
  network.result(name, [value.index], { type, shape, quantisation: output }, options);
  return true;
};

/** The shape that two broadcast to, or null. */
export function broadcast(a: readonly number[], b: readonly number[]): readonly number[] | null {
  const rank = Math.max(a.length, b.length);
  const sized = (shape: readonly number[], axis: number) => shape[axis - rank + shape.length] ?? 1;
  const pairs = Array.from({ length: rank }, (_, axis) => [sized(a, axis), sized(b, axis)] as const);
  if (pairs.some(([left, right]) => left !== right && left !== 1 && right !== 1)) return null;
  return pairs.map(([left, right]) => Math.max(left, right));
}

/** A second operand: the value itself, another one that broadcasts with it, or a constant. */
function partner(network: NetworkBuilder, value: Value): Value {
  const { random } = network;
  const { shape, type } = value.spec;
  if (random.chance(0.15)) return value;
  const suits = (spec: TensorSpec) => {
    const together = broadcast(spec.shape, shape);
    return spec.type === type && together !== null && together.length <= 4 && isSmall(together);
  };
  const found = random.chance(0.8)
    ? network.pick((spec) => spec !== value.spec && sameShape(spec.shape, shape) && suits(spec))
    : network.pick(suits);
  if (found || type !== "int8") return found ?? value;
  const smaller = shape.slice(random.integer(0, Math.max(0, shape.length - 1)));
  const own = smaller.map((size) => (random.chance(0.3) ? 1 : size));
  const spec: TensorSpec = {
    type,
    shape: own,
    quantisation: int8Quantisation(random, network.scale(scaleOf(value.spec), 2)),
    data: int8Bytes(randomInt8(random, elementsOf(own))),
  };
  return { index: network.add(spec), spec };
}

const int8Pairs = ["ADD", "SUB", "MUL", "SQUARED_DIFFERENCE", "MAXIMUM", "MINIMUM", "PRELU", "comparison"];
const comparisons = ["EQUAL", "GREATER", "GREATER_EQUAL", "LESS", "LESS_EQUAL", "NOT_EQUAL"];

/** An operator of two values of a type, int8 or int16, that meet element by element. */
export const twoOperands: Step = (network) => {
  const { random } = network;
  const value = network.pick(
    ({ type, shape }) => (type === "int8" || type === "int16") && shape.length > 0 && shape.length <= 4,
  );
  if (!value) return false;
  const { type } = value.spec;
  const other = partner(network, value);
  const [left, right] = random.chance(0.5) ? [value, other] : [other, value];
  const shape = broadcast(left.spec.shape, right.spec.shape);
  if (!shape) throw new Error("unreachable");
  const [a, b] = [scaleOf(left.spec), scaleOf(right.spec)];
  const name = random.pick(type === "int16" ? ["ADD", "SUB", "MUL"] : int8Pairs);
  const result = (typical: number, options = {}) => {
    const scale = network.scale(typical, 2);
    const quantisation =
      type === "int8" ? int8Quantisation(random, scale) : { scales: [scale], zeroPoints: [0] };
    network.result(name, [left.index, right.index], { type, shape, quantisation }, options);
  };
  const fused = { fusedActivation: randomActivation(random) };
  if (name === "MUL") result(a * b * (type === "int8" ? 60 : 8000), fused);
  else if (name === "SQUARED_DIFFERENCE") result(Math.max(a, b) ** 2 * 60);
  else if (name === "MAXIMUM" || name === "MINIMUM") extreme(network, name, left, right, shape);
  else if (name === "PRELU") {
    if (!sameShape(shape, left.spec.shape)) return false;
    result(a);
  } else if (name === "comparison") {
    if (a >= 1 || b >= 1) return false;
    network.result(random.pick(comparisons), [left.index, right.index], { type: "bool", shape });
  } else result(Math.max(a, b), fused);
  return true;
};

/** Both operands in one quantisation, as MAXIMUM and MINIMUM want them. */
function extreme(
  network: NetworkBuilder,
  name: string,
  left: Value,
  right: Value,
  shape: readonly number[],
): void {
  const { quantisation = { scales: [], zeroPoints: [] } } = left.spec;
  const constant = right.spec.data !== undefined;
  // Under a constant's own quantisation its bytes mean another number, which is as good a constant.
  const second = constant
    ? network.add({ ...right.spec, quantisation })
    : network.requantised(right, { type: "int8", quantisation }).index;
  const first = left.spec.data === undefined ? left.index : network.add(left.spec);
  network.result(name, [first, second], { type: "int8", shape, quantisation });
}

/** int8 made int16 or back, so that int16 operators meet each other. */
export const changeType: Step = (network) => {
  const value = network.pick(({ type }) => type === "int8" || type === "int16");
  if (!value) return false;
  const { type } = value.spec;
  const scale = scaleOf(value.spec);
  const wide = { type: "int16" as const, quantisation: { scales: [scale / 128], zeroPoints: [0] } };
  const back = {
    type: "int8" as const,
    quantisation: int8Quantisation(network.random, network.scale(scale * 128, 2)),
  };
  network.requantised(value, type === "int8" ? wide : back);
  return true;
};
