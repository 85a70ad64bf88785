/** The benchmarks' JSON, as the issue that asked for them has it. */

import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { loadBoard } from "../../host/descriptor/load_board.js";
import { type BenchRow, benchVariants } from "../../host/measure/bench.js";
import { benchModel, requireEqual } from "../../host/measure/bench_model.js";
import { packagePath } from "../../host/package_root.js";
import { runWamlet } from "../cli/run_wamlet.js";
import { benchPipelines } from "./pipelines.js";

const motion = packagePath("examples", "motion", "motion.tflite");

/** The keys of a row, no more and no less. */
const keys = [
  "model",
  "layer",
  "port",
  "variant",
  "instructions",
  "macs",
  "moduleBytes",
  "codeBytes",
  "linearMemory",
  "runtimeBytes",
];

describe("wamlet bench --json", () => {
  it("prints one array of rows: a model it was named, every variant, every port", async () => {
    const { exitCode, stdout } = await runWamlet(["bench", "--json", "--model", motion]);
    expect(exitCode).toBe(0);
    const rows = JSON.parse(stdout) as BenchRow[];
    for (const row of rows) {
      expect(Object.keys(row).sort()).toEqual([...keys].sort());
      expect(row).toMatchObject({ model: "motion", layer: null });
      expect(row.instructions).toBeGreaterThan(row.macs);
      expect(row.moduleBytes).toBeGreaterThan(row.codeBytes);
    }
    const places = rows.map(({ port, variant }) => `${variant} ${port}`);
    const ports = ["virtual", "modelled armv7em", "modelled rv32imac"];
    expect(places).toEqual(benchVariants.flatMap((variant) => ports.map((port) => `${variant} ${port}`)));
  });
});

describe("a measurement", () => {
  const request = {
    model: "motion",
    path: motion,
    bytes: readFileSync(motion),
    costs: [loadBoard("qemu-riscv32").cost],
    signal: new AbortController().signal,
  };

  it("counts layers that together are the inference, but for its entry and their reports", async () => {
    const { rows } = await benchModel({ ...request, variants: ["speed"], layers: true });
    for (const variant of ["speed"]) {
      const own = rows.filter((row) => row.port === "virtual" && row.variant === variant);
      const whole = own.find(({ layer }) => layer === null);
      const layers = own.filter(({ layer }) => layer !== null);
      const sum = layers.reduce((total, { instructions }) => total + instructions, 0);
      expect(layers.length).toBeGreaterThan(5);
      expect(layers[0]?.layer).toMatch(/^\d+ [A-Z0-9_]+$/);
      expect(Math.abs(sum - (whole?.instructions ?? 0))).toBeLessThan(10 * layers.length + 20);
      expect(layers.reduce((total, { macs }) => total + macs, 0)).toBe(whole?.macs);
    }
  });

  it("is none where an answer is not what it must be", () => {
    const [right, wrong] = [Uint8Array.of(1, 2, 3), Uint8Array.of(1, 2, 4)];
    expect(() => requireEqual("one", right, right)).not.toThrow();
    expect(() => requireEqual("other", wrong, right)).toThrow("1 of 3 bytes");
  });
});

describe("Binaryen's pipelines", () => {
  it("all answer alike, and ours executes no more opcodes than doing nothing", async () => {
    const rows = await benchPipelines("motion", motion);
    const of = (name: string) => rows.find(({ pipeline }) => pipeline === name)?.opcodes ?? 0;
    expect(rows.length).toBe(10);
    expect(of("ours")).toBeLessThan(of("none"));
    expect(of("ours")).toBeLessThan(of("ours without untee"));
  });
});
