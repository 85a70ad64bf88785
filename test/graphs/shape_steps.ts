/** Steps of a random network that join, cut and reshape: branches, joins, and tensors that share one place. */

import type { TensorSpec } from "../model/model_builder.js";
import { elementsOf, int32Bytes } from "../reference/random_parts.js";
import type { Step } from "./elementwise_steps.js";
import {
  isSmall,
  type NetworkBuilder,
  sameQuantisation,
  type Value,
  withoutData,
} from "./network_builder.js";

/** The same bytes under another shape; chains of these share one place for long. */
export const reshape: Step = (network) => {
  const { random } = network;
  const value = network.pick(({ shape }) => shape.length > 0 && shape.length <= 4);
  if (!value) return false;
  const { shape } = value.spec;
  const output = (own: readonly number[]) => ({ ...withoutData(value.spec), shape: own });
  const kind = random.integer(0, 2);
  if (kind === 0) {
    const axis = random.integer(0, shape.length);
    const where = network.add({ type: "int32", shape: [], data: int32Bytes([axis]) });
    network.result("EXPAND_DIMS", [value.index, where], output(shape.toSpliced(axis, 0, 1)));
    return true;
  }
  if (kind === 1 && shape.includes(1) && shape.length > 1) {
    const axis = shape.indexOf(1);
    const options = { squeezeDimensions: [axis] };
    network.result("SQUEEZE", [value.index], output(shape.toSpliced(axis, 1)), options);
    return true;
  }
  const elements = elementsOf(shape);
  const divisors = Array.from({ length: elements }, (_, at) => at + 1).filter((at) => elements % at === 0);
  const rows = random.pick(divisors);
  const columns = random.pick(divisors.filter((divisor) => (elements / rows) % divisor === 0));
  network.reshaped(value, [1, rows, columns, elements / rows / columns]);
  return true;
};

/** CONCATENATION of values, at times of one with itself, or PACK of values of one shape. */
export const join: Step = (network) => {
  const { random } = network;
  const value = network.pick(({ shape }) => shape.length > 0 && shape.length <= 4);
  if (!value) return false;
  const { spec } = value;
  const rank = spec.shape.length;
  const packs = random.chance(0.3);
  const axis = random.integer(0, packs ? rank : rank - 1);
  const suits = (each: TensorSpec) =>
    each.type === spec.type &&
    each.shape.length === rank &&
    each.shape.every((size, at) => size === spec.shape[at] || (at === axis && !packs)) &&
    // Only int8 and int16 can be requantised.
    (sameQuantisation(each, spec) || each.type === "int8" || each.type === "int16");
  const parts = Array.from({ length: random.integer(1, 3) }, () => network.pick(suits) ?? value);
  const alike = [value, ...parts].map((part) => network.requantised(part, spec));
  const length = alike.reduce((sum, part) => sum + (part.spec.shape[axis] ?? 0), 0);
  const shape = packs ? spec.shape.toSpliced(axis, 0, alike.length) : spec.shape.with(axis, length);
  if (!isSmall(shape)) return true;
  const stated = random.chance(0.3) ? axis - shape.length : axis;
  const output = { ...withoutData(spec), shape };
  const indices = alike.map(({ index }) => index);
  if (packs) network.result("PACK", indices, output, { axis: stated, valuesCount: alike.length });
  else network.result("CONCATENATION", indices, output, { axis: stated });
  return true;
};

/** SPLIT, SPLIT_V or UNPACK: one operator with several outputs. */
export const cut: Step = (network) => {
  const { random } = network;
  const value = network.pick(({ shape }) => shape.some((size) => size >= 2 && size <= 12));
  if (!value) return false;
  const { spec } = value;
  const axes = spec.shape.map((_, axis) => axis);
  const axis = random.pick(
    axes.filter((each) => (spec.shape[each] ?? 0) >= 2 && (spec.shape[each] ?? 0) <= 12),
  );
  const size = spec.shape[axis] ?? 0;
  const part = (length: number) => ({ ...withoutData(spec), shape: spec.shape.with(axis, length) });
  const constant = (values: readonly number[], shape: readonly number[]) =>
    network.add({ type: "int32", shape, data: int32Bytes(values) });
  const kind = random.integer(0, 2);
  if (kind === 0 && size <= 4) {
    const each = { ...withoutData(spec), shape: spec.shape.toSpliced(axis, 1) };
    network.operator("UNPACK", [value.index], new Array(size).fill(each), { axis, count: size });
  } else if (kind === 1) {
    const splits = [2, 3, 4].find((count) => size % count === 0) ?? 1;
    const outputs = new Array(splits).fill(part(size / splits));
    network.operator("SPLIT", [constant([axis], []), value.index], outputs, { splits });
  } else {
    const first = random.integer(1, size - 1);
    const sizes = [first, size - first];
    const inputs = [value.index, constant(sizes, [2]), constant([axis], [])];
    network.operator("SPLIT_V", inputs, sizes.map(part), { splits: 2 });
  }
  return true;
};

/** ARG_MAX along the last axis, and a GATHER by the indices that it computed. */
export const computedIndices: Step = (network) => {
  const { random } = network;
  const value = network.pick(({ type, shape }) => type === "int8" && shape.length > 1);
  if (!value) return false;
  const { shape } = value.spec;
  const reach = shape.at(-1) ?? 1;
  const name = random.pick(["ARG_MAX", "ARG_MIN"]);
  const where = network.add({
    type: "int32",
    shape: [],
    data: int32Bytes([random.pick([-1, shape.length - 1])]),
  });
  const found = network.result(name, [value.index, where], { type: "int32", shape: shape.slice(0, -1) });
  const table = gatherable(network, found, reach);
  if (table === null) return true;
  const axis = table.spec.shape.findIndex((size) => size >= reach);
  const gathered = table.spec.shape.toSpliced(axis, 1, ...found.spec.shape);
  if (!isSmall(gathered)) return true;
  const output = { ...withoutData(table.spec), shape: gathered };
  network.result("GATHER", [table.index, found.index], output, { axis, batchDimensions: 0 });
  return true;
};

/** A value with an axis that holds all indices. */
function gatherable(network: NetworkBuilder, indices: Value, reach: number): Value | null {
  const rank = indices.spec.shape.length;
  return network.pick(
    ({ type, shape }) => type === "int8" && shape.length + rank <= 5 && shape.some((size) => size >= reach),
  );
}
