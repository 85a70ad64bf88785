/** A rectifier behind an operator is that operator's clamp, where it can be. */
import { describe, expect, it } from "vitest";
import { compile } from "../../host/compiler/compile.js";
import { readModel } from "../../host/model/read_model.js";
import { buildModel, type ModelSpec } from "../model/model_builder.js";
import { Random } from "../model/random.js";
import { runReference } from "../reference/run_reference.js";
import { startModule } from "./run_module.js";

interface Case {
  readonly maker: "CONV_2D" | "ADD" | "FULLY_CONNECTED";
  readonly rectifier?: "RELU" | "RELU6";
  /** Scale of the rectifier's output. */
  readonly scale?: number;
  /** Whether the operator has an activation of its own. */
  readonly own?: string;
  /** Whether what is between the two is an output of the model, too. */
  readonly kept?: boolean;
}

const shape = [1, 5, 4, 6];
const elements = 120;

function model({ maker, rectifier = "RELU", scale = 0.05, own = "NONE", kept = false }: Case): Uint8Array {
  const random = new Random(9);
  const weights = (count: number) => Uint8Array.from({ length: count }, () => random.integer(0, 255));
  const flat = maker === "FULLY_CONNECTED";
  const image = flat ? [1, elements] : shape;
  const between = flat ? [1, 7] : shape;
  const filter = { type: "int8" as const, quantisation: { scales: [0.01], zeroPoints: [0] } };
  const tensors: ModelSpec["tensors"] = [
    { type: "int8", shape: image, quantisation: { scales: [0.04], zeroPoints: [-3] } },
    maker === "CONV_2D"
      ? { ...filter, shape: [6, 3, 3, 6], data: weights(324) }
      : flat
        ? { ...filter, shape: [7, elements], data: weights(7 * elements) }
        : { type: "int8", shape: image, quantisation: { scales: [0.03], zeroPoints: [4] } },
    { type: "int8", shape: between, quantisation: { scales: [0.05], zeroPoints: [-20] } },
    { type: "int8", shape: between, quantisation: { scales: [scale], zeroPoints: [-20] } },
  ];
  const options =
    maker === "CONV_2D"
      ? { padding: "SAME", strideHeight: 1, strideWidth: 1, fusedActivation: own }
      : { fusedActivation: own };
  return buildModel({
    tensors,
    operators: [
      { name: maker, inputs: maker === "ADD" ? [0, 1] : [0, 1, null], outputs: [2], options },
      { name: rectifier, inputs: [2], outputs: [3], options: null },
    ],
    inputs: maker === "ADD" ? [0, 1] : [0],
    outputs: kept ? [3, 2] : [3],
  });
}

async function check(one: Case): Promise<string[]> {
  const bytes = model(one);
  const graph = readModel(bytes);
  const module = await compile(bytes);
  const running = startModule(module);
  for (let sample = 0; sample < 3; sample++) {
    const random = new Random(50 + sample);
    const inputs = graph.inputs.map(({ bytes: length }) =>
      Uint8Array.from({ length }, () => random.integer(0, 255)),
    );
    const tensors = runReference(graph, inputs);
    const expected = Buffer.concat(graph.outputs.map(({ index }) => tensors.get(index) ?? new Uint8Array()));
    expect(Buffer.from(running.infer(Uint8Array.from(Buffer.concat(inputs)))).equals(expected)).toBe(true);
  }
  return module.description.layers.map(({ operator }) => operator);
}

describe("a rectifier behind an operator", () => {
  const taken: Case[] = [
    { maker: "CONV_2D" },
    { maker: "CONV_2D", rectifier: "RELU6" },
    { maker: "ADD" },
    { maker: "ADD", rectifier: "RELU6" },
    { maker: "FULLY_CONNECTED" },
  ];
  for (const one of taken) {
    it(`becomes its clamp: ${JSON.stringify(one)}`, async () => {
      expect(await check(one)).toEqual([one.maker]);
    });
  }

  const left: [string, Case][] = [
    ["it rescales", { maker: "ADD", scale: 0.06 }],
    ["the operator has an activation of its own", { maker: "ADD", own: "RELU6" }],
    ["what is between them is asked for", { maker: "CONV_2D", kept: true }],
  ];
  for (const [why, one] of left) {
    it(`stays where ${why}`, async () => {
      expect(await check(one)).toEqual([one.maker, "RELU"]);
    });
  }
});
