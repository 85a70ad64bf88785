import { readFileSync, rmSync, writeFileSync } from "node:fs";
import { parse } from "csv-parse/sync";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { example, Workplace } from "./workplace.js";

const place = new Workplace();
let digits = "";
let motion = "";
beforeAll(async () => {
  [digits, motion] = await Promise.all([
    place.compile("digits", "--labels", example("digits", "classes.txt")),
    place.compile("motion", "--profile"),
  ]);
});
afterAll(() => place.close());

const at = ["--port", place.port];
const frames = example("digits", "frames.npy");
const labels = ["--labels", example("digits", "labels.csv")];
const column = (path: string, name: string) =>
  (parse(readFileSync(path, "utf8"), { columns: true }) as Record<string, string>[]).map((row) => row[name]);

describe("wamlet stream", () => {
  it("deploys a file that the board has not, and answers every frame as TFLite does", async () => {
    const { exitCode, stdout, stderr } = await place.run("stream", frames, "-m", digits, "-o", "csv", ...at);
    expect(exitCode).toBe(0);
    expect(stderr).toContain("Deployed digits");
    const rows = parse(stdout, { columns: true }) as Record<string, string>[];
    expect(rows.map((row) => row.answer)).toEqual(column(example("digits", "expected.csv"), "argmax"));
    expect(rows.map((row) => row.frame)).toEqual(rows.map((_, index) => String(index)));
  });

  it("does not deploy again what the board has, and reports accuracy against the labels", async () => {
    const { stdout, stderr } = await place.run("stream", frames, "-m", digits, ...labels, ...at);
    expect(stderr).toBe("");
    expect(stdout).not.toMatch(/\n{3}/);
    const right = column(example("digits", "expected.csv"), "argmax").filter(
      (answer, index) => answer === column(example("digits", "labels.csv"), "label")[index],
    ).length;
    expect(stdout).toContain(`${right} of 360 right`);
    expect(stdout).toMatch(/^energy .* modelled$/m);
    expect(stdout).toMatch(/of 921600 baud used/);
  });

  it("--json is one report that says where every figure comes from", async () => {
    const report = await place.json("stream", frames, "-m", "digits", "-n", "20", ...labels, ...at);
    expect(report).toMatchObject({
      format: "wamlet-report",
      version: 1,
      clock: "virtual time",
      baudRate: 921_600,
      clampedValues: 0,
      interrupted: false,
      board: { name: "esp32" },
      measurements: { frames: 20, count: { unit: "cycles" }, energy: { source: "modelled" } },
      ram: { source: "modelled", overlaps: true },
    });
    expect(report.measurements.count.source).toMatch(/^modelled/);
    expect(report.computeOrSend.length).toBeGreaterThan(2);
  });

  it("takes the active module, described by what was deployed from here", async () => {
    await place.run("deploy", digits, ...at);
    const report = await place.json("stream", frames, "-n", "3", ...at);
    expect(report.model).toMatchObject({
      name: "digits",
      labels: ["0", "1", "2", "3", "4", "5", "6", "7", "8", "9"],
    });
  });

  it("begins the file again where more frames are wanted than it has", async () => {
    const { stdout } = await place.run("stream", frames, "-n", "362", "-o", "jsonl", ...at);
    const rows = stdout
      .trimEnd()
      .split("\n")
      .map((line) => JSON.parse(line));
    expect(rows).toHaveLength(362);
    expect(rows.slice(-2).map((row) => row.frame)).toEqual([0, 1]);
    expect(rows[360]).toEqual(rows[0]);
  });

  it("keeps the rate that is asked for, on the virtual board too", async () => {
    const report = await place.json("stream", frames, "-n", "5", "--rate", "5", ...at);
    // Four pauses of 200 ms and one inference: a slow machine only makes it longer.
    expect(report.elapsedMicroseconds).toBeGreaterThan(800_000);
    expect(report.rates.framesPerSecond).toBeLessThan(6.3);
  });

  it("counts by layer where the module can, and says how to get one where it cannot", async () => {
    const recording = example("motion", "frames.csv");
    const report = await place.json("stream", recording, "-m", motion, "-n", "4", "--layers", ...at);
    // Its first layer, a PAD, is the convolution's own padding.
    expect(report.measurements.layers.layers).toHaveLength(12);
    const { exitCode, stderr } = await place.run("stream", frames, "-m", digits, "--layers", ...at);
    expect(exitCode).toBe(1);
    expect(stderr).toMatch(/WAMLET_NO_LAYERS.*--profile/s);
  });

  it("-o table is a line for each answer, then the report", async () => {
    const { stdout } = await place.run("stream", frames, "-n", "3", "-o", "table", ...labels, ...at);
    const lines = stdout.split("\n");
    expect(lines[0]).toMatch(/frame +answer +value +expected +count +time +energy/);
    expect(lines.slice(1, 4).map((line) => line.trim().split(/\s+/)[0])).toEqual(["0", "1", "2"]);
    expect(stdout).toMatch(/per inference +min +median +p95 +max/);
  });
});

describe("what cannot be streamed", () => {
  it("of another shape says what is expected", async () => {
    const { exitCode, stderr } = await place.run(
      "stream",
      example("motion", "frames.csv"),
      "-m",
      digits,
      ...at,
    );
    expect(exitCode).toBe(1);
    expect(stderr).toMatch(/192 values; tensor .* takes 64 \[1, 8, 8, 1\]\..*\[WAMLET_WRONG_SHAPE\]/);
  });

  it("a file that is not there is missed before the board is asked for anything", async () => {
    const { exitCode, stderr } = await place.run("stream", "nowhere.npy", "--port", "tcp://127.0.0.1:1");
    expect(exitCode).toBe(1);
    expect(stderr).toMatch(/nowhere\.npy.*\[WAMLET_FILE_NOT_FOUND\]/);
  });

  it("a module whose description is known nowhere is an error that asks for its file", async () => {
    rmSync(place.environment.WAMLET_CACHE ?? "", { recursive: true });
    const { exitCode, stderr } = await place.run("stream", frames, ...at);
    expect(exitCode).toBe(1);
    expect(stderr).toMatch(/was not deployed from this machine\. \[WAMLET_FILE_NOT_FOUND\]/);
    expect(stderr).toMatch(/^hint: Give the file/m);
  });

  it("labels that are not as many as the frames, or no classes of the model", async () => {
    writeFileSync(place.path("short.csv"), "label\n1\n2\n");
    const short = await place.json("stream", frames, "-m", digits, "--labels", "short.csv", ...at);
    expect(short.error).toMatchObject({ code: "WAMLET_INVALID_LABELS" });
    expect(short.error.message).toContain("360 frames");
  });

  it.each([
    [["--rate", "0"], /--rate is 0/],
    [["-n", "0"], /--count is 0/],
    [["-n", "1.5"], /--count is 1\.5/],
    [["-o", "csv", "--json"], /--json prints one report/],
    [["-o", "xml"], /Invalid values/],
  ])("%j is a wrong command line", async (words, message) => {
    const { exitCode, stdout, stderr } = await place.run("stream", frames, "-m", digits, ...words, ...at);
    expect(exitCode).toBe(2);
    expect(stdout + stderr).toMatch(message);
  });
});
