/** clang's Wasm under the same rules as ours: a module that a board takes, with the oracle's answers. */
import { describe, expect, it } from "vitest";
import { ModuleRunner } from "../../host/emulator/module_runner.js";
import { randomInput, randomModel } from "../reference/random_graph.js";
import { runReference } from "../reference/run_reference.js";
import { cModel, notCovered } from "./c_source.js";
import { clangMissing, clangModule } from "./clang_wasm.js";

const missing = clangMissing();

describe.skipIf(missing !== null)(`C compiled by clang to Wasm (else ${missing})`, () => {
  for (const operator of ["CONV_2D", "FULLY_CONNECTED", "SOFTMAX", "ADD"]) {
    it(`${operator}: is a module, answers exactly, and reports its layer`, async () => {
      const seed = [...Array(200).keys()].find(
        (one) => notCovered(randomModel(operator, one).graph).length === 0,
      );
      const { graph } = randomModel(operator, seed ?? 0);
      const module = await clangModule(graph, cModel(graph), [0], true);
      const inputs = randomInput(graph, 1);
      const runner = await ModuleRunner.load(module.payload, module.manifest);
      try {
        if (module.abi.state) await runner.reset();
        module.manifest.inputs.forEach(({ offset }, index) => {
          runner.write(offset, inputs[index] as Uint8Array);
        });
        const { outputs, counts, layers } = await runner.infer();
        const expected = runReference(graph, inputs).get(graph.outputs[0]?.index ?? -1);
        expect(Buffer.from(outputs[0] ?? []).equals(expected ?? Buffer.alloc(0))).toBe(true);
        expect(layers).toHaveLength(1);
        expect(layers[0]?.opcodes).toBeLessThanOrEqual(counts.opcodes);
      } finally {
        await runner.close();
      }
    });
  }
});
