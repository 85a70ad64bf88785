import { afterAll, describe, expect, it } from "vitest";
import { Workplace } from "./workplace.js";

const place = new Workplace();
afterAll(() => place.close());

describe("wamlet demo", () => {
  it("tells the whole story in plain text within a hundred columns, and needs nothing", async () => {
    const { exitCode, stdout, stderr } = await place.run("demo");
    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: "" });
    for (const step of ["compiled", "powered on", "deployed", "streamed", "profiled"]) {
      expect(stdout).toContain(`✓ ${step}`);
    }
    expect(stdout).toMatch(/accuracy +97\.8 % +352 of 360 right/);
    expect(stdout).toMatch(/^time .* modelled$/m);
    expect(stdout).toMatch(/^energy .* modelled$/m);
    expect(stdout).toMatch(/The 5 slowest of 11 layers/);
    for (const radio of ["Wi-Fi", "BLE", "LoRa SF7", "LoRa SF12"]) {
      expect(stdout).toMatch(new RegExp(`^${radio} +\\S+ [mµn]?J +\\S+ [mµn]?J  (compute|send)`, "m"));
    }
    expect(stdout).not.toContain("\x1b");
    for (const line of stdout.split("\n")) expect(line.length).toBeLessThanOrEqual(100);
  });

  it("--json is the report with layers and radios, for another example and board", async () => {
    const report = await place.json("demo", "--example", "motion", "--board", "nrf52840");
    expect(report).toMatchObject({
      format: "wamlet-report",
      model: { name: "motion", labels: expect.arrayContaining(["walking"]) },
      board: { name: "nrf52840", port: "emulator:nrf52840" },
      measurements: { frames: 240, accuracy: { labelled: 240 } },
    });
    // Its first layer, a PAD, is the convolution's own padding.
    expect(report.measurements.layers.layers).toHaveLength(12);
    expect(report.measurements.accuracy.fraction).toBeGreaterThan(0.95);
  });
});
