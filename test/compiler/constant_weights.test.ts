/** Small convolutions whose weights are literals: exact, without RAM for weights, and taken where they are worth it. */
import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { compile } from "../../host/compiler/compile.js";
import type { BoundForm } from "../../host/compiler/layer.js";
import { readModel } from "../../host/model/read_model.js";
import { packagePath } from "../../host/package_root.js";
import { runReference } from "../reference/run_reference.js";
import { startModule } from "./run_module.js";
import {
  type ConvolutionShape,
  convolutionModel,
  frame,
  pointwise,
  randomShape,
} from "./zero_skipping_models.js";

const kinds = ["constant_weights", "constant_weights_skipping"];

/** The model's answers with the form of this name. @returns null where it does not apply */
async function checkExact(shape: ConvolutionShape, kind: string) {
  const bytes = convolutionModel(shape);
  const graph = readModel(bytes);
  const module = await compile(bytes, {
    chooseForm: (forms) => forms.find(({ name }) => name === kind) ?? (forms[0] as BoundForm),
  });
  if (module.description.layers[0]?.kernel !== kind) return null;
  const running = startModule(module);
  for (const zeros of [0, 0.5, 1]) {
    const values = frame(shape, zeros, 3);
    const expected = runReference(graph, [values]).get(graph.outputs[0]?.index as number) as Uint8Array;
    expect(Buffer.from(running.infer(values)).equals(expected), `${kind}, ${zeros} zeros`).toBe(true);
  }
  return module;
}

describe("weights in the code", () => {
  it("are exact on random shapes with extreme weights, padding and zero points", {
    timeout: 300_000,
  }, async () => {
    let tried = 0;
    for (let seed = 1; seed <= 60 && tried < 24; seed++) {
      for (const kind of kinds) if (await checkExact(randomShape(seed), kind)) tried++;
    }
    expect(tried).toBeGreaterThanOrEqual(24);
  });

  const small = { ...pointwise, inputs: 5, outputs: 7, size: 3, height: 7, width: 6 } as const;
  it.each([
    ["without a rectifier", { ...small, activation: "NONE", outputZeroPoint: 4 }],
    ["with an upper end", { ...small, activation: "RELU6", outputZeroPoint: -20 }],
    ["with a stride", { ...small, stride: 2 }],
    ["with dilated rows", { ...small, size: 2, dilation: 2 }],
    ["without padding", { ...small, padding: "VALID" }],
    ["of one pixel", { ...small, size: 1, height: 1, width: 1 }],
    ["with sums at their limits", { ...small, weight: (index: number) => (index % 2 === 0 ? 127 : -128) }],
  ] as const)("are exact %s", async (_, shape) => {
    for (const kind of kinds) expect(await checkExact(shape, kind), kind).not.toBeNull();
  });

  it("take no RAM and no flash but for code, and none for words of zeros", async () => {
    const dense = await checkExact(small, "constant_weights");
    const sparse = await checkExact(
      { ...small, weight: (index: number) => (index % 5 === 0 ? 9 : 0) },
      "constant_weights",
    );
    expect(dense?.weightBytes).toBe(0);
    expect(dense?.description.memory.buffers.some(({ kind }) => kind === "weights")).toBe(false);
    expect(sparse?.payload.length).toBeLessThan((dense?.payload.length ?? 0) / 2);
    expect(sparse?.description.layers[0]?.opcodes).toBeLessThan(
      (dense?.description.layers[0]?.opcodes ?? 0) / 2,
    );
  });

  it("are taken for the first layers of a small network, and the choice says at what price", async () => {
    const { choices } = await compile(readFileSync(packagePath("examples", "digits", "digits.tflite")));
    expect(choices[0]).toMatchObject({ kernel: "constant_weights", weightBytes: 0 });
    expect(choices[0]?.codeBytes).toBeGreaterThan(0);
  });
});
