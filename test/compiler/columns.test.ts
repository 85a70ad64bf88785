/** FULLY_CONNECTED by columns and by quads, each form there is, against the plain reference. */
import { describe, expect, it } from "vitest";
import { compile } from "../../host/compiler/compile.js";
import { operatorCompiler } from "../../host/compiler/operators/table.js";
import { readModel } from "../../host/model/read_model.js";
import { buildModel } from "../model/model_builder.js";
import { Random } from "../model/random.js";
import { int8Bytes, int32Bytes } from "../reference/random_parts.js";
import { runReference } from "../reference/run_reference.js";
import { startModule } from "./run_module.js";

interface Shape {
  readonly depth: number;
  readonly outputs: number;
  /** Uneven: an output in nine has weights of ±127 throughout. Sparse: an output in nine no zeros, others one in 20. */
  readonly weights: "any" | "ends" | "small" | "none" | "uneven" | "sparse";
  readonly zeroPoint: number;
  readonly activation: "NONE" | "RELU";
  readonly perChannel?: boolean;
}

const ends = [-128, -127, 127];

function makeWeights({ depth, outputs, weights: kind }: Shape, random: Random): Int8Array {
  const largest = { any: 128, ends: 128, small: 6, none: 0, uneven: 5, sparse: 128 }[kind];
  return Int8Array.from({ length: depth * outputs }, (_, index) => {
    const wide = Math.floor(index / depth) % 9 === 4;
    if (kind === "ends" || (kind === "uneven" && wide)) return random.pick(ends);
    if (kind === "sparse" && !wide && random.chance(0.95)) return 0;
    return Math.max(-128, random.integer(-largest, largest));
  });
}

function fullyConnected(shape: Shape, weights: Int8Array, random: Random): Uint8Array {
  const { depth, outputs, weights: kind, perChannel } = shape;
  const largest = { any: 128, ends: 128, small: 6, none: 0, uneven: 6, sparse: 30 }[kind];
  const spread = Math.max(1, largest) * 60 * Math.sqrt(depth);
  const bias = Array.from({ length: outputs }, () => random.integer(-spread, spread));
  const scales = Array.from({ length: perChannel ? outputs : 1 }, () => 2 ** (random.real() - 0.5));
  // So that sums fill the output's range, now and then beyond it.
  const toScale = spread / random.integer(40, 200);
  return buildModel({
    tensors: [
      {
        name: "input",
        type: "int8",
        shape: [1, depth],
        quantisation: { scales: [1], zeroPoints: [shape.zeroPoint] },
      },
      {
        name: "weights",
        type: "int8",
        shape: [outputs, depth],
        quantisation: { scales, zeroPoints: [0], axis: 0 },
        data: int8Bytes(weights),
      },
      {
        name: "bias",
        type: "int32",
        shape: [outputs],
        quantisation: { scales, zeroPoints: [0], axis: 0 },
        data: int32Bytes(bias),
      },
      {
        name: "output",
        type: "int8",
        shape: [1, outputs],
        quantisation: {
          scales: [Math.fround(toScale)],
          zeroPoints: [shape.activation === "RELU" ? -128 : random.integer(-40, 40)],
        },
      },
    ],
    operators: [
      {
        name: "FULLY_CONNECTED",
        inputs: [0, 1, 2],
        outputs: [3],
        options: { fusedActivation: shape.activation },
      },
    ],
    inputs: [0],
    outputs: [3],
  });
}

/**
 * Vectors with no zero, half of them, only zeros, only one end of the range, single inputs at the ends; and those that
 * take the sums of some outputs to both ends of their range.
 */
