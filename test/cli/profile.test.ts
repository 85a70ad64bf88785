import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { example, Workplace } from "./workplace.js";

const place = new Workplace();
let motion = "";
beforeAll(async () => {
  motion = await place.compile("motion");
});
afterAll(() => place.close());

const at = ["--port", place.port];

describe("wamlet profile", () => {
  it("shows the spread of count, time and energy over random inputs that are the same every time", async () => {
    const first = await place.json("profile", motion, "-n", "6", ...at);
    const { count, microseconds, energy } = first.measurements;
    for (const { statistics } of [count, { statistics: microseconds }, energy]) {
      expect(statistics.count).toBe(6);
      expect(statistics.min).toBeLessThanOrEqual(statistics.median);
      expect(statistics.median).toBeLessThanOrEqual(statistics.p95);
      expect(statistics.p95).toBeLessThanOrEqual(statistics.max);
    }
    expect((await place.json("profile", motion, "-n", "6", ...at)).measurements).toEqual(first.measurements);
    const other = await place.json("profile", motion, "-n", "6", "--seed", "2", ...at);
    expect(other.measurements.count.statistics).not.toEqual(count.statistics);
  });

  it("energy is power times time, and time is cycles over the clock", async () => {
    const { measurements } = await place.json("profile", motion, "-n", "1", ...at);
    const cycles = measurements.count.statistics.median;
    expect(measurements.microseconds.median).toBeCloseTo(cycles / 240, -1);
    expect(measurements.energy.statistics.median / (cycles / 0.24)).toBeCloseTo(0.049 * 3.3, 3);
  });

  it("--layers compiles a profiling build beside the module, whose layers add up to the whole", async () => {
    const model = example("motion", "motion.tflite");
    const { measurements, model: profiled } = await place.json(
      "profile",
      model,
      "--layers",
      "-n",
      "4",
      ...at,
    );
    expect(profiled.name).toBe("motion.profile");
    const { layers, outside } = measurements.layers;
    const sum = layers.reduce(
      (total: number, layer: { count: { mean: number } }) => total + layer.count.mean,
      0,
    );
    expect(sum + outside.mean).toBeCloseTo(measurements.count.statistics.mean, 3);
    expect(outside.share).toBeLessThan(0.01);
    const { modules } = await place.json("modules", ...at);
    expect(modules.map(({ name }: { name: string }) => name).sort()).toEqual(["motion", "motion.profile"]);
  });

  it("--layers draws each layer with MACs, count per MAC and a bar, within a hundred columns", async () => {
    const { stdout } = await place.run("profile", "motion.profile", "--layers", "-n", "2", ...at);
    expect(stdout).toMatch(/layer +operator +output +MACs +cycles +per MAC +share/);
    expect(stdout).toMatch(/CONV_2D +1×32×1×16 +7\.68 k +\d.* % +█/);
    const table = stdout.slice(stdout.indexOf("layer "));
    for (const line of table.split("\n")) expect(line.length).toBeLessThanOrEqual(100);
  });

  it("--layers of an ordinary module says how to get one that tells them apart", async () => {
    for (const which of [motion, "motion"]) {
      const { error } = await place.json("profile", which, "--layers", ...at);
      expect(error.code).toBe("WAMLET_NO_LAYERS");
      expect(error.hint).toContain(".tflite");
    }
  });

  it("--frames takes real inputs", async () => {
    const frames = example("motion", "frames.csv");
    const report = await place.json("profile", "motion", "--frames", frames, "-n", "3", ...at);
    expect(report).toMatchObject({ frames: "frames.csv", measurements: { frames: 3 } });
  });

  it("on a board with another clock and current gives other time and energy for the same module", async () => {
    const esp32 = await place.json("profile", motion, "-n", "1", ...at);
    const nordic = await place.json("profile", motion, "-n", "1", "--port", "emulator:nrf52840");
    expect(nordic.measurements.microseconds.median).toBeGreaterThan(esp32.measurements.microseconds.median);
    expect(nordic.model.moduleBytes).toBe(esp32.model.moduleBytes);
  });
});
