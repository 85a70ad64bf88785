/** Sums of eight channels at once: pools and means against the plain reference, up to where a lane is full. */
import { describe, expect, it } from "vitest";
import { compile } from "../../host/compiler/compile.js";
import { readModel } from "../../host/model/read_model.js";
import { buildModel, type ModelSpec } from "../model/model_builder.js";
import { randomInput } from "../reference/random_graph.js";
import { runReference } from "../reference/run_reference.js";
import { startModule } from "./run_module.js";

const image = (shape: readonly number[], zeroPoint: number) => ({
  type: "int8" as const,
  shape,
  quantisation: { scales: [0.5], zeroPoints: [zeroPoint] },
});

/** Random images, and those that fill the lanes most. */
async function check(spec: ModelSpec, kernel: string): Promise<void> {
  const bytes = buildModel(spec);
  const graph = readModel(bytes);
  const module = await compile(bytes);
  expect(module.description.layers[0]?.kernel).toBe(kernel);
  const running = startModule(module);
  const length = graph.inputs[0]?.bytes ?? 0;
  const inputs = [
    ...[1, 2].map((seed) => randomInput(graph, seed)[0] as Uint8Array),
    new Uint8Array(length).fill(0x80),
    new Uint8Array(length).fill(0x7f),
  ];
  inputs.forEach((input, index) => {
    const expected = runReference(graph, [input]).get(graph.outputs[0]?.index as number) as Uint8Array;
    expect(Buffer.from(running.infer(input)).equals(expected), `input ${index}`).toBe(true);
  });
}

const pool = (
  [height, width, channels]: readonly [number, number, number],
  filter: readonly [number, number],
  padding: "SAME" | "VALID",
  stride: number,
): ModelSpec => {
  const outputs = (size: number, taps: number) =>
    Math.ceil((padding === "SAME" ? size : size - taps + 1) / stride);
  return {
    tensors: [
      image([1, height, width, channels], 7),
      image([1, outputs(height, filter[0]), outputs(width, filter[1]), channels], 7),
    ],
    operators: [
      {
        name: "AVERAGE_POOL_2D",
        inputs: [0],
        outputs: [1],
        options: {
          padding,
          filterHeight: filter[0],
          filterWidth: filter[1],
          strideHeight: stride,
          strideWidth: stride,
          fusedActivation: "NONE",
        },
      },
    ],
    inputs: [0],
    outputs: [1],
  };
};

const mean = (shape: readonly number[], axes: readonly number[], name = "MEAN"): ModelSpec => ({
  tensors: [
    image(shape, -9),
    image(
      shape.filter((_, axis) => !axes.includes(axis)),
      name === "SUM" ? -128 : 5,
    ),
    {
      type: "int32",
      shape: [axes.length],
      data: new Uint8Array(Int32Array.from(axes).buffer),
    },
  ],
  operators: [{ name, inputs: [0, 2], outputs: [1], options: { keepDimensions: false } }],
  inputs: [0],
  outputs: [1],
});

describe("eight channels at once", () => {
  it("pools a whole image, more pixels than a lane can hold among them", async () => {
    await check(pool([25, 5, 64], [25, 5], "VALID", 1), "average_pool_2d_channels");
    await check(pool([20, 19, 11], [20, 19], "VALID", 1), "average_pool_2d_channels");
  });

  it("pools windows that reach into padding, and channels that eight do not divide", async () => {
    await check(pool([9, 8, 13], [3, 3], "SAME", 2), "average_pool_2d_channels");
    await check(pool([6, 7, 8], [4, 2], "SAME", 1), "average_pool_2d_channels");
  });

  it("takes a mean and a sum over pixels, whether they are one dimension or two apart", async () => {
    await check(mean([1, 6, 7, 20], [1, 2]), "mean_channels");
    await check(mean([2, 20, 30, 9], [1, 2]), "mean_channels");
    await check(mean([3, 5, 4, 10], [0, 2]), "mean_channels");
    await check(mean([1, 3, 3, 16], [1, 2], "SUM"), "mean_channels");
  });

  it("leaves a mean over the channels to the plain kernel", async () => {
    await check(mean([1, 6, 7, 20], [3]), "mean_plain");
  });
});
