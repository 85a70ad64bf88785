/** Depthwise strips of every scheme against the plain reference, at the ends of what weights and inputs can be. */
import { describe, expect, it } from "vitest";
import { compile } from "../../host/compiler/compile.js";
import { readModel } from "../../host/model/read_model.js";
import { buildModel } from "../model/model_builder.js";
import { Random } from "../model/random.js";
import { randomInput } from "../reference/random_graph.js";
import { runReference } from "../reference/run_reference.js";
import { startModule } from "./run_module.js";

interface Shape {
  readonly size: readonly [number, number];
  readonly filter: readonly [number, number];
  readonly stride?: readonly [number, number];
  readonly dilation?: readonly [number, number];
  readonly padding: "SAME" | "VALID";
  readonly channels: number;
  readonly copies?: number;
  readonly activation?: "NONE" | "RELU" | "RELU6";
}

/** Weights are ±127 and −128 as often as anything between. */
function depthwise(shape: Shape, seed: number): Uint8Array {
  const random = new Random(seed);
  const [height, width] = shape.size;
  const [filterHeight, filterWidth] = shape.filter;
  const [strideHeight, strideWidth] = shape.stride ?? [1, 1];
  const [dilationHeight, dilationWidth] = shape.dilation ?? [1, 1];
  const outputs = (size: number, filter: number, stride: number, dilation: number) =>
    Math.ceil((shape.padding === "SAME" ? size : size - (filter - 1) * dilation) / stride);
  const channels = shape.channels * (shape.copies ?? 1);
  const weights = Int8Array.from({ length: filterHeight * filterWidth * channels }, () =>
    random.pick([-128, -127, 127, random.integer(-127, 127)]),
  );
  const scales = Array.from({ length: channels }, () => 0.01 * (1 + random.integer(0, 9)));
  return buildModel({
    tensors: [
      {
        name: "in",
        type: "int8",
        shape: [1, height, width, shape.channels],
        quantisation: { scales: [0.1], zeroPoints: [random.pick([-128, 127, 3])] },
      },
      {
        name: "out",
        type: "int8",
        shape: [
          1,
          outputs(height, filterHeight, strideHeight, dilationHeight),
          outputs(width, filterWidth, strideWidth, dilationWidth),
          channels,
        ],
        quantisation: {
          scales: [(random.pick([0.5, 3]) * Math.max(9, filterHeight * filterWidth)) / 9],
          // Without a rectifier, what is below the zero point counts.
          zeroPoints: [shape.activation === "NONE" ? -5 : random.pick([-128, -5])],
        },
      },
      {
        name: "weights",
        type: "int8",
        shape: [1, filterHeight, filterWidth, channels],
        data: new Uint8Array(weights.buffer),
        quantisation: { scales, zeroPoints: scales.map(() => 0), axis: 3 },
      },
    ],
    operators: [
      {
        name: "DEPTHWISE_CONV_2D",
        inputs: [0, 2, null],
        outputs: [1],
        options: {
          padding: shape.padding,
          strideHeight,
          strideWidth,
          dilationHeight,
          dilationWidth,
          depthMultiplier: shape.copies ?? 1,
          fusedActivation: shape.activation ?? "RELU",
        },
      },
    ],
    inputs: [0],
    outputs: [1],
  });
}

/** Compiles with one form and holds it against the reference on random and on extreme inputs. */
async function check(bytes: Uint8Array, form: string): Promise<void> {
  const graph = readModel(bytes);
  const module = await compile(bytes, {
    chooseForm: (forms) => forms.find(({ name }) => name === form) ?? (forms[0] as (typeof forms)[number]),
  });
  expect(module.description.layers[0]?.kernel).toBe(form);
  const running = startModule(module);
  const length = graph.inputs[0]?.bytes ?? 0;
  const inputs = [
    ...[1, 2].map((seed) => randomInput(graph, seed)[0] as Uint8Array),
    new Uint8Array(length).fill(0x80),
    new Uint8Array(length).fill(0x7f),
    Uint8Array.from({ length }, (_, index) => ((index * 7) % 3 === 0 ? 0x80 : 0x7f)),
  ];
  inputs.forEach((input, index) => {
    const expected = runReference(graph, [input]).get(graph.outputs[0]?.index as number) as Uint8Array;
    expect(Buffer.from(running.infer(input)).equals(expected), `${form}, input ${index}`).toBe(true);
  });
}

