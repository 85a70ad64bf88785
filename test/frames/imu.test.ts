import { describe, expect, it } from "vitest";
import { type ReadFramesOptions, readFrames } from "../../host/frames/read_frames.js";
import { parseSpan } from "../../host/frames/span.js";
import { refusal, tensorOf, textFile } from "./material.js";

const twoByTwo = tensorOf("int8", [1, 2, 1, 2], 1, 0);

const read = (text: string, options: ReadFramesOptions = {}, tensor = twoByTwo) =>
  readFrames(textFile("signal.csv", text), [tensor], { format: "imu", ...options });

async function windows(text: string, options: ReadFramesOptions = {}, tensor = twoByTwo) {
  return Array.from(await read(text, options, tensor), ({ inputs }) =>
    Array.from(new Int8Array(inputs[0] ?? [])),
  );
}

/** Rows of a clock at 100 Hz in milliseconds, and one value that counts. */
function clock(times: readonly number[], name = "time_ms"): string {
  return `${name},x\n${times.map((time, index) => `${time},${index}`).join("\n")}\n`;
}

const pair = tensorOf("int8", [2, 1], 1, 0);

describe("IMU frames", () => {
  it("are windows of rows, axes beside each other, quantised by the tensor", async () => {
    const frames = await read("x,y\n1,2\n3,4\n5,6\n7,8\n9,10\n", {}, tensorOf("int8", [1, 2, 2], 0.5, 0));
    expect(frames).toMatchObject({ format: "imu", count: 2, frameBytes: 4, values: "real", labels: null });
    expect(frames.conversion).toBe("x, y; windows of 2, hop 2 samples");
    expect(Array.from(frames, ({ inputs }) => Array.from(inputs[0] ?? []))).toEqual([
      [2, 4, 6, 8],
      [10, 12, 14, 16],
    ]);
  });

  it("overlap by the hop, in samples or milliseconds of the sample rate", async () => {
    const text = "1,2\n3,4\n5,6\n7,8\n";
    const wanted = [
      [1, 2, 3, 4],
      [3, 4, 5, 6],
      [5, 6, 7, 8],
    ];
    expect(await windows(text, { hop: { samples: 1 } })).toEqual(wanted);
    const inTime = { sampleRate: 50, window: parseSpan("40ms", "--window"), hop: parseSpan("20ms", "--hop") };
    expect(await windows(text, inTime)).toEqual(wanted);
    const wrong = await refusal(() => windows(text, { hop: { milliseconds: 20 } }));
    expect(wrong.code).toBe("WAMLET_USAGE");
    expect(wrong.message).toContain("--hop 20ms needs the sample rate");
  });

  it("need no format where an option says that rows are samples", async () => {
    const file = textFile("s.csv", "1,2\n3,4\n");
    expect((await readFrames(file, [twoByTwo], { hop: { samples: 2 } })).format).toBe("imu");
    expect((await readFrames(textFile("f.csv", "1,2,3,4\n"), [twoByTwo])).format).toBe("csv");
  });

  it("take the columns that are named, in that order", async () => {
    const text = "id,ax,ay,az,label\n9,1,2,3,up\n9,4,5,6,up\n";
    expect(await windows(text, { columns: ["az", "ax"] })).toEqual([[3, 1, 6, 4]]);
    const missing = await refusal(() => windows(text, { columns: ["ax", "gx"] }));
    expect(missing.code).toBe("WAMLET_WRONG_SHAPE");
    expect(missing.message).toContain("no column gx; its columns are id, ax, ay, az, label");
    const bare = await refusal(() => windows("1,2\n", { columns: ["x", "y"] }));
    expect(bare.message).toContain("no header line");
  });

  it("say how many axes are expected", async () => {
    const wrong = await refusal(() => windows("x,y,z\n1,2,3\n4,5,6\n"));
    expect(wrong.code).toBe("WAMLET_WRONG_SHAPE");
    expect(wrong.message).toContain("has 3 axes; tensor input is [1, 2, 1, 2] and takes 2");
    const window = await refusal(() => windows("1,2\n3,4\n", { window: { samples: 5 } }));
    expect(window.message).toContain("The window has 5 samples; tensor input [1, 2, 1, 2] takes 2");
    const short = await refusal(() => windows("1,2\n"));
    expect(short.message).toContain("has 1 samples in a row");
  });

  it("are labelled by most of their rows, of equally many the last, or by the last row", async () => {
    const tensor = tensorOf("int8", [4], 1, 0);
    const text = "x,label\n1,a\n2,b\n3,b\n4,a\n5,a\n6,a\n7,a\n8,b\n";
    expect((await read(text, {}, tensor)).labels).toEqual(["a", "a"]);
    expect((await read(text, { windowLabel: "last" }, tensor)).labels).toEqual(["a", "b"]);
    expect((await read("x,label\n1,a\n2,a\n3,b\n4,b\n", {}, tensor)).labels).toEqual(["b"]);
    const frames = await read(text, {}, tensor);
    expect(Array.from(frames, ({ label }) => label)).toEqual(frames.labels);
    expect((await refusal(() => read("x,label\n1,a\n2,\n", {}, pair))).code).toBe("WAMLET_INVALID_LABELS");
  });

  it("count the values that were clamped in each window", async () => {
    const frames = await read("1000\n0\n0\n0\n-1000\n500\n", {}, pair);
    expect(Array.from(frames, ({ clamped }) => clamped)).toEqual([1, 0, 2]);
  });

  it.each<[string, string, ReadFramesOptions]>([
    ["milliseconds in the name", clock([0, 10, 20.2, 30]), {}],
    ["microseconds in the name", clock([0, 10_000, 19_000, 30_000], "timestamp (us)"), {}],
    ["seconds by themselves", clock([5.0, 5.01, 5.02, 5.03], "t"), {}],
    ["milliseconds by themselves", clock([5000, 5010, 5020, 5030], "time"), {}],
    [
      "a named column of a said unit",
      clock([0, 1e7, 2e7, 3e7], "stamp"),
      { timestamp: "stamp", timestampUnit: "ns" },
    ],
  ])("are held against the sample rate by timestamps: %s", async (_, text, options) => {
    expect(await windows(text, { sampleRate: 100, ...options }, pair)).toEqual([
      [0, 1],
      [2, 3],
    ]);
    const wrong = await refusal(() => windows(text, { sampleRate: 104 * 1.1, ...options }, pair));
    expect(wrong.code).toBe("WAMLET_WRONG_RATE");
  });

  it("name the lines after which samples are missing, or begin anew there", async () => {
    const text = clock([0, 10, 20, 60, 70, 80, 90, 200, 210]);
    const wrong = await refusal(() => windows(text, { sampleRate: 100 }, pair));
    expect(wrong.code).toBe("WAMLET_INVALID_FRAMES");
    expect(wrong.message).toContain(
      "has 2 gaps in its timestamps: 4 periods after line 4, 11 periods after line 8",
    );
    expect(await windows(text, { sampleRate: 100, gaps: "split" }, pair)).toEqual([
      [0, 1],
      [3, 4],
      [5, 6],
      [7, 8],
    ]);
    expect((await read(text, { sampleRate: 100, gaps: "split" }, pair)).conversion).toContain(
      "split at 2 gaps",
    );
  });

  it("name a clock that goes backwards, and another rate with its figure", async () => {
    const back = await refusal(() => windows(clock([0, 10, 20, 5, 15, 25]), { sampleRate: 100 }, pair));
    expect(back.message).toContain("-1.5 periods after line 4");
    const rate = await refusal(() => windows(clock([0, 12, 24, 36, 48]), { sampleRate: 100 }, pair));
    expect(rate).toMatchObject({ code: "WAMLET_WRONG_RATE" });
    expect(rate.message).toContain("follow each other at 83.333 Hz; expected 100 Hz");
    const far = await refusal(() => windows(clock([0, 40, 80, 120]), { sampleRate: 100 }, pair));
    expect(far).toMatchObject({ code: "WAMLET_WRONG_RATE" });
  });

  it("leave a column of times out although there is no rate to hold it against", async () => {
    expect(await windows(clock([0, 1000, 1, 7]), {}, pair)).toEqual([
      [0, 1],
      [2, 3],
    ]);
    expect((await refusal(() => windows(clock([0, 1]), { timestamp: "time_ms" }, pair))).code).toBe(
      "WAMLET_USAGE",
    );
  });

  it.each<[string, string, string]>([
    ["a word", "x,y\n1,2\n3,four\n", "Line 3, column 2 of signal.csv is no number: 'four'"],
    ["a missing column", "x,y\n1,2\n3\n", "Line 3 of signal.csv has 1 columns; the first has 2"],
    ["NaN", "x,y\n1,2\n3,nan\n", "Value 2 of line 3 of signal.csv is NaN"],
    ["no samples", "x,y\n", "has no samples"],
    ["nothing", "", "has no samples"],
  ])("refuse %s and say where", async (_, text, message) => {
    const wrong = await refusal(() => read(text));
    expect(wrong.code).toBe("WAMLET_INVALID_FRAMES");
    expect(wrong.message).toContain(message);
  });

  it("keep samples once, however much windows overlap", async () => {
    const rows = Array.from({ length: 20_000 }, (_, index) => (index % 200) - 100);
    const tensor = tensorOf("int8", [1000], 1, 0);
    const frames = await read(rows.join("\n"), { hop: { samples: 1 } }, tensor);
    expect(frames.count).toBe(19_001);
    expect(Array.from(new Int8Array(frames.frame(12_345).inputs[0] ?? []))).toEqual(
      rows.slice(12_345, 13_345),
    );
  });
});

describe("spans", () => {
  it("are samples, milliseconds or seconds, and nothing else", async () => {
    expect(parseSpan("480", "--window")).toEqual({ samples: 480 });
    expect(parseSpan("30ms", "--window")).toEqual({ milliseconds: 30 });
    expect(parseSpan("0.5 s", "--hop")).toEqual({ milliseconds: 500 });
    for (const text of ["", "0", "-1", "1.5", "1e3", "10 minutes", "0ms"]) {
      const wrong = await refusal(() => parseSpan(text, "--hop"));
      expect(wrong.code).toBe("WAMLET_USAGE");
    }
  });
});
