/**
 * Random single-operator models (test/reference/random_graph.ts) as parts of a network: their inputs become values
 * that are there already, brought to the shape and quantisation that the operator was drawn for. So every operator
 * that has a generator comes into the networks, with all its variants.
 */

import type { Operator, Tensor } from "../../host/model/graph.js";
import type { TensorSpec } from "../model/model_builder.js";
import { randomModel } from "../reference/random_graph.js";
import { elementsOf, int32Bytes } from "../reference/random_parts.js";
import { fixedOutputs } from "./elementwise_steps.js";
import {
  isSmall,
  type NetworkBuilder,
  sameQuantisation,
  sameShape,
  type Value,
  withoutData,
} from "./network_builder.js";

/** What QUANTIZE and DEQUANTIZE make of int8. */
const reachable: readonly string[] = ["int8", "uint8", "int16", "float32"];

/** Drawings among which the one is taken that fits best what is there. */
const drawings = 24;

/** Adds an operator of this name. @returns false where none could be drawn that a network can hold */
export function attach(network: NetworkBuilder, name: string): boolean {
  const drawn = Array.from({ length: drawings }, () => draw(network, name)).filter((one) => one !== null);
  const [best] = drawn
    .map((operator) => ({ operator, effort: effort(network, operator) }))
    .sort((a, b) => a.effort - b.effort);
  if (best === undefined) return false;
  adopt(network, best.operator);
  return true;
}

/** How much has to be done to bring what is there into the operator's shapes. */
function effort(network: NetworkBuilder, operator: Operator): number {
  const efforts = activationsOf(operator).map(({ type, shape, elements }) => {
    if (network.values.some(({ spec }) => spec.type === type && sameShape(spec.shape, shape))) return 0;
    return network.values.some(({ spec }) => elementsOf(spec.shape) === elements) ? 1 : 3;
  });
  return efforts.reduce<number>((sum, one) => sum + one, 0);
}

function draw(network: NetworkBuilder, name: string): Operator | null {
  const [operator] = randomModel(name, network.random.integer(0, 2 ** 30)).graph.operators;
  if (operator === undefined) throw new Error("unreachable");
  const shapes = [...activationsOf(operator), ...operator.outputs].map(({ shape }) => shape);
  // Computed indices must stay within their axis, which no other value promises.
  const usable = activationsOf(operator).every(({ type }) => reachable.includes(type));
  return usable && shapes.every(isSmall) ? operator : null;
}

/** The inputs that a network has to provide. */
function activationsOf(operator: Operator): Tensor[] {
  return operator.inputs.filter(
    (tensor): tensor is Tensor => tensor !== null && tensor.data === null && !tensor.isVariable,
  );
}

function adopt(network: NetworkBuilder, operator: Operator): void {
  const quantisation = adoptedQuantisation(network, operator);
  const specOf = (tensor: Tensor): TensorSpec => ({
    type: tensor.type,
    shape: tensor.shape,
    ...(tensor.quantisation ? { quantisation: quantisation ?? tensor.quantisation } : {}),
    ...(tensor.data ? { data: tensor.data } : {}),
    ...(tensor.isVariable ? { isVariable: true } : {}),
  });
  const placed = new Map<Tensor, number>();
  const inputs = operator.inputs.map((tensor) => {
    if (tensor === null) return null;
    const known = placed.get(tensor);
    if (known !== undefined) return known;
    const spec = specOf(tensor);
    const index = tensor.data || tensor.isVariable ? network.add(spec) : provide(network, spec).index;
    placed.set(tensor, index);
    return index;
  });
  network.operator(operator.name, inputs, operator.outputs.map(specOf), operator.options.fields);
}

/**
 * Where all quantised tensors of an operator share one quantisation (whatever moves elements, pools, MAXIMUM), any
 * does: then it is often that of a value of the network, and nothing need be requantised in between.
 */
function adoptedQuantisation(network: NetworkBuilder, operator: Operator): TensorSpec["quantisation"] {
  const tensors = [...operator.inputs, ...operator.outputs].filter(
    (tensor): tensor is Tensor => tensor !== null && tensor.quantisation !== null,
  );
  const [first] = tensors;
  // A comparison's operands share theirs, too, but its scale decides what is equal.
  const rescales = operator.outputs.some((tensor) => tensor.quantisation === null);
  // Nor is an output free whose quantisation the operator fixes.
  const fixed = rescales || operator.name in fixedOutputs;
  if (!first?.quantisation || fixed || network.random.chance(0.2)) return undefined;
  const { type, quantisation } = first;
  const alike = tensors.every((each) => each.type === type && sameQuantisation(each, { quantisation }));
  const [wanted] = activationsOf(operator);
  if (!alike || !wanted) return undefined;
  const value =
    network.pick((spec) => spec.type === type && sameShape(spec.shape, wanted.shape)) ??
    network.pick((spec) => spec.type === type);
  return value?.spec.quantisation;
}

/** A value of this type, shape and quantisation: one that is there, brought into it, or a new input. */
function provide(network: NetworkBuilder, wanted: TensorSpec): Value {
  const { random } = network;
  const elements = elementsOf(wanted.shape);
  const exactly = network.pick(
    (spec) =>
      spec.type === wanted.type && sameQuantisation(spec, wanted) && sameShape(spec.shape, wanted.shape),
  );
  if (exactly && random.chance(0.7)) return exactly;
  if (network.inputs.length < 4 && random.chance(0.1)) return network.input(wanted);
  const asLarge = network.pick((spec) => spec.type === "int8" && elementsOf(spec.shape) === elements);
  const value = asLarge ?? network.pick((spec) => spec.type === "int8");
  if (value === null) return network.input(wanted);
  const sized = withElements(network, value, elements);
  // In either order: requantised in place, or under the new shape.
  if (random.chance(0.5)) return network.requantised(network.reshaped(sized, wanted.shape), wanted);
  return network.reshaped(network.requantised(sized, wanted), wanted.shape);
}

/** A value of so many elements: as it is, a part of it, or with zeros around it. */
function withElements(network: NetworkBuilder, value: Value, elements: number): Value {
  const { random } = network;
  const own = elementsOf(value.spec.shape);
  if (own === elements) return value;
  const flat = network.reshaped(value, [own]);
  const output = { ...withoutData(value.spec), shape: [elements] };
  const constant = (values: readonly number[], shape: readonly number[]) =>
    network.add({ type: "int32", shape, data: int32Bytes(values) });
  if (own < elements) {
    const before = random.integer(0, elements - own);
    const paddings = constant([before, elements - own - before], [1, 2]);
    return network.result("PAD", [flat.index, paddings], output);
  }
  const stride = random.integer(1, Math.floor(own / elements));
  const begin = random.integer(0, own - ((elements - 1) * stride + 1));
  if (stride === 1) {
    const [from, size] = [constant([begin], [1]), constant([elements], [1])];
    return network.result("SLICE", [flat.index, from, size], output);
  }
  const end = begin + (elements - 1) * stride + 1;
  const bounds = [begin, end, stride].map((bound) => constant([bound], [1]));
  return network.result("STRIDED_SLICE", [flat.index, ...bounds], output);
}
