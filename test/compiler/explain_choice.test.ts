/** What `wamlet inspect` says of the choice of kernels. */
import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { compile } from "../../host/compiler/compile.js";
import { packagePath } from "../../host/package_root.js";

const digits = readFileSync(packagePath("examples", "digits", "digits.tflite"));

describe("the choice of kernels, explained", () => {
  it("names for every layer its kernel, what it takes, why, and the cheapest of the others", async () => {
    const { choices, description, aim } = await compile(digits);
    expect(aim).toEqual({ optimization: "balanced", codePrice: 1, flashPrice: 0 });
    expect(choices.map(({ kernel, opcodes }) => [kernel, opcodes])).toEqual(
      description.layers.map(({ kernel, opcodes }) => [kernel, opcodes]),
    );
    for (const { kernel, opcodes, runnerUp, reason } of choices) {
      expect(reason).not.toBe("");
      expect(runnerUp?.kernel).not.toBe(kernel);
      if (reason === "fewest opcodes") expect(runnerUp?.opcodes).toBeGreaterThanOrEqual(opcodes);
      if (reason === "the only kernel for it") expect(runnerUp).toBeNull();
    }
  });

  it("says of the smallest module that its kernels bring no code", async () => {
    const { choices } = await compile(digits, { optimize: "size" });
    for (const { codeBytes, reason, runnerUp } of choices) {
      expect(codeBytes).toBe(0);
      expect(reason).toBe(runnerUp === null ? "the only kernel for it" : "no code of its own");
    }
  });
});
