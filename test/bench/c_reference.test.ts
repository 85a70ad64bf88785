/** The C that native and clang-wasm figures come from: as exact as the kernels that it is compared with. */
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { packagePath } from "../../host/package_root.js";
import { compiler, compilerMissing } from "../boards/harness.js";
import { randomInput, randomModel } from "../reference/random_graph.js";
import { runReference } from "../reference/run_reference.js";
import { cModel, notCovered, referenceKernels } from "./c_source.js";
import { run } from "./tools.js";

/** Covered models of each operator. */
const rounds = 2;

describe.skipIf(compiler === null)(`the C reference under sanitizers (else ${compilerMissing})`, () => {
  const folder = mkdtempSync(join(tmpdir(), "wamlet-c-reference-"));
  afterAll(() => rmSync(folder, { recursive: true }));

  it.each(referenceKernels)("%s: every byte as the oracle's, on random models", async (operator) => {
    let checked = 0;
    for (let seed = 0; checked < rounds && seed < 200; seed++) {
      const { graph } = randomModel(operator, seed);
      if (notCovered(graph).length > 0) continue;
      const { source, tables } = cModel(graph);
      const file = (name: string) => join(folder, `${operator}-${name}`);
      writeFileSync(file("model.c"), source);
      writeFileSync(file("tables.c"), tables);
      const reference = packagePath("test", "bench", "reference");
      const strict = ["-std=gnu11", "-Wall", "-Wextra", "-Werror", "-Wno-unused-function", `-I${reference}`];
      const sanitize = ["-O1", "-fsanitize=address,undefined", "-fno-sanitize-recover=all"];
      const sources = [file("model.c"), file("tables.c"), join(reference, "host_main.c")];
      await run(compiler ?? "", [...strict, ...sanitize, ...sources, "-o", file("program")]);
      for (let sample = 0; sample < 3; sample++) {
        const inputs = randomInput(graph, seed * 31 + sample);
        const tensors = runReference(graph, inputs);
        const expected = Buffer.concat(graph.outputs.map(({ index }) => tensors.get(index) as Uint8Array));
        const { stdout, stderr } = spawnSync(file("program"), { input: Buffer.concat(inputs) });
        expect(stderr.toString(), `seed ${seed}`).toBe("");
        expect(stdout.equals(expected), `seed ${seed} sample ${sample}`).toBe(true);
      }
      checked++;
    }
    expect(checked).toBe(rounds);
  });

  it("says by name what it does not cover", () => {
    const named = (operator: string) => notCovered(randomModel(operator, 0).graph);
    expect(named("LOGISTIC")).toEqual(["LOGISTIC"]);
    expect(named("TRANSPOSE_CONV")).toEqual(["TRANSPOSE_CONV"]);
    const wide = Array.from({ length: 40 }, (_, seed) => randomModel("CONV_2D", seed).graph).find(
      ({ inputs }) => inputs[0]?.type === "int16",
    );
    expect(wide && notCovered(wide)).toEqual(["CONV_2D on int16"]);
  });
});
