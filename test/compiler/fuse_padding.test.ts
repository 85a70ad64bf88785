/** PAD in front of a convolution costs nothing, and changes no byte. */
import { describe, expect, it } from "vitest";
import { compile } from "../../host/compiler/compile.js";
import { readModel } from "../../host/model/read_model.js";
import { buildModel, type ModelSpec } from "../model/model_builder.js";
import { Random } from "../model/random.js";
import { runReference } from "../reference/run_reference.js";
import { startModule } from "./run_module.js";

interface Case {
  readonly name?: "CONV_2D" | "DEPTHWISE_CONV_2D";
  readonly padding: readonly [number, number, number, number];
  readonly stride?: number;
  readonly dilation?: number;
  /** The convolution's own padding. */
  readonly own?: "VALID" | "SAME";
  /** Whether the padded image is an output of the model too. */
  readonly kept?: boolean;
}

const channels = 4;
const size = 7;

function model(one: Case, seed: number): Uint8Array {
  const random = new Random(seed);
  const { name = "CONV_2D", padding, stride = 1, dilation = 1, own = "VALID", kept = false } = one;
  const [top, bottom, left, right] = padding;
  const [rows, columns] = [size + top + bottom, size + left + right];
  const span = 2 * dilation + 1;
  const output = (length: number) =>
    own === "SAME" ? Math.ceil(length / stride) : Math.ceil((length - span + 1) / stride);
  const per = { scales: [0.05], zeroPoints: [-11] };
  const bytes = (count: number) => Uint8Array.from({ length: count }, () => random.integer(0, 255));
  const depthwise = name === "DEPTHWISE_CONV_2D";
  const filter = depthwise ? [1, 3, 3, channels] : [6, 3, 3, channels];
  const outputs = depthwise ? channels : 6;
  const spec: ModelSpec = {
    tensors: [
      { type: "int8", shape: [1, size, size, channels], quantisation: per },
      {
        type: "int32",
        shape: [4, 2],
        data: new Uint8Array(Int32Array.of(0, 0, top, bottom, left, right, 0, 0).buffer),
      },
      { type: "int8", shape: [1, rows, columns, channels], quantisation: per },
      {
        type: "int8",
        shape: filter,
        quantisation: { scales: [0.01], zeroPoints: [0] },
        data: bytes(filter.reduce((product, length) => product * length, 1)),
      },
      {
        type: "int8",
        shape: [1, output(rows), output(columns), outputs],
        quantisation: { scales: [0.1], zeroPoints: [5] },
      },
    ],
    operators: [
      { name: "PAD", inputs: [0, 1], outputs: [2] },
      {
        name,
        inputs: [2, 3, null],
        outputs: [4],
        options: {
          padding: own,
          strideHeight: stride,
          strideWidth: stride,
          dilationHeight: dilation,
          dilationWidth: dilation,
          ...(depthwise ? { depthMultiplier: 1 } : {}),
        },
      },
    ],
    inputs: [0],
    outputs: kept ? [4, 2] : [4],
  };
  return buildModel(spec);
}

/** Compiles, compares with the reference on three inputs, and returns the layers' operators. */
async function check(one: Case, optimize: "size" | "balanced" = "balanced"): Promise<string[]> {
  const bytes = model(one, 5);
  const graph = readModel(bytes);
  const module = await compile(bytes, { optimize });
  const running = startModule(module);
  for (let sample = 0; sample < 3; sample++) {
    const random = new Random(100 + sample);
    const input = Uint8Array.from({ length: size * size * channels }, () => random.integer(0, 255));
    const tensors = runReference(graph, [input]);
    const expected = Buffer.concat(graph.outputs.map(({ index }) => tensors.get(index) ?? new Uint8Array()));
    expect(
      Buffer.from(running.infer(input)).equals(expected),
      `${JSON.stringify(one)} ${module.description.layers.map(({ kernel }) => kernel)}`,
    ).toBe(true);
  }
  return module.description.layers.map(({ operator }) => operator);
}

describe("PAD before a convolution", () => {
  const taken: Case[] = [
    { padding: [1, 1, 1, 1] },
    { padding: [1, 1, 1, 1], name: "DEPTHWISE_CONV_2D" },
    { padding: [0, 1, 0, 1], stride: 2 },
    { padding: [0, 1, 0, 1], stride: 2, name: "DEPTHWISE_CONV_2D" },
    { padding: [2, 0, 1, 2] },
    { padding: [2, 2, 2, 2], name: "DEPTHWISE_CONV_2D" },
    { padding: [0, 2, 0, 0], name: "DEPTHWISE_CONV_2D", stride: 2 },
    { padding: [1, 2, 0, 1], name: "DEPTHWISE_CONV_2D", stride: 2 },
    { padding: [3, 4, 4, 3], dilation: 2 },
    { padding: [0, 2, 0, 0], stride: 3 },
  ];
  for (const one of taken) {
    it(`becomes its padding: ${JSON.stringify(one)}`, async () => {
      expect(await check(one)).toEqual([one.name ?? "CONV_2D"]);
      expect(await check(one, "size")).toEqual([one.name ?? "CONV_2D"]);
    });
  }

  const left: [string, Case][] = [
    ["somebody else reads the padded image", { padding: [1, 1, 1, 1], kept: true }],
    ["the convolution pads, too", { padding: [1, 1, 1, 1], own: "SAME" }],
    ["a window would see nothing but padding", { padding: [3, 0, 0, 0] }],
  ];
  for (const [why, one] of left) {
    it(`stays where ${why}`, async () => {
      expect(await check(one)).toEqual(["PAD", "CONV_2D"]);
    });
  }

  it("takes the RAM of the padded image away", async () => {
    const padded = (9 * 9 - 7 * 7) * channels;
    const plan = async (one: Case) =>
      (await compile(model(one, 5), { optimize: "size" })).description.memory.planBytes;
    const fused = await plan({ padding: [1, 1, 1, 1] });
    expect(fused).toBeLessThanOrEqual((await plan({ padding: [1, 1, 1, 1], own: "SAME" })) - padded);
  });
});
