/** The compiled kernels against an independent reference interpreter, on random models: needs no conformance data. */
import { describe, expect, it } from "vitest";
import { compile } from "../../host/compiler/compile.js";
import { randomInput, randomModel, randomOperators } from "../reference/random_graph.js";
import { initialState, runReference } from "../reference/run_reference.js";
import { startModule } from "./run_module.js";

/** Models per operator; `WAMLET_RANDOM_MODELS` asks for more. */
const rounds = Number(process.env.WAMLET_RANDOM_MODELS ?? 3);

describe("compiled kernels equal the plain reference on random models", () => {
  for (const operator of randomOperators) {
    it(`${operator}: every byte of ${rounds} models with three inputs each`, async () => {
      for (let seed = 0; seed < rounds; seed++) {
        const { bytes, graph } = randomModel(operator, seed);
        const module = await compile(bytes);
        const running = startModule(module);
        running.reset();
        const state = initialState(graph);
        for (let sample = 0; sample < 3; sample++) {
          const inputs = randomInput(graph, seed * 31 + sample);
          const tensors = runReference(graph, inputs, state);
          const expected = Buffer.concat(
            graph.outputs.map((tensor) => tensors.get(tensor.index) as Uint8Array),
          );
          const answer = Buffer.from(running.infer(Uint8Array.from(Buffer.concat(inputs))));
          expect(answer.equals(expected), `${operator} seed ${seed} sample ${sample}`).toBe(true);
        }
      }
    });
  }
});
