import { describe, expect, it } from "vitest";
import type { FrameSet } from "../../host/frames/frame_set.js";
import { readFrames } from "../../host/frames/read_frames.js";
import { refusal, tensorOf, textFile } from "./material.js";

const int8 = tensorOf("int8", [1, 3], 0.5, 0);
const read = (text: string, options = {}) => readFrames(textFile("frames.csv", text), [int8], options);
const rows = (frames: FrameSet) => Array.from(frames, ({ inputs }) => Array.from(inputs[0] ?? []));

describe("CSV frames", () => {
  it("reads one frame a line, quantised by the tensor", async () => {
    const frames = await read("0.5,1,1.5\n2,2.5,3e0\n");
    expect(frames).toMatchObject({ format: "csv", count: 2, frameBytes: 3, values: "real", labels: null });
    expect(rows(frames)).toEqual([
      [1, 2, 3],
      [4, 5, 6],
    ]);
  });

  it.each<[string, string]>([
    ["no line end at the end", "1,2,3\n4,5,6"],
    ["CRLF", "1,2,3\r\n4,5,6\r\n"],
    ["quoted fields", '"1","2","3"\n"4",5,6\n'],
    ["spaces around the values", " 1 , 2,3 \n4,  5,6\n"],
    ["blank lines and lines of spaces", "\n1,2,3\n\n   \n4,5,6\n\n"],
    ["comments", "# made by hand\n1,2,3\n# and\n4,5,6\n"],
    ["a byte order mark", "\uFEFF1,2,3\n4,5,6\n"],
    ["a header", "x,y,z\n1,2,3\n4,5,6\n"],
    ["a quoted header with a comma", '"x, left",y,z\n1,2,3\n4,5,6\n'],
    ["other spellings of numbers", "+1,2.,3.0e+0\n.4e1,5,06\n"],
  ])("takes %s", async (_, text) => {
    expect(rows(await read(text))).toEqual([
      [2, 4, 6],
      [8, 10, 12],
    ]);
  });

  it("reads labels from the column label, wherever it stands", async () => {
    for (const text of ["label,x,y,z\nup,1,2,3\n1,4,5,6\n", "x,y,z,Label\n1,2,3,up\n4,5,6,1\n"]) {
      const frames = await read(text);
      expect(frames.labels).toEqual(["up", "1"]);
      expect(Array.from(frames, ({ label }) => label)).toEqual(["up", "1"]);
      expect(rows(frames)[1]).toEqual([8, 10, 12]);
    }
  });

  it("takes numbered columns for a header beside label, and where it is said", async () => {
    expect((await read("0,1,2,label\n1,2,3,up\n")).count).toBe(1);
    expect((await read("0,1,2\n1,2,3\n", { header: true })).count).toBe(1);
    expect((await read("0,1,2\n1,2,3\n")).count).toBe(2);
  });

  it("does not take a first frame with a bad number for a header", async () => {
    const wrong = await refusal(() => read("1,2,x\n4,5,6\n"));
    expect(wrong).toMatchObject({ code: "WAMLET_INVALID_FRAMES" });
    expect(wrong.message).toContain("Line 1, column 3 of frames.csv is no number: 'x'");
  });

  it("stores whole numbers as they are where the values are quantised", async () => {
    expect(rows(await read("1,2,3\n", { values: "quantised" }))).toEqual([[1, 2, 3]]);
    const wrong = await refusal(() => read("1,2,3\n1,2.5,3\n", { values: "quantised" }));
    expect(wrong.message).toContain("Value 2 of line 2");
  });

  it("names the line that has too few or too many values, and what was expected", async () => {
    const few = await refusal(() => read("# note\n1,2,3\n\n4,5\n"));
    expect(few.code).toBe("WAMLET_WRONG_SHAPE");
    expect(few.message).toContain("Line 4 of frames.csv has 2 values; tensor input takes 3 [1, 3]");
    const many = await refusal(() => read("label,x,y,z\n0,1,2,3,4\n"));
    expect(many.message).toContain("Line 2 of frames.csv has 4 values");
  });

  it.each<[string, string, string]>([
    ["a word", "1,2,3\n1,two,3\n", "Line 2, column 2 of frames.csv is no number: 'two'"],
    ["an empty field", "1,2,3\n1,,3\n", "Line 2, column 2"],
    ["hexadecimal", "1,2,3\n1,0x10,3\n", "Line 2, column 2"],
    ["a decimal comma in quotes", '1,2,3\n1,"2,5",3\n', "Line 2, column 2"],
    ["NaN", "1,2,3\n1,nan,3\n", "Value 2 of line 2 of frames.csv is NaN"],
    ["infinity", "1,2,3\n1,-inf,3\n", "Value 2 of line 2 of frames.csv is -Infinity"],
    ["a number beyond float64", "1,2,3\n1,1e999,3\n", "Value 2 of line 2 of frames.csv is Infinity"],
    ["an open quote", '1,2,3\n1,"2,3\n', "line"],
    ["no frames", "x,y,z\n", "no frames"],
    ["nothing", "", "no frames"],
  ])("refuses %s and says where", async (_, text, message) => {
    const wrong = await refusal(() => read(text));
    expect(wrong.code).toBe("WAMLET_INVALID_FRAMES");
    expect(wrong.message).toContain(message);
  });

  it("refuses a frame without its label", async () => {
    const wrong = await refusal(() => read("label,x,y,z\nup,1,2,3\n,4,5,6\n"));
    expect(wrong).toMatchObject({ code: "WAMLET_INVALID_LABELS" });
    expect(wrong.message).toContain("Line 3");
  });

  it("does not let an open quote swallow a long file", async () => {
    const wrong = await refusal(() => read(`1,"2,3\n${"4,5,6\n".repeat(100_000)}`));
    expect(wrong.code).toBe("WAMLET_INVALID_FRAMES");
    expect(wrong.message).toContain("Max Record Size");
  });

  it("gives the same frames however often and in whatever order they are read", async () => {
    const frames = await read("1,2,3\n4,5,6\n7,8,9\n");
    expect(Array.from(frames)).toEqual(Array.from(frames));
    expect(frames.frame(2)).toEqual(Array.from(frames)[2]);
    expect(() => frames.frame(3)).toThrow(RangeError);
  });
});
