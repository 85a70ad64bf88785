import { parse } from "csv-parse/sync";
import { describe, expect, it } from "vitest";
import { computeOrSend } from "../../host/measure/compute_or_send.js";
import { Measurements } from "../../host/measure/measurements.js";
import { rates } from "../../host/measure/rates.js";
import { reportJson } from "../../host/measure/report.js";
import { answerColumns, answerRow, csvHeader, csvLine, jsonLine } from "../../host/measure/rows.js";
import { tensorOf } from "../frames/material.js";
import { answerOf, model, scores } from "./material.js";

describe("rates", () => {
  const stream = {
    frames: 50,
    bytesToBoard: 9216,
    bytesFromBoard: 1152,
    elapsedMicroseconds: 2_000_000,
    inferenceMicroseconds: 500_000,
    baudRate: 115_200,
  };

  it("are frames and bytes a second, and shares of line and time", () => {
    expect(rates(stream)).toEqual({
      framesPerSecond: 25,
      bytesPerSecondToBoard: 4608,
      bytesPerSecondFromBoard: 576,
      // 115 200 baud carry 11 520 bytes a second.
      lineUtilisation: { toBoard: 0.4, fromBoard: 0.05 },
      computeUtilisation: 0.25,
    });
  });

  it("have no share of a line without a bit rate, and are none before any time has gone by", () => {
    expect(rates({ ...stream, baudRate: null })?.lineUtilisation).toBeNull();
    expect(rates({ ...stream, elapsedMicroseconds: 0 })).toBeNull();
  });
});

describe("rows", () => {
  const labels = ["still", 'a "b", c', "line\nbreak"];

  it("hold the best class, whether it is right, and every figure with its source", () => {
    expect(answerRow(answerOf([0, 64, 0], { frame: 7 }), scores, labels, 1)).toEqual({
      frame: 7,
      expected: 1,
      answer: 1,
      label: 'a "b", c',
      value: 0.75,
      correct: true,
      count: 1000,
      countUnit: "instructions",
      countSource: "modelled: opcodes",
      microseconds: 50,
      nanojoules: 7000,
      energySource: "modelled",
      memoryBytes: 4096,
    });
    expect(answerRow(answerOf([0, 64, 0]), scores, labels, 0).correct).toBe(false);
    expect(answerRow(answerOf([0, 64, 0]), scores, labels).correct).toBeNull();
  });

  it("leave energy open that nobody knows", () => {
    const row = answerRow(
      answerOf([0, 64, 0], { nanojoules: null, energySource: "none" }),
      scores,
      labels,
      1,
    );
    expect(row).toMatchObject({ nanojoules: null, energySource: "none" });
    expect(csvLine(row)).toContain(",50,,none,4096");
  });

  it("hold the value alone where the model gives a single one", () => {
    const sine = tensorOf("int8", [1, 1], 0.01, 0);
    expect(answerRow(answerOf([50]), sine, ["x"], null)).toMatchObject({
      answer: null,
      label: null,
      value: Math.fround(0.5),
      correct: null,
    });
  });

  it("are CSV that a CSV reader gives back, whatever the label", () => {
    const rows = [
      answerRow(answerOf([0, 64, 0]), scores, labels, 1),
      answerRow(answerOf([0, 0, 64]), scores, labels),
    ];
    const text = [csvHeader(), ...rows.map(csvLine)].join("\n");
    const back = parse(text, { columns: true }) as Record<string, string>[];
    expect(back.map((row) => row.label)).toEqual(['a "b", c', "line\nbreak"]);
    expect(back.map((row) => row.expected)).toEqual(["1", ""]);
    expect(Object.keys(back[0] ?? {})).toEqual([...answerColumns]);
  });

  it("are JSON lines with all columns in order", () => {
    const row = answerRow(answerOf([0, 0, 64]), scores, labels);
    const line = jsonLine(row);
    expect(line).not.toContain("\n");
    expect(JSON.parse(line)).toEqual(row);
    expect(Object.keys(JSON.parse(line) as object)).toEqual([...answerColumns]);
  });
});

describe("reportJson", () => {
  it("is plain JSON with a format and a version, and survives being written", () => {
    const measurements = new Measurements(model);
    measurements.add(answerOf([0, 64, 0], { layers: [1, 2, 3] }), 1);
    const report = measurements.report();
    if (report === null) throw new Error("no report");
    const radio = {
      name: "BLE",
      messageNanojoules: { value: 1, source: "s" },
      byteNanojoules: { value: 2, source: "t" },
      messageBytes: 20,
    };
    const subject = {
      model,
      moduleBytes: 5000,
      weightBytes: 3000,
      linearMemoryBytes: 8192,
      board: { name: "esp32", chip: "ESP32", port: "emulator:esp32" },
    };
    const json = reportJson(subject, report, null, computeOrSend({ radios: [radio] }, 8, 1, 10));
    expect(JSON.parse(JSON.stringify(json))).toEqual(json);
    expect(json).toMatchObject({
      format: "wamlet-report",
      version: 1,
      model: { name: "tiny", sourceSha256: "00".repeat(32), moduleBytes: 5000 },
      board: { name: "esp32", port: "emulator:esp32" },
      measurements: { frames: 1, accuracy: { fraction: 1 } },
      rates: null,
      computeOrSend: [{ radio: "BLE", verdict: "compute" }],
    });
  });
});
