import { describe, expect, it } from "vitest";
import { readFrames } from "../../host/frames/read_frames.js";
import { refusal, tensorOf, textFile } from "./material.js";

const tensor = tensorOf("int8", [1, 2, 2, 1], 0.5, 0);
const read = (text: string, options = {}, inputs = [tensor]) =>
  readFrames(textFile("frames.jsonl", text), inputs, options);
const first = async (text: string, options = {}) =>
  Array.from(new Int8Array((await read(text, options)).frame(0).inputs[0] ?? []));

describe("JSON lines", () => {
  it.each([
    ["a flat array", "[1, 2, 3, 4.5]"],
    ["an array nested as the tensor", "[[[[1],[2]],[[3],[4.5]]]]"],
    ["dimensions of 1 left out", "[[1,2],[3,4.5]]"],
    ["values", '{"values": [1,2,3,4.5]}'],
    ["input", '{"input": [[1,2],[3,4.5]], "id": {"any": "thing"}}'],
    ["inputs in order", '{"inputs": [[1,2,3,4.5]]}'],
    ["inputs by name", '{"inputs": {"input": [1,2,3,4.5]}}'],
    ["the tensor's own bytes", '{"input": "AgQGCQ=="}'],
    ["a byte order mark and CRLF", "\uFEFF[1,2,3,4.5]\r"],
  ])("take %s", async (_, line) => {
    expect(await first(`${line}\n`)).toEqual([2, 4, 6, 9]);
    expect(await first(`\n  \n${line}`)).toEqual([2, 4, 6, 9]);
  });

  it("have labels that are names or numbers", async () => {
    const frames = await read('{"values":[1,2,3,4],"label":"up"}\n\n{"values":[0,0,0,0],"label":3}\n');
    expect(frames).toMatchObject({
      format: "jsonl",
      count: 2,
      frameBytes: 4,
      values: "real",
      labels: ["up", "3"],
    });
    expect(Array.from(frames, ({ label }) => label)).toEqual(["up", "3"]);
    expect((await read('{"values":[1,2,3,4],"label":null}')).labels).toBeNull();
  });

  it("hold several tensors", async () => {
    const two = [tensorOf("int16", [2], 1, 0, "sound"), tensorOf("uint8", [1], 1, 0, "gain")];
    const text = '{"inputs":[[1,2],7]}\n{"inputs":{"gain":[8],"sound":"/////w=="}}\n';
    const frames = await read(text, {}, two);
    expect(Array.from(frames, ({ inputs }) => inputs.map((bytes) => Array.from(bytes)))).toEqual([
      [[1, 0, 2, 0], [7]],
      [[255, 255, 255, 255], [8]],
    ]);
    const few = await refusal(() => read("[1,2]", {}, two));
    expect(few.message).toContain("holds 1 tensors; expected 2 (sound, gain)");
    const unnamed = await refusal(() => read('{"inputs":{"sound":[1,2]}}', {}, two));
    expect(unnamed.message).toContain("no tensor gain");
  });

  it("store whole numbers as they are where they are quantised", async () => {
    expect(await first("[1,2,3,4]", { values: "quantised" })).toEqual([1, 2, 3, 4]);
    const wrong = await refusal(() => read("[1,2,3,400]", { values: "quantised" }));
    expect(wrong.message).toContain("Value 4 of line 1 of frames.jsonl is 400");
  });

  it.each<[string, string, string, string]>([
    [
      "too few values",
      "[1,2,3,4]\n[1,2,3]",
      "WAMLET_WRONG_SHAPE",
      "Line 2 of frames.jsonl holds an array of [3]; tensor input takes [1, 2, 2, 1]",
    ],
    ["another shape", "[[1,2,3,4],[1,2,3,4]]", "WAMLET_WRONG_SHAPE", "an array of [2, 4]"],
    ["a ragged array", "[[1,2],[3]]", "WAMLET_WRONG_SHAPE", "not the regular array of [2, 2]"],
    [
      "no JSON",
      "[1,2,3,4]\n[1,2,nan,4]",
      "WAMLET_INVALID_FRAMES",
      "Line 2 of frames.jsonl is no JSON: '[1,2,nan,4]'",
    ],
    ["half a line at the end", "[1,2,3,4]\n[1,2,", "WAMLET_INVALID_FRAMES", "Line 2"],
    ["a word", '[1,2,"x",4]', "WAMLET_INVALID_FRAMES", "Value 3 of line 1 of frames.jsonl is no number"],
    [
      "a number beyond float64",
      "[1,2,3,1e999]",
      "WAMLET_INVALID_FRAMES",
      "Value 4 of line 1 of frames.jsonl is Infinity",
    ],
    [
      "an object without values",
      '{"value":[1,2,3,4]}',
      "WAMLET_INVALID_FRAMES",
      "has none of values, input, inputs",
    ],
    ["two kinds of values", '{"values":[1],"input":[1]}', "WAMLET_INVALID_FRAMES", "more than one of"],
    ["a bare number", "5", "WAMLET_INVALID_FRAMES", "has none of"],
    [
      "bytes of another length",
      '{"input":"AgQG"}',
      "WAMLET_WRONG_SHAPE",
      "has 3 bytes; expected 4 (int8 [1, 2, 2, 1])",
    ],
    ["text that is no base64", '{"input":"2,4,6"}', "WAMLET_INVALID_FRAMES", "is no base64: '2,4,6'"],
    [
      "a label that is a list",
      '{"values":[1,2,3,4],"label":[1]}',
      "WAMLET_INVALID_LABELS",
      "label of line 1",
    ],
    [
      "some labels missing",
      '{"values":[1,2,3,4],"label":1}\n[1,2,3,4]',
      "WAMLET_INVALID_LABELS",
      "Line 2 of frames.jsonl has no label",
    ],
    [
      "some labels too many",
      '[1,2,3,4]\n{"values":[1,2,3,4],"label":1}',
      "WAMLET_INVALID_LABELS",
      "Line 2 of frames.jsonl has a label",
    ],
    ["nothing", "\n \n", "WAMLET_INVALID_FRAMES", "has no frames"],
    ["nesting without end", "[".repeat(100_000) + "]".repeat(100_000), "WAMLET_WRONG_SHAPE", "Line 1"],
    ["a line without end", `[1,${" ".repeat(5_000_000)}2,3,4]`, "WAMLET_INVALID_FRAMES", "more than"],
  ])("refuse %s and say where", async (_, text, code, message) => {
    const wrong = await refusal(() => read(text));
    expect(wrong.code).toBe(code);
    expect(wrong.message).toContain(message);
  });

  it("are told by their beginning where the ending says nothing", async () => {
    for (const text of ["[1,2,3,4]\n", ' {"values":[1,2,3,4]}\n']) {
      expect((await readFrames(textFile("frames.txt", text), [tensor])).format).toBe("jsonl");
    }
  });

  it("give the same frames in whatever order they are read, across blocks of the file", async () => {
    const lines = Array.from({ length: 30_000 }, (_, index) => `[${index % 50}, 0, 0, ${index % 7}]`);
    const frames = await read(lines.join("\n"));
    expect(frames.count).toBe(30_000);
    for (const index of [29_999, 0, 15_000, 14_999]) {
      const { inputs } = frames.frame(index);
      expect(Array.from(inputs[0] ?? [])).toEqual([(index % 50) * 2, 0, 0, (index % 7) * 2]);
    }
  });
});
