/** State between inferences: it lasts, nothing else touches it, and reset() begins anew. */
import { describe, expect, it } from "vitest";
import { compile } from "../../host/compiler/compile.js";
import { readModel } from "../../host/model/read_model.js";
import { runtimeFeatures } from "../../host/module/manifest.js";
import { buildModel } from "../model/model_builder.js";
import { Random } from "../model/random.js";
import { randomInput, randomModel } from "../reference/random_graph.js";
import { randomSvdf } from "../reference/random_recurrent.js";
import { initialState, runReference } from "../reference/run_reference.js";
import { startModule } from "./run_module.js";

const operators = ["SVDF", "UNIDIRECTIONAL_SEQUENCE_LSTM"];

/** Two SVDF layers side by side on one frame, so that each runs while the other's state lives. */
function twoStates(seed: number): Uint8Array {
  const one = randomSvdf(new Random(seed));
  const count = one.tensors.length;
  const second = (position: number | null) =>
    position === null || position === 0 ? position : position + count - 1;
  return buildModel({
    tensors: [...one.tensors, ...one.tensors.slice(1)],
    operators: [
      { name: "SVDF", inputs: one.inputs, outputs: [1], options: one.options },
      { name: "SVDF", inputs: one.inputs.map(second), outputs: [count], options: one.options },
    ],
    inputs: [0],
    outputs: [1, count],
  });
}

describe("a module with state", () => {
  it.each(operators)("of %s exports reset() and asks the runtime for it", async (operator) => {
    const module = await compile(randomModel(operator, 1).bytes);
    expect(module.manifest.features & runtimeFeatures.state).not.toBe(0);
    expect(module.abi.state).toBe(true);
  });

  it("is no other: without variables there is no reset()", async () => {
    const module = await compile(randomModel("CONV_2D", 1).bytes);
    expect(module.manifest.features & runtimeFeatures.state).toBe(0);
    expect(module.abi.state).toBe(false);
  });

  it.each(operators)(
    "of %s answers the same sequence again after reset(), another without it",
    async (operator) => {
      let differed = 0;
      for (let seed = 0; seed < 4; seed++) {
        const { bytes, graph } = randomModel(operator, seed);
        const running = startModule(await compile(bytes));
        const frames = [1, 2, 3].map((sample) => Uint8Array.from(Buffer.concat(randomInput(graph, sample))));
        const sequence = () => frames.map((frame) => Buffer.from(running.infer(frame)).toString("hex"));
        running.reset();
        const first = sequence();
        if (sequence().join() !== first.join()) differed++;
        running.reset();
        expect(sequence()).toEqual(first);
      }
      expect(differed).toBeGreaterThan(0);
    },
  );

  it("keeps several states apart from each other and from everything else, over a long sequence", async () => {
    for (const seed of [1, 2, 3]) {
      const bytes = twoStates(seed);
      const graph = readModel(bytes);
      const module = await compile(bytes);
      const states = module.description.memory.buffers.filter((buffer) => buffer.kind === "state");
      expect(states).toHaveLength(2);
      for (const state of states) {
        for (const other of module.description.memory.buffers) {
          if (other === state) continue;
          expect(
            other.offset + other.bytes <= state.offset || state.offset + state.bytes <= other.offset,
          ).toBe(true);
        }
      }
      const running = startModule(module);
      const state = initialState(graph);
      running.reset();
      for (let sample = 0; sample < 12; sample++) {
        const inputs = randomInput(graph, sample);
        const tensors = runReference(graph, inputs, state);
        const expected = Buffer.concat(
          graph.outputs.map(({ index }) => tensors.get(index) ?? Buffer.alloc(0)),
        );
        expect(
          Buffer.from(running.infer(inputs[0] ?? new Uint8Array())).equals(expected),
          `sample ${sample}`,
        ).toBe(true);
      }
    }
  });
});
