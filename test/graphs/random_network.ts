/**
 * Random graphs of all operators, by seed: branches and joins, several inputs and outputs, values that are read
 * many times and late, reshapes that share places, constants, results in place, outputs that later operators read,
 * results that nobody reads.
 */

import type { ModelSpec } from "../model/model_builder.js";
import { Random } from "../model/random.js";
import { randomOperators } from "../reference/random_graph.js";
import { elementsOf, int8Quantisation, randomScale } from "../reference/random_parts.js";
import { attach } from "./attach.js";
import { changeType, oneOperand, type Step, twoOperands } from "./elementwise_steps.js";
import { NetworkBuilder } from "./network_builder.js";
import { computedIndices, cut, join, reshape } from "./shape_steps.js";

const attachAny: Step = (network) => attach(network, network.random.pick(randomOperators));

/** Most of a real network, and the operators with the most kernel forms. */
const attachWeighted: Step = (network) =>
  attach(network, network.random.pick(["CONV_2D", "DEPTHWISE_CONV_2D", "FULLY_CONNECTED"]));

/** A third of the steps for all variants of all operators, two thirds for the shape of the graph. */
const steps: readonly Step[] = [
  ...[attachAny, attachAny, attachAny, attachAny, attachAny, attachWeighted, attachWeighted],
  ...[oneOperand, oneOperand, twoOperands, twoOperands, twoOperands],
  ...[reshape, join, cut, changeType, computedIndices],
];

/** What a checker may ask of the spec of a network. */
export interface Network {
  readonly seed: number;
  readonly spec: ModelSpec;
}

/** Draws a network; the same seed gives the same one. */
export function randomNetwork(seed: number): Network {
  const random = new Random(seed);
  const network = new NetworkBuilder(random);
  for (let count = random.pick([1, 1, 1, 2, 2, 3]); count > 0; count--) addInput(network);
  const wanted = random.integer(3, 14);
  // One operator in turn, so that so many seeds as there are operators have them all.
  const always = randomOperators[seed % randomOperators.length];
  const before = random.integer(0, 3);
  for (let count = 0; count < before; count++) random.pick(steps)(network);
  if (always !== undefined) attach(network, always);
  // A step may add several operators, or none.
  for (let tries = 0; network.operators.length < wanted && tries < 40; tries++) random.pick(steps)(network);
  return { seed, spec: closed(network, seed) };
}

function addInput(network: NetworkBuilder): void {
  const { random } = network;
  const image = [1, random.integer(1, 8), random.integer(1, 8), random.integer(1, 12)];
  const shape = random.pick([image, image, [1, random.integer(1, 60)], [random.integer(1, 6), 12]]);
  const quantisation = int8Quantisation(random, randomScale(random, -8, 1));
  network.input({ type: "int8", shape, quantisation });
}

/** The finished model: nearly every value that nobody reads is an output, and some that are read. */
function closed(network: NetworkBuilder, seed: number): ModelSpec {
  const { random, tensors, operators, inputs, values } = network;
  const read = new Set(operators.flatMap((operator) => operator.inputs));
  const results = values.filter((value) => !inputs.includes(value));
  const chosen = results.filter(({ index }) => random.chance(read.has(index) ? 0.15 : 0.9));
  const through = inputs.filter(() => random.chance(0.05));
  const outputs = [...chosen, ...through].map(({ index }) => index);
  const last = results.at(-1) ?? inputs[0];
  if (outputs.length === 0 && last) outputs.push(last.index);
  return {
    description: `random network ${seed}, ${values.reduce((sum, { spec }) => sum + elementsOf(spec.shape), 0)} elements`,
    tensors,
    operators,
    inputs: inputs.map(({ index }) => index),
    outputs: shuffled(random, outputs),
  };
}

function shuffled<T>(random: Random, values: readonly T[]): T[] {
  const keyed = values.map((value) => ({ value, key: random.real() }));
  return keyed.sort((a, b) => a.key - b.key).map(({ value }) => value);
}
