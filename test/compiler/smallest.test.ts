/** `--optimize size`: the smallest module. */
import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { compile } from "../../host/compiler/compile.js";
import { loadBoard } from "../../host/descriptor/load_board.js";
import { type BenchVariant, benchVariants, compileVariant } from "../../host/measure/bench.js";
import { packagePath } from "../../host/package_root.js";
import { conformanceFolder, conformanceMissing, readConformance } from "../reference/conformance.js";

/** Bytes of the module in each variant. */
async function bytesOf(file: Uint8Array, variants: readonly BenchVariant[]): Promise<Map<string, number>> {
  const bytes = new Map<string, number>();
  for (const variant of variants) {
    const { payload } = await compileVariant(file, variant, { profile: false });
    bytes.set(variant, payload.length);
  }
  return bytes;
}

describe("the smallest module", () => {
  it.each(["digits", "motion"])("of %s is no larger than any other", async (name) => {
    const file = readFileSync(packagePath("examples", name, `${name}.tflite`));
    const bytes = await bytesOf(file, benchVariants);
    expect(bytes.get("size")).toBe(Math.min(...bytes.values()));
  });
});

describe.skipIf(conformanceFolder === null)(`the smallest module of VWW (else ${conformanceMissing})`, () => {
  const file = () => readConformance("models/vww_96_int8/model.tflite");

  it("is without channels that cannot matter: their weights are more than the code for it", async () => {
    const bytes = await bytesOf(file(), ["plain", "balanced", "size"]);
    expect(bytes.get("size")).toBe(Math.min(...bytes.values()));
    expect(bytes.get("size")).toBeLessThan((bytes.get("plain") ?? 0) / 3);
  });

  it("gives way to kernels without code of their own where that does not fit the RAM", async () => {
    const board = loadBoard("esp32");
    const poolBytes = { value: 75_000, source: "this test" };
    const small = { ...board, memory: { ...board.memory, poolBytes } };
    const module = await compile(file(), { board: small, optimize: "size" });
    expect(module.aim).toEqual({ optimization: "size", codePrice: null, flashPrice: 0 });
    expect(module.account?.fits).toBe(true);
  });
});
