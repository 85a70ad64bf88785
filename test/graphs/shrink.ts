/** A smaller network that is wrong in the same way as far as anyone can tell: what a person wants to look at. */

import type { ModelSpec } from "../model/model_builder.js";
import type { Network } from "./random_network.js";

/** @param isWrong whether a network still fails */
export async function shrink(
  network: Network,
  isWrong: (network: Network) => Promise<boolean>,
): Promise<Network> {
  let smallest = network;
  const attempt = async (spec: ModelSpec | null): Promise<boolean> => {
    const candidate = spec && { seed: network.seed, spec };
    if (!candidate || !(await isWrong(candidate))) return false;
    smallest = candidate;
    return true;
  };
  // The shortest prefix that fails, then without each operator in turn, the last ones first.
  for (let length = 1; length < network.spec.operators.length; length++) {
    if (await attempt(prefix(network.spec, length))) break;
  }
  for (let position = smallest.spec.operators.length - 1; position >= 0; position--) {
    if (await attempt(without(smallest.spec, position))) continue;
    await attempt(cutOff(smallest.spec, position));
  }
  return smallest;
}

/** The first operators alone; what none of them reads is an output. */
function prefix(spec: ModelSpec, length: number): ModelSpec | null {
  return closed(spec, spec.operators.slice(0, length), spec.inputs);
}

/** Without an operator and without all that needs its results. */
function without(spec: ModelSpec, position: number): ModelSpec | null {
  const missing = new Set<number | null>();
  const kept = spec.operators.filter((operator, index) => {
    const gone = index === position || operator.inputs.some((input) => missing.has(input));
    if (gone) for (const output of operator.outputs) missing.add(output);
    return !gone;
  });
  return closed(spec, kept, spec.inputs);
}

/** Without an operator, its results given as inputs instead, where they may be anything. */
function cutOff(spec: ModelSpec, position: number): ModelSpec | null {
  const outputs = spec.operators[position]?.outputs ?? [];
  if (outputs.some((output) => spec.tensors[output]?.type !== "int8")) return null;
  const kept = spec.operators.filter((_, index) => index !== position);
  return closed(spec, kept, [...spec.inputs, ...outputs]);
}

/** A whole model of these operators: unread inputs go, unread results become outputs. */
function closed(
  spec: ModelSpec,
  operators: ModelSpec["operators"],
  candidates: readonly number[],
): ModelSpec | null {
  const read = new Set(operators.flatMap((operator) => operator.inputs));
  const results = operators.flatMap((operator) => operator.outputs);
  const outputs = spec.outputs.filter((index) => results.includes(index));
  const unread = results.filter((index) => !read.has(index) && !outputs.includes(index));
  const inputs = candidates.filter((index) => read.has(index));
  if (operators.length === 0 || inputs.length === 0) return null;
  return { ...spec, operators, inputs, outputs: [...outputs, ...unread] };
}

/** The network as lines to read: inputs, operators with shapes, outputs. */
export function describeNetwork({ spec }: Network): string {
  const tensor = (index: number | null) => {
    const found = index === null ? undefined : spec.tensors[index];
    if (!found) return "-";
    const kind = found.data ? "constant " : found.isVariable ? "variable " : "";
    const scale = found.quantisation
      ? ` · ${found.quantisation.scales[0]} (${found.quantisation.zeroPoints[0]})`
      : "";
    return `${kind}#${index} ${found.type}[${found.shape.join(",")}]${scale}`;
  };
  return [
    `inputs ${spec.inputs.map(tensor).join("; ")}`,
    ...spec.operators.map(({ name, inputs, outputs, options }) => {
      const ends = `${inputs.map(tensor).join("; ")} → ${outputs.map(tensor).join("; ")}`;
      return `${name} ${JSON.stringify(options)} ${ends}`;
    }),
    `outputs ${spec.outputs.map((index) => `#${index}`).join(", ")}`,
  ].join("\n");
}
