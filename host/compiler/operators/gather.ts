/** GATHER along an axis, indices constant or computed. Kernels: gather.ts. */
import { elementBytes } from "../../element_type.js";
import type { Operator, Tensor } from "../../model/graph.js";
import { defineOperator, type KernelForm, type LoweredLayer } from "../layer.js";
import { sameQuantisation } from "../limits.js";
import { requireSameElements } from "../movement.js";
import {
  constantIntegers,
  input,
  integerOption,
  malformed,
  output,
  requireShape,
  requireType,
  resolveAxis,
} from "../operands.js";
import { productOf } from "../slabs.js";

interface Gather extends LoweredLayer {
  readonly from: Tensor;
  readonly indices: Tensor;
  readonly batches: number;
  readonly outer: number;
  /** Length of the axis. */
  readonly length: number;
  /** Indices of one batch. */
  readonly count: number;
  /** Bytes of one slice. */
  readonly run: number;
}

const cost = ({ batches, outer, count, run }: Gather) => ({
  opcodes: 15 + batches * (8 + outer * (7 + count * 10)),
  bytesMoved: batches * outer * count * run,
});

const sizes = (layer: Gather) =>
  [
    ["batches", layer.batches],
    ["outer", layer.outer],
    ["length", layer.length],
    ["count", layer.count],
    ["run", layer.run],
  ] as const;

const fromMemory: KernelForm<Gather> = {
  name: "gather_plain",
  when: "the gathered tensor is computed",
  applies: (layer) => layer.from.data === null,
  cost,
  scratch: () => [],
  weights: () => [],
  emit: (layer, places) => [
    {
      file: "kernels/gather",
      function: "gather",
      arguments: [
        ["input", places.address(layer.from)],
        ["indices", places.address(layer.indices)],
        ["output", places.address(layer.outputs[0] as Tensor)],
        ...sizes(layer),
      ],
    },
  ],
};

/** A table of vectors (an embedding) stays in the weight segment. */
const fromWeights: KernelForm<Gather> = {
  name: "gather_weights",
  when: "the gathered tensor is a constant: only what is picked is brought in",
  applies: (layer) => layer.from.data !== null,
  cost,
  scratch: () => [],
  weights: (layer) => (layer.from.data ? [layer.from.data] : []),
  emit: (layer, places) => [
    {
      file: "kernels/gather",
      function: "gatherWeights",
      arguments: [
        ["weights", places.weights[0] as number],
        ["indices", places.address(layer.indices)],
        ["output", places.address(layer.outputs[0] as Tensor)],
        ...sizes(layer),
      ],
    },
  ],
};

function lower(operator: Operator): Gather {
  const x = input(operator, 0);
  const indices = input(operator, 1);
  const y = output(operator);
  requireSameElements(operator, x, y);
  requireType(operator, indices, "int32");
  const rank = x.shape.length;
  const batchRank = integerOption(operator, "batchDimensions", 0, indices.shape.length);
  const axis = resolveAxis(operator, integerOption(operator, "axis", -8, 8), rank);
  if (batchRank > axis) throw malformed(operator, `${batchRank} batch dimensions and the axis ${axis}`);
  const batchShape = x.shape.slice(0, batchRank);
  requireShape(operator, indices, [...batchShape, ...indices.shape.slice(batchRank)]);
  requireShape(operator, y, [
    ...x.shape.slice(0, axis),
    ...indices.shape.slice(batchRank),
    ...x.shape.slice(axis + 1),
  ]);
  const length = x.shape[axis] as number;
  if (indices.data) {
    const wrong = constantIntegers(operator, indices).find((index) => index < 0 || index >= length);
    if (wrong !== undefined) throw malformed(operator, `index ${wrong} of ${length} along axis ${axis}`);
  }
  return {
    inputs: x.data ? [indices] : [x, indices],
    outputs: [y],
    macs: 0,
    parameters: (x.data ? x.elements : 0) + (indices.data ? indices.elements : 0),
    from: x,
    indices,
    batches: productOf(x.shape, 0, batchRank),
    outer: productOf(x.shape, batchRank, axis),
    length,
    count: productOf(indices.shape, batchRank, indices.shape.length),
    run: productOf(x.shape, axis + 1, rank) * elementBytes[x.type],
  };
}

export const gather = defineOperator({
  name: "GATHER",
  limits: [
    sameQuantisation,
    "constant indices are checked; a computed one outside ends the inference by a trap",
  ],
  lower,
  forms: [fromMemory, fromWeights],
});
