/**
 * A model as one C file over the plain kernels of test/bench/reference/: constants, a call for each layer, and an arena
 * that activations share (placed by the compiler's own planner; weights and scratch take nothing of it).
 */
import { arrange } from "../../host/compiler/arrange.js";
import type { Graph, Operator, Tensor } from "../../host/model/graph.js";
import { convolution, fullyConnected, type Place } from "./c_convolution.js";
import { add, mean, pad, pool, reshape, softmax, softmaxScale } from "./c_elementwise.js";
import { arrayOf, type CLayer } from "./c_values.js";

export interface CModel {
  readonly source: string;
  readonly arenaBytes: number;
  /** Where in the arena each input and output lies. */
  readonly inputs: readonly number[];
  readonly outputs: readonly number[];
  /** `bench_inputs` and `bench_outputs`: the same places for a program in C. */
  readonly tables: string;
}

const kernels: Readonly<Record<string, (operator: Operator, place: Place) => CLayer>> = {
  ADD: add,
  AVERAGE_POOL_2D: pool,
  CONV_2D: convolution,
  DEPTHWISE_CONV_2D: convolution,
  FULLY_CONNECTED: fullyConnected,
  MAX_POOL_2D: pool,
  MEAN: mean,
  PAD: pad,
  RESHAPE: reshape,
  SOFTMAX: softmax,
};

/** The operators that the C reference knows. */
export const referenceKernels: readonly string[] = Object.keys(kernels);

/** Operands that kernels read as numbers of elements, and not as tensors. */
const shapeOperands: Readonly<Record<string, readonly number[]>> = { MEAN: [1], PAD: [1], RESHAPE: [1] };

/** What of the graph the C reference does not cover, by name; empty where it covers all. */
export function notCovered(graph: Graph): string[] {
  const found = new Set(graph.operators.flatMap(reasons));
  if (graph.tensors.some(({ isVariable }) => isVariable)) found.add("state");
  return [...found];
}

function reasons(operator: Operator): string[] {
  const { name } = operator;
  if (kernels[name] === undefined) return [name];
  const found: string[] = [];
  const operands = operator.inputs.filter((_, index) => !shapeOperands[name]?.includes(index));
  const data = name === "ADD" || operands.length < 2 ? operands : [operands[0]];
  const types = [...data, ...operator.outputs].map((tensor) => tensor?.type ?? "int8");
  const other = types.find((type) => type !== "int8");
  if (other !== undefined) return [`${name} on ${other}`];
  const filter = /CONV|FULLY/.test(name) ? operator.inputs[1] : null;
  if (filter && (filter.type !== "int8" || filter.data === null)) return [`${name} with a computed filter`];
  if (filter?.quantisation?.zeroPoints.some((zeroPoint) => zeroPoint !== 0))
    found.push(`${name} with a filter's zero point`);
  if (operator.inputs.some((tensor) => (tensor?.shape.length ?? 0) > 4) && name !== "RESHAPE")
    found.push(`${name} of more than four dimensions`);
  if (name === "SOFTMAX" && softmaxScale(operator).shift < 0) found.push("SOFTMAX of a tiny scale");
  return found;
}

/** @throws Error where `notCovered` names something */
export function cModel(graph: Graph): CModel {
  const missing = notCovered(graph);
  if (missing.length > 0) throw new Error(`The C reference lacks ${missing.join(", ")}.`);
  const { offsets, bytes } = placeTensors(graph);
  const held = new Set<Tensor>();
  const place: Place = (tensor) => {
    if (tensor.data === null) return `arena + ${offsets.get(tensor.index)}`;
    held.add(tensor);
    return `tensor_${tensor.index}`;
  };
  const layers = graph.operators.map((operator) => kernels[operator.name]?.(operator, place) as CLayer);
  const tensors = [...held].map(({ index, data }) =>
    arrayOf("int8_t", `tensor_${index}`, Array.from(new Int8Array(Uint8Array.from(data ?? []).buffer))),
  );
  const calls = layers.map(({ call }, index) => `    ${call};\n    LAYER(${index});`);
  const source = [
    "/* Generated from a model by test/bench/c_source.ts. */",
    '#include "kernels.h"',
    `_Alignas(16) int8_t arena[${bytes}];`,
    ...tensors,
    ...layers.flatMap(({ constants }) => constants),
    `int32_t infer(void)\n{\n${calls.join("\n")}\n    return 0;\n}\n`,
  ].join("\n\n");
  const at = (list: readonly Tensor[]) => list.map(({ index }) => offsets.get(index) ?? 0);
  const table = (name: string, list: readonly Tensor[]) => {
    const entries = at(list).map((offset, index) => `{${offset}, ${list[index]?.bytes}}`);
    return `const struct bench_tensor ${name}[] = {${entries.join(", ")}, {0, 0}};\n`;
  };
  const tables = `#include "kernels.h"\n\n${table("bench_inputs", graph.inputs)}${table("bench_outputs", graph.outputs)}`;
  return { source, arenaBytes: bytes, inputs: at(graph.inputs), outputs: at(graph.outputs), tables };
}

/** Offsets in the arena of what is computed or given, alive from its writer to its last reader. */
function placeTensors(graph: Graph): { offsets: Map<number, number>; bytes: number } {
  const lives = new Map<number, { bytes: number; first: number; last: number }>();
  for (const { index, bytes } of graph.inputs) lives.set(index, { bytes, first: 0, last: 0 });
  for (const operator of graph.operators) {
    for (const { index, bytes } of operator.outputs)
      lives.set(index, { bytes, first: operator.index, last: operator.index });
    for (const tensor of operator.inputs) {
      const life = tensor ? lives.get(tensor.index) : undefined;
      if (life) life.last = operator.index;
    }
  }
  for (const { index } of graph.outputs) {
    const life = lives.get(index);
    if (life) life.last = graph.operators.length;
  }
  const plan = arrange([...lives.values()]);
  const offsets = new Map([...lives.keys()].map((index, at) => [index, plan.offsets[at] ?? 0]));
  return { offsets, bytes: Math.max(16, plan.bytes) };
}
