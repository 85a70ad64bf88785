/** Sums of eight channels at once: pools and means against the plain reference, up to where a lane is full. */
import { describe, expect, it } from "vitest";
import { compile } from "../../host/compiler/compile.js";
import { readModel } from "../../host/model/read_model.js";
import { buildModel } from "../model/model_builder.js";
import { randomInput } from "../reference/random_graph.js";
import { runReference } from "../reference/run_reference.js";
import { type Pool, poolModel } from "./pool_models.js";
import { startModule } from "./run_module.js";

const image = (shape: readonly number[], zeroPoint: number) => ({
  type: "int8" as const,
  shape,
  quantisation: { scales: [0.5], zeroPoints: [zeroPoint] },
});

/** Random images, and those that fill the lanes most. */
async function check(bytes: Uint8Array, kernel: string): Promise<void> {
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

const pool = (pool: Pool) => poolModel("AVERAGE_POOL_2D", pool);

const mean = (shape: readonly number[], axes: readonly number[], name = "MEAN"): Uint8Array =>
  buildModel({
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
    await check(pool({ size: [25, 5, 64], filter: [25, 5] }), "average_pool_2d_channels");
    await check(pool({ size: [20, 19, 11], filter: [20, 19] }), "average_pool_2d_channels");
  });

  it("pools windows that reach into padding, and channels that eight do not divide", async () => {
    await check(
      pool({ size: [9, 8, 13], filter: [3, 3], padding: "SAME", stride: 2 }),
      "average_pool_2d_channels",
    );
    await check(pool({ size: [6, 7, 8], filter: [4, 2], padding: "SAME" }), "average_pool_2d_channels");
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
