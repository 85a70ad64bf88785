/** What the random models promise: repeatable, runnable, and varied enough to tell kernels apart. */

import { describe, expect, it } from "vitest";
import type { Graph, Operator } from "../../host/model/graph.js";
import { expectPromisesKept } from "../model/graph_promises.js";
import { randomInput, randomModel, randomOperators } from "./random_graph.js";
import { referenceOperators, runReference } from "./run_reference.js";

const seeds = Array.from({ length: 150 }, (_, seed) => seed);

/** The only operator of a random model. */
function onlyOperator(graph: Graph): Operator {
  const [operator] = graph.operators;
  if (operator === undefined) throw new Error("unreachable");
  return operator;
}

/** How many seeds give a model of which this is true. */
function count(operator: string, holds: (operator: Operator) => boolean): number {
  return seeds.filter((seed) => holds(onlyOperator(randomModel(operator, seed).graph))).length;
}

describe("random models", () => {
  it("exist for every operator that the reference interpreter runs", () => {
    expect(randomOperators).toEqual(referenceOperators);
  });

  it("are the same bytes for the same seed, and others for others", () => {
    for (const operator of randomOperators) {
      const { bytes, graph } = randomModel(operator, 7);
      expect(randomModel(operator, 7).bytes).toEqual(bytes);
      expect(randomModel(operator, 8).bytes).not.toEqual(bytes);
      expect(randomInput(graph, 3)).toEqual(randomInput(graph, 3));
    }
  });

  it.each(randomOperators)("of %s are sound graphs that run to varied outputs", (operator) => {
    let varied = 0;
    const tried = seeds.slice(0, 60);
    for (const seed of tried) {
      const { graph } = randomModel(operator, seed);
      expectPromisesKept(graph);
      const values = runReference(graph, randomInput(graph, seed));
      const [output] = graph.outputs;
      const bytes = output && values.get(output.index);
      expect(bytes?.length).toBe(output?.bytes);
      if (new Set(bytes).size > (output?.type === "bool" ? 1 : 2)) varied++;
    }
    expect(varied).toBeGreaterThan(tried.length / 6);
  });

  it("of CONV_2D have groups, dilation, channels with their own scales, dead channels and no bias at times", () => {
    const depth = (operator: Operator, position: number) => operator.inputs[position]?.shape.at(-1);
    const scales = (operator: Operator) => operator.inputs[1]?.quantisation?.scales ?? [];
    expect(count("CONV_2D", (one) => depth(one, 0) !== depth(one, 1))).toBeGreaterThan(5);
    expect(count("CONV_2D", (one) => Number(one.options.fields.dilationWidth) > 1)).toBeGreaterThan(5);
    expect(count("CONV_2D", (one) => scales(one).length > 1)).toBeGreaterThan(50);
    expect(count("CONV_2D", (one) => scales(one).length === 1)).toBeGreaterThan(20);
    expect(count("CONV_2D", (one) => Math.min(...scales(one)) < 1e-9)).toBeGreaterThan(5);
    expect(count("CONV_2D", (one) => one.inputs[2] === null)).toBeGreaterThan(20);
  });

  it("of DEPTHWISE_CONV_2D, ADD, SOFTMAX and QUANTIZE have their variants", () => {
    const multiplied = (one: Operator) => Number(one.options.fields.depthMultiplier) > 1;
    const broadcast = (one: Operator) => one.inputs[0]?.elements !== one.inputs[1]?.elements;
    const types = new Set(
      seeds.map((seed) => {
        const one = onlyOperator(randomModel("QUANTIZE", seed).graph);
        return `${one.inputs[0]?.type} to ${one.outputs[0]?.type}`;
      }),
    );
    expect(count("DEPTHWISE_CONV_2D", multiplied)).toBeGreaterThan(30);
    expect(count("ADD", broadcast)).toBeGreaterThan(20);
    expect(count("SOFTMAX", (one) => one.outputs[0]?.type === "int16")).toBeGreaterThan(10);
    expect(types.size).toBe(12);
  });
});