function vectors({ depth, outputs, zeroPoint }: Shape, weights: Int8Array, random: Random): Int8Array[] {
  const make = (value: (index: number) => number) =>
    Int8Array.from({ length: depth }, (_, index) => value(index));
  const any = () => random.integer(-128, 127);
  const other = zeroPoint === 127 ? -128 : 127;
  return [
    make(() => (zeroPoint === any() ? other : any())),
    make(() => (random.chance(0.5) ? zeroPoint : any())),
    make(() => zeroPoint),
    make(() => -128),
    make(() => 127),
    make((index) => (index === 0 || index === depth - 1 ? other : zeroPoint)),
    ...[0, 4, outputs - 1].flatMap((output) =>
      [1, -1].map((sign) =>
        make((index) => ((weights[(output % outputs) * depth + index] ?? 0) * sign > 0 ? 127 : -128)),
      ),
    ),
  ];
}

const shapes: readonly Shape[] = [
  { depth: 640, outputs: 128, weights: "any", zeroPoint: 89, activation: "RELU" },
  { depth: 130, outputs: 200, weights: "small", zeroPoint: -128, activation: "NONE" },
  { depth: 8, outputs: 129, weights: "ends", zeroPoint: -128, activation: "RELU" },
  { depth: 128, outputs: 8, weights: "any", zeroPoint: -128, activation: "RELU" },
  { depth: 97, outputs: 37, weights: "ends", zeroPoint: 127, activation: "NONE", perChannel: true },
  { depth: 700, outputs: 4, weights: "ends", zeroPoint: -128, activation: "NONE" },
  { depth: 64, outputs: 12, weights: "any", zeroPoint: 3, activation: "NONE", perChannel: true },
  { depth: 33, outputs: 1, weights: "ends", zeroPoint: -1, activation: "NONE" },
  { depth: 1, outputs: 6, weights: "any", zeroPoint: 0, activation: "NONE" },
  { depth: 20, outputs: 10, weights: "none", zeroPoint: 5, activation: "NONE" },
  { depth: 140, outputs: 96, weights: "uneven", zeroPoint: -128, activation: "RELU" },
  { depth: 140, outputs: 97, weights: "uneven", zeroPoint: 17, activation: "NONE" },
  { depth: 150, outputs: 230, weights: "sparse", zeroPoint: -128, activation: "RELU" },
  { depth: 90, outputs: 61, weights: "sparse", zeroPoint: -3, activation: "NONE", perChannel: true },
  { depth: 300, outputs: 40, weights: "any", zeroPoint: 90, activation: "RELU" },
];

describe("fully connected layers that skip zeros equal the plain reference", () => {
  for (const [index, shape] of shapes.entries()) {
    const { depth, outputs, weights, perChannel } = shape;
    it(`${depth} → ${outputs}, weights: ${weights}${perChannel ? ", a scale per output" : ""}`, async () => {
      const random = new Random(900 + index);
      const made = makeWeights(shape, random);
      const bytes = fullyConnected(shape, made, random);
      const graph = readModel(bytes);
      const only = graph.operators[0];
      if (!only) throw new Error("A model without operators.");
      const inputs = vectors(shape, made, random);
      const expected = inputs.map((input) =>
        Buffer.from(runReference(graph, [new Uint8Array(input.buffer)]).get(3) as Uint8Array),
      );
      const names = operatorCompiler(only)
        .bind(only, { board: null })
        .forms.map(({ name }) => name)
        .filter((name) => /columns|quads/.test(name));
      // The largest or the smallest block of each layout, in parts and not.
      const byFamily = new Map<string, string[]>();
      for (const name of names) {
        const family = name.replace(/\d+/, "N");
        byFamily.set(family, [...(byFamily.get(family) ?? []), name]);
      }
      expect(names.length).toBeGreaterThan(0);
      const size = (name: string) => Number(/\d+/.exec(name)?.[0] ?? 0);
      for (const family of byFamily.values()) {
        const name = family.sort((a, b) => size(a) - size(b)).at(index % 2 ? 0 : -1);
        const module = await compile(bytes, {
          chooseForm: (all) => all.find((form) => form.name === name) ?? (all[0] as (typeof all)[number]),
        });
        const running = startModule(module);
        inputs.forEach((input, sample) => {
          const answer = Buffer.from(running.infer(new Uint8Array(input.buffer)));
          expect(answer.equals(expected[sample] as Buffer), `${name}, vector ${sample}`).toBe(true);
        });
      }
    });
  }
});
