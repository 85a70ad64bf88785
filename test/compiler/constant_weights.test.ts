/** Small convolutions whose weights are literals: exact, without RAM for weights, and taken where they are worth it. */
import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { compile } from "../../host/compiler/compile.js";
import type { BoundForm } from "../../host/compiler/layer.js";
import { packagePath } from "../../host/package_root.js";
import { expectExact } from "./exact_convolution.js";
import { type ConvolutionShape, pointwise, randomShape } from "./zero_skipping_models.js";

const kinds = ["constant_weights", "constant_weights_skipping"];

/** The module with the form of this name, whose answers are exact; null where the form does not apply. */
async function checkExact(shape: ConvolutionShape, kind: string) {
  const choose = (forms: readonly BoundForm[]) =>
    forms.find(({ name }) => name === kind) ?? (forms[0] as BoundForm);
  const module = await expectExact(shape, choose, [0, 0.5, 1]);
  return module.description.layers[0]?.kernel === kind ? module : null;
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