const shapes: readonly (Shape & { readonly forms: readonly number[] })[] = [
  { size: [7, 5], filter: [3, 3], padding: "SAME", channels: 3, forms: [5, 2] },
  { size: [6, 9], filter: [3, 3], padding: "SAME", channels: 2, activation: "NONE", forms: [4] },
  { size: [5, 7], filter: [3, 3], padding: "VALID", channels: 2, activation: "RELU6", forms: [3] },
  { size: [1, 1], filter: [3, 3], padding: "SAME", channels: 2, forms: [1] },
  { size: [6, 6], filter: [3, 3], stride: [2, 2], padding: "SAME", channels: 4, forms: [3, 2] },
  {
    size: [7, 9],
    filter: [3, 3],
    stride: [2, 2],
    padding: "SAME",
    channels: 2,
    activation: "NONE",
    forms: [5, 2],
  },
  { size: [9, 8], filter: [3, 5], stride: [2, 1], padding: "VALID", channels: 2, forms: [3] },
  { size: [9, 8], filter: [5, 5], padding: "SAME", channels: 2, forms: [8, 4] },
  { size: [4, 11], filter: [2, 4], padding: "SAME", channels: 2, copies: 3, forms: [6, 11] },
  {
    size: [12, 3],
    filter: [9, 1],
    stride: [3, 1],
    padding: "SAME",
    channels: 2,
    activation: "NONE",
    forms: [3],
  },
  { size: [9, 16], filter: [3, 3], dilation: [2, 3], padding: "SAME", channels: 2, forms: [4] },
];

describe("depthwise strips equal the plain reference", () => {
  for (const [index, { forms, ...shape }] of shapes.entries()) {
    const { size, filter, stride = [1, 1], padding, activation = "RELU" } = shape;
    it(`${filter.join("×")}, stride ${stride.join("×")}, ${size.join("×")} ${padding}, ${activation}`, async () => {
      const bytes = depthwise(shape, 50 + index);
      for (const [turn, columns] of forms.entries()) {
        // A rectifier's minimum is there already: no clamp is left for a table.
        const withTable = turn === 0 ? ["_fixed_table", ""] : ["_fixed", "_table"];
        const suffixes = activation === "NONE" ? withTable : ["_fixed", ""];
        for (const suffix of suffixes) await check(bytes, `depthwise_strip_${columns}${suffix}`);
      }
    });
  }
});

describe("channels that never change", () => {
  /** A pointwise convolution of which two channels of three are dead, and a depthwise one behind it. */
  function chain(seed: number): Uint8Array {
    const random = new Random(seed);
    const channels = 9;
    const pointwise = Int8Array.from({ length: channels * channels }, (_, index) =>
      Math.floor(index / channels) % 3 === 0 ? random.integer(-127, 127) : 0,
    );
    const filter = Int8Array.from({ length: 9 * channels }, () => random.integer(-127, 127));
    const bias = Int32Array.from({ length: channels }, () => random.integer(-2000, 2000));
    const tensor = (name: string, zeroPoint: number) => ({
      name,
      type: "int8" as const,
      shape: [1, 6, 5, channels],
      quantisation: { scales: [0.5], zeroPoints: [zeroPoint] },
    });
    const options = {
      padding: "SAME",
      strideWidth: 1,
      strideHeight: 1,
      fusedActivation: random.pick(["NONE", "RELU"]),
    };
    const weights = { scales: [0.02], zeroPoints: [0] };
    return buildModel({
      tensors: [
        tensor("in", 4),
        tensor("between", random.pick([-128, 0, 17])),
        tensor("out", -3),
        {
          name: "pointwise",
          type: "int8",
          shape: [channels, 1, 1, channels],
          data: new Uint8Array(pointwise.buffer),
          quantisation: weights,
        },
        { name: "bias", type: "int32", shape: [channels], data: new Uint8Array(bias.buffer) },
        {
          name: "filter",
          type: "int8",
          shape: [1, 3, 3, channels],
          data: new Uint8Array(filter.buffer),
          quantisation: weights,
        },
      ],
      operators: [
        { name: "CONV_2D", inputs: [0, 3, 4], outputs: [1], options },
        {
          name: "DEPTHWISE_CONV_2D",
          inputs: [1, 5, 4],
          outputs: [2],
          options: { ...options, depthMultiplier: 1 },
        },
      ],
      inputs: [0],
      outputs: [2],
    });
  }

  it("are filled in, byte for byte what the whole convolution gives, whether padding differs from them or not", async () => {
    let saved = 0;
    for (let seed = 1; seed <= 6; seed++) {
      const bytes = chain(seed);
      const graph = readModel(bytes);
      const module = await compile(bytes, {
        chooseForm: (forms) =>
          forms.find(({ name }) => name === "depthwise_strip_5_fixed") ??
          (forms[0] as (typeof forms)[number]),
      });
      expect(module.description.layers[1]?.kernel).toBe("depthwise_strip_5_fixed");
      if (module.sources["module.ts"]?.includes("repeatRow")) saved++;
      const running = startModule(module);
      for (let sample = 0; sample < 3; sample++) {
        const inputs = randomInput(graph, seed * 5 + sample);
        const expected = runReference(graph, inputs).get(graph.outputs[0]?.index as number) as Uint8Array;
        expect(Buffer.from(running.infer(inputs[0] as Uint8Array)).equals(expected), `seed ${seed}`).toBe(
          true,
        );
      }
    }
    expect(saved).toBeGreaterThan(0);
  });
});
