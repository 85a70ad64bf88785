import { describe, expect, it } from "vitest";
import { readClassNames, readFrameLabels, readLabels, resolveLabels } from "../../host/frames/labels.js";
import { npyFile, npyLiteral, refusal, textFile } from "./material.js";

describe("readClassNames", () => {
  it("reads one name a line, whatever the line ends", () => {
    for (const text of ["still\nwalking\n", "still\r\nwalking", "\uFEFF still \nwalking\n\n\n"]) {
      expect(readClassNames(textFile("classes.txt", text))).toEqual(["still", "walking"]);
    }
  });

  it.each<[string, string, string]>([
    ["no names", "\n\n", "no labels"],
    ["a blank line between names", "a\n\nb\n", "Line 2"],
    ["control characters", "a\nb\u0000\n", "Line 2"],
  ])("refuses %s", async (_, text, message) => {
    const wrong = await refusal(() => readClassNames(textFile("classes.txt", text)));
    expect(wrong.code).toBe("WAMLET_INVALID_LABELS");
    expect(wrong.message).toContain(message);
  });

  it("refuses bytes that are no text", async () => {
    const wrong = await refusal(() =>
      readClassNames({ name: "x.txt", bytes: new Uint8Array([0xff, 0xfe, 0x61]) }),
    );
    expect(wrong.message).toContain("not UTF-8");
  });
});

describe("readFrameLabels", () => {
  it("reads the column label, the only column, a headerless column", async () => {
    expect(await readFrameLabels(textFile("l.csv", "label\n3\n7\n"))).toEqual(["3", "7"]);
    expect(await readFrameLabels(textFile("l.csv", "name,label\na,3\nb,7\n"))).toEqual(["3", "7"]);
    expect(await readFrameLabels(textFile("l.csv", "argmax\n3\n7\n"))).toEqual(["3", "7"]);
    expect(await readFrameLabels(textFile("l.csv", "3\n7\n"))).toEqual(["3", "7"]);
    expect(await readFrameLabels(textFile("l.csv", "yes\nno\n"))).toEqual(["yes", "no"]);
  });

  it("reads an integer array from NPY", async () => {
    const file = npyFile(npyLiteral("<i2", [3]), new Uint8Array([1, 0, 2, 0, 0, 1]));
    expect(await readFrameLabels(file)).toEqual(["1", "2", "256"]);
  });

  it.each<[string, { name: string; bytes: Uint8Array }, string]>([
    ["several columns without label", textFile("l.csv", "a,b\n1,2\n"), "none is named label"],
    ["an empty label", textFile("l.csv", "id,label\n1,\n"), "Line 2"],
    ["no labels", textFile("l.csv", "label\n"), "no labels"],
    ["floats", npyFile(npyLiteral("<f4", [1]), new Uint8Array(4)), "holds f4 [1]"],
    ["a table", npyFile(npyLiteral("|i1", [2, 2]), new Uint8Array(4)), "holds i1 [2, 2]"],
  ])("refuses %s", async (_, file, message) => {
    const wrong = await refusal(() => readFrameLabels(file));
    expect(wrong.code).toBe("WAMLET_INVALID_LABELS");
    expect(wrong.message).toContain(message);
  });
});

describe("readLabels", () => {
  it("keeps class names and frame labels apart by the file's ending", async () => {
    expect(await readLabels(textFile("classes.txt", "a\nb\n"))).toEqual({
      kind: "classes",
      names: ["a", "b"],
    });
    expect(await readLabels(textFile("l.csv", "label\na\nb\n"))).toEqual({
      kind: "frames",
      labels: ["a", "b"],
    });
  });
});

describe("resolveLabels", () => {
  it("takes names where all are names, and indices else", () => {
    expect(resolveLabels(["no", "yes"], ["yes", "no"], 2)).toEqual([1, 0]);
    expect(resolveLabels(["1", "0"], ["yes", "no"], 2)).toEqual([1, 0]);
    expect(resolveLabels(["1", "0"], [], 2)).toEqual([1, 0]);
  });

  it("takes digits that are names for names", () => {
    expect(resolveLabels(["1", "3"], ["1", "2", "3"], 3)).toEqual([0, 2]);
    expect(resolveLabels(["0", "2"], ["1", "2", "3"], 3)).toEqual([0, 2]);
  });

  it("names the first label that is neither", async () => {
    const unknown = await refusal(() => resolveLabels(["yes", "maybe"], ["yes", "no"], 2));
    expect(unknown.code).toBe("WAMLET_INVALID_LABELS");
    expect(unknown.message).toContain(
      "The label of frame 1 is 'maybe'; expected an index from 0 to 1, or (in every frame) one of yes, no",
    );
    const high = await refusal(() => resolveLabels(["2"], [], 2));
    expect(high.message).toContain("frame 0 is '2'");
    const mixed = await refusal(() => resolveLabels(["1", "yes"], ["yes", "no"], 2));
    expect(mixed.message).toContain("frame 1 is 'yes'");
    const twice = await refusal(() => resolveLabels(["???"], ["???", "???"], 2));
    expect(twice.message).toContain("'???'");
  });
});
