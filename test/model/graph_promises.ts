/** Checks what graph.ts promises of a Graph, apart from the reader that should keep it. */

import { expect } from "vitest";
import { elementBytes } from "../../host/element_type.js";
import type { Graph, Tensor } from "../../host/model/graph.js";

/** Fails the test where the graph breaks a promise of its type. */
export function expectPromisesKept(graph: Graph): void {
  graph.tensors.forEach((tensor, index) => {
    expect(tensor.index).toBe(index);
    expectSoundTensor(tensor);
  });
  const known = new Set<Tensor>(graph.inputs);
  for (const tensor of graph.tensors) if (tensor.data !== null || tensor.isVariable) known.add(tensor);
  graph.operators.forEach((operator, index) => {
    expect(operator.index).toBe(index);
    for (const input of operator.inputs) if (input !== null) expect(known.has(input)).toBe(true);
    for (const output of operator.outputs) {
      expect(known.has(output)).toBe(false);
      known.add(output);
    }
    for (const value of Object.values(operator.options.fields)) expect(Number.isNaN(value)).toBe(false);
  });
  expect(graph.inputs.length).toBeGreaterThan(0);
  expect(graph.outputs.length).toBeGreaterThan(0);
  for (const output of graph.outputs) expect(known.has(output)).toBe(true);
  for (const tensor of known) expect(graph.tensors[tensor.index]).toBe(tensor);
}

function expectSoundTensor(tensor: Tensor): void {
  const elements = tensor.shape.reduce((product, dimension) => product * dimension, 1);
  expect(tensor.shape.every((dimension) => Number.isInteger(dimension) && dimension >= 1)).toBe(true);
  expect(tensor.elements).toBe(elements);
  expect(tensor.bytes).toBe(elements * elementBytes[tensor.type]);
  expect(tensor.bytes).toBeLessThan(2 ** 31);
  if (tensor.data !== null) expect(tensor.data.length).toBe(tensor.bytes);
  if (tensor.quantisation !== null) {
    const { scales, zeroPoints, axis } = tensor.quantisation;
    expect(zeroPoints).toHaveLength(scales.length);
    expect(scales.every((scale) => Number.isFinite(scale) && scale >= 0)).toBe(true);
    expect(zeroPoints.every(Number.isInteger)).toBe(true);
    if (scales.length === 1) expect(axis).toBe(0);
    else expect(tensor.shape[axis]).toBe(scales.length);
  }
}
