import { describe, expect, it } from "vitest";
import { slowestLayers } from "../../host/measure/layers.js";
import { Measurements } from "../../host/measure/measurements.js";
import { refusal } from "../frames/material.js";
import { answerOf, model } from "./material.js";

const count = (value: number) => answerOf([0, 0, 0], { count: { ...answerOf([]).count, value } });

describe("Measurements", () => {
  it("report nothing before the first answer", () => {
    expect(new Measurements(model).report()).toBeNull();
  });

  it("report figures with their unit and source", () => {
    const measurements = new Measurements(model);
    for (const [index, value] of [300, 100, 200].entries()) {
      measurements.add({
        ...count(value),
        microseconds: value / 10,
        nanojoules: value * 2,
        memoryBytes: index,
      });
    }
    expect(measurements.report()).toEqual({
      frames: 3,
      accuracy: null,
      count: {
        unit: "instructions",
        source: "modelled: opcodes",
        statistics: { count: 3, min: 100, median: 200, mean: 200, p95: 300, max: 300, exact: true },
      },
      microseconds: { count: 3, min: 10, median: 20, mean: 20, p95: 30, max: 30, exact: true },
      energy: {
        unit: "nanojoules",
        source: "modelled",
        statistics: { count: 3, min: 200, median: 400, mean: 400, p95: 600, max: 600, exact: true },
      },
      frameBytes: { input: 8, output: 3 },
      memoryBytes: 2,
      layers: null,
    });
  });

  it("report measured energy where some answers have it, and of these alone", () => {
    const measurements = new Measurements(model);
    measurements.add(answerOf([0, 0, 0], { energySource: "none", nanojoules: null }));
    measurements.add(answerOf([0, 0, 0], { energySource: "measured", nanojoules: 300 }));
    measurements.add(answerOf([0, 0, 0], { energySource: "modelled", nanojoules: 7000 }));
    expect(measurements.report()?.energy).toMatchObject({
      source: "measured",
      statistics: { count: 1, min: 300, max: 300 },
    });
  });

  it("report no energy, and never 0, where no answer knows it", () => {
    const measurements = new Measurements(model);
    measurements.add(answerOf([0, 0, 0], { energySource: "none", nanojoules: null }));
    expect(measurements.report()).toMatchObject({ frames: 1, energy: null });
  });

  it("count accuracy over the frames that have a label", () => {
    const measurements = new Measurements(model);
    measurements.add(answerOf([1, 5, 2]), 1);
    measurements.add(answerOf([9, 5, 2]), 1);
    measurements.add(answerOf([9, 5, 2]));
    expect(measurements.report()).toMatchObject({
      frames: 3,
      accuracy: { labelled: 2, correct: 1, fraction: 0.5 },
    });
  });

  it("show where the time goes, layer by layer, and what no layer accounts for", () => {
    const measurements = new Measurements(model);
    measurements.add({ ...count(1000), layers: [600, 100, 200] });
    measurements.add({ ...count(2000), layers: [800, 300, 400] });
    const layers = measurements.report()?.layers;
    if (layers === null || layers === undefined) throw new Error("no layers");
    expect(layers.layers.map((layer) => [layer.count.mean, layer.countPerMac, layer.share])).toEqual([
      [700, 3.5, 700 / 1500],
      [200, 2, 200 / 1500],
      [300, null, 300 / 1500],
    ]);
    expect(layers.outside).toEqual({ mean: 300, share: 0.2 });
    expect(slowestLayers(layers, 2).map(({ operator }) => operator)).toEqual(["CONV_2D", "SOFTMAX"]);
  });

  it.each<[string, Parameters<Measurements["add"]>[0], string]>([
    [
      "cycles",
      answerOf([0, 0, 0], { count: { value: 1, unit: "cycles", source: "CCOUNT" } }),
      "counts cycles",
    ],
    ["another counter", answerOf([0, 0, 0], { count: { ...count(1).count, source: "QEMU" } }), "(QEMU)"],
    ["layers", answerOf([0, 0, 0], { layers: [1, 2, 3] }), "has layers"],
  ])("never mix instructions that were modelled with %s", async (_, other, message) => {
    const measurements = new Measurements(model);
    measurements.add(count(500));
    const before = measurements.report();
    const wrong = await refusal(() => measurements.add(other));
    expect(wrong.code).toBe("WAMLET_INVALID_PACKET");
    expect(wrong.message).toContain(message);
    expect(measurements.report()).toEqual(before);
  });

  it.each<[string, Parameters<Measurements["add"]>, string]>([
    ["too few output bytes", [answerOf([0, 0])], "has 2 bytes where the model has 3"],
    ["too many outputs", [answerOf([], { outputs: [new Uint8Array(3), new Uint8Array(1)] })], "3 + 1 bytes"],
    [
      "another number of layers",
      [answerOf([0, 0, 0], { layers: [1] })],
      "1 layers where the module describes 3",
    ],
    ["a figure that is none", [answerOf([0, 0, 0], { nanojoules: Number.NaN })], "NaN"],
    ["a negative layer", [answerOf([0, 0, 0], { layers: [1, -2, 3] })], "-2"],
    ["a class that the model has not", [answerOf([0, 0, 0], { layers: [1, 2, 3] }), 3], "class 3"],
  ])("refuse an answer with %s and count nothing of it", async (_, given, message) => {
    const measurements = new Measurements(model);
    expect((await refusal(() => measurements.add(...given))).message).toContain(message);
    expect(measurements.report()).toBeNull();
  });

  it("keep no answer: a hundred thousand take no more than their figures", () => {
    const measurements = new Measurements(model);
    for (let frame = 0; frame < 100_000; frame++)
      measurements.add({ ...count(1000 + (frame % 100)), frame }, 0);
    const report = measurements.report();
    expect(report?.count.statistics).toMatchObject({
      count: 100_000,
      min: 1000,
      max: 1099,
      mean: 1049.5,
      exact: false,
    });
    expect(Math.abs((report?.count.statistics.median ?? 0) - 1049)).toBeLessThanOrEqual(1049 / 256);
  });
});
