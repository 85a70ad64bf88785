/** Exact pruning: channels that are constant, or that nothing weighs, cost nothing and change nothing. */
import { describe, expect, it } from "vitest";
import { compile } from "../../host/compiler/compile.js";
import { readModel } from "../../host/model/read_model.js";
import { buildModel } from "../model/model_builder.js";
import { Random } from "../model/random.js";
import { randomInput } from "../reference/random_graph.js";
import { runReference } from "../reference/run_reference.js";
import { startModule } from "./run_module.js";

/** A convolution of which about half the outputs are constant and half the inputs weighed by nobody. */
function prunedModel(seed: number): Uint8Array {
  const random = new Random(seed);
  const [inputs, outputs, size] = [random.integer(4, 24), random.integer(6, 30), random.pick([1, 1, 3])];
  const liveInputs = Array.from({ length: inputs }, () => random.chance(0.5));
  const liveOutputs = Array.from({ length: outputs }, () => random.chance(0.5));
  const weights = Int8Array.from({ length: outputs * size * size * inputs }, (_, index) => {
    const isLive = liveInputs[index % inputs] && liveOutputs[Math.floor(index / (size * size * inputs))];
    return isLive ? random.pick([-128, -127, 127, random.integer(-127, 127)]) : 0;
  });
  const bias = Int32Array.from({ length: outputs }, () => random.integer(-20_000, 20_000));
  // Some scales are so small that every sum rounds to one value.
  const scales = Array.from({ length: outputs }, () =>
    random.chance(0.15) ? 1e-14 : 0.002 * (1 + random.integer(0, 9)),
  );
  const [height, width] = [random.integer(3, 8), random.integer(3, 8)];
  return buildModel({
    tensors: [
      {
        name: "in",
        type: "int8",
        shape: [1, height, width, inputs],
        quantisation: { scales: [0.1], zeroPoints: [random.integer(-128, 127)] },
      },
      {
        name: "out",
        type: "int8",
        shape: [1, height, width, outputs],
        quantisation: { scales: [0.8], zeroPoints: [random.integer(-128, 127)] },
      },
      {
        name: "weights",
        type: "int8",
        shape: [outputs, size, size, inputs],
        data: new Uint8Array(weights.buffer),
        quantisation: { scales, zeroPoints: scales.map(() => 0), axis: 0 },
      },
      { name: "bias", type: "int32", shape: [outputs], data: new Uint8Array(bias.buffer) },
    ],
    operators: [
      {
        name: "CONV_2D",
        inputs: [0, 2, 3],
        outputs: [1],
        options: {
          padding: "SAME",
          strideWidth: 1,
          strideHeight: 1,
          fusedActivation: random.pick(["NONE", "RELU", "RELU6"]),
        },
      },
    ],
    inputs: [0],
    outputs: [1],
  });
}

describe("a convolution on the channels that matter", () => {
  it("gives every byte of the whole one, with padding, rectifiers and scales that vanish", async () => {
    let tried = 0;
    for (let seed = 1; seed <= 24 && tried < 8; seed++) {
      const bytes = prunedModel(seed);
      const graph = readModel(bytes);
      const module = await compile(bytes, {
        chooseForm: (forms) =>
          forms.find(({ name }) => name.endsWith("_live")) ?? (forms[0] as (typeof forms)[number]),
      });
      if (!module.description.layers[0]?.kernel.endsWith("_live")) continue;
      tried++;
      const running = startModule(module);
      for (let sample = 0; sample < 3; sample++) {
        const inputs = randomInput(graph, seed * 7 + sample);
        const expected = runReference(graph, inputs).get(graph.outputs[0]?.index as number) as Uint8Array;
        expect(Buffer.from(running.infer(inputs[0] as Uint8Array)).equals(expected), `seed ${seed}`).toBe(
          true,
        );
      }
    }
    expect(tried).toBeGreaterThanOrEqual(5);
  });

  it("is taken by itself where it saves opcodes, and makes the module smaller", async () => {
    const quantisation = { scales: [0.1], zeroPoints: [0] };
    const model = (isLive: (output: number) => boolean) =>
      buildModel({
        tensors: [
          { name: "in", type: "int8", shape: [1, 16, 16, 32], quantisation },
          { name: "out", type: "int8", shape: [1, 16, 16, 48], quantisation },
          {
            name: "weights",
            type: "int8",
            shape: [48, 1, 1, 32],
            data: Uint8Array.from({ length: 48 * 32 }, (_, index) =>
              isLive(Math.floor(index / 32)) ? 1 + (index % 90) : 0,
            ),
            quantisation,
          },
        ],
        operators: [
          {
            name: "CONV_2D",
            inputs: [0, 2, null],
            outputs: [1],
            options: { padding: "SAME", strideWidth: 1, strideHeight: 1 },
          },
        ],
        inputs: [0],
        outputs: [1],
      });
    const [whole, pruned] = [
      await compile(
        model(() => true),
        { optimize: "speed" },
      ),
      await compile(
        model((output) => output % 8 === 0),
        { optimize: "speed" },
      ),
    ];
    expect(pruned.description.layers[0]?.kernel).toMatch(/_live$/);
    expect(pruned.description.layers[0]?.opcodes).toBeLessThan(
      (whole.description.layers[0]?.opcodes as number) / 3,
    );
    expect(pruned.weightBytes).toBeLessThan(whole.weightBytes / 2);
  });
});
