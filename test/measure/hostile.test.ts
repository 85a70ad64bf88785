/** Damaged indexes of suites, in both formats. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { readSuite } from "../../host/measure/suite.js";
import { refusal } from "../frames/material.js";
import { mutatedJson } from "../fuzz/mutations.js";
import { describeSurvival } from "../fuzz/survival.js";

const folder = mkdtempSync(join(tmpdir(), "wamlet-suite-"));
afterAll(() => rmSync(folder, { recursive: true }));
const path = join(folder, "index.json");
writeFileSync(join(folder, "in.bin"), new Uint8Array(12));

const operators = [0, 1].map((number) => ({
  id: `add_${number}`,
  op: "add",
  model: "add.tflite",
  input: "in.bin",
  output: "out.bin",
  samples: 3,
  state: "fresh",
}));
const model = {
  name: "kws",
  model: "kws.tflite",
  state: "fresh",
  cases: [{ input: "in.bin", output: "out.bin" }],
};

/** Reads an index and the first input that it names, as `validate` does. */
async function readFirst(index: Uint8Array): Promise<void> {
  writeFileSync(path, index);
  const cases = await readSuite(path);
  for (const { samples } of cases) expect(samples.length).toBeGreaterThan(0);
  const first = await cases[0]?.samples[0]?.input();
  if (first) expect(first.length).toBeLessThanOrEqual(12);
}

for (const [name, index] of Object.entries({
  "suites of operators": operators,
  "suites of a model": model,
})) {
  describeSurvival({
    name,
    file: Uint8Array.from(Buffer.from(JSON.stringify(index))),
    wholeOnly: true,
    mutate: mutatedJson,
    read: readFirst,
  });
}

describe("an index of a suite", () => {
  it("cannot ask for more samples than anybody has", async () => {
    writeFileSync(path, JSON.stringify([{ ...operators[0], samples: 1_000_000 }]));
    const { code, message } = await refusal(() => readSuite(path));
    expect(code).toBe("WAMLET_INVALID_FRAMES");
    expect(message).toContain("'samples' of add_0");
  });
});
