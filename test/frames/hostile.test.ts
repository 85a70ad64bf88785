import { describe, expect, it } from "vitest";
import { readClassNames, readFrameLabels } from "../../host/frames/labels.js";
import { readFrames } from "../../host/frames/read_frames.js";
import { mutated, npyFile, npyLiteral, seededRandom, survives, tensorOf, textFile } from "./material.js";

interface Reader {
  name: string;
  file: { name: string; bytes: Uint8Array };
  read: (file: { name: string; bytes: Uint8Array }) => unknown;
}

const int8 = tensorOf("int8", [1, 2, 3], 0.1, 3);
const floats = new Uint8Array(new Float32Array([0.5, -1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11]).buffer);

/** Reads every frame, and holds each to its promise: as many bytes as the tensor has. */
async function readAll(file: { name: string; bytes: Uint8Array }): Promise<void> {
  const frames = await readFrames(file, [int8]);
  expect(frames.count).toBeLessThanOrEqual(file.bytes.length);
  for (const { inputs } of frames) expect(inputs.map((bytes) => bytes.length)).toEqual([6]);
}

const readers: Reader[] = [
  { name: "raw", file: { name: "f.bin", bytes: new Uint8Array(24) }, read: (file) => readAll(file) },
  { name: "NPY 1.0", file: npyFile(npyLiteral("<f4", [2, 2, 3]), floats), read: (file) => readAll(file) },
  { name: "NPY 2.0", file: npyFile(npyLiteral("<f4", [2, 2, 3]), floats, 2), read: (file) => readAll(file) },
  {
    name: "CSV",
    file: textFile(
      "f.csv",
      'label,a,b,c,d,e,"f"\r\n# note\r\nup,1,2.5,-3,.4,5e-1,"6"\r\n\r\ndown,1,2,3,4,5,6\r\n',
    ),
    read: (file) => readAll(file),
  },
  {
    name: "file without an ending",
    file: { ...npyFile(npyLiteral("|i1", [2, 6]), new Uint8Array(12)), name: "f" },
    read: (file) => readAll(file),
  },
  { name: "class names", file: textFile("c.txt", "still\nwalking\n\u00e9t\u00e9\n"), read: readClassNames },
  { name: "CSV labels", file: textFile("l.csv", 'id,label\n1,"up"\n2,down\n'), read: readFrameLabels },
  { name: "NPY labels", file: npyFile(npyLiteral("<i8", [3]), new Uint8Array(24)), read: readFrameLabels },
];

describe.each(readers)("the reader of $name", ({ file, read }) => {
  it("reads the file as it is", async () => {
    expect(await survives(() => read(file))).toBe("read");
  });

  it("survives the file cut off at every byte", async () => {
    for (let length = 0; length < file.bytes.length; length++) {
      await survives(() => read({ name: file.name, bytes: file.bytes.subarray(0, length) }));
    }
  });

  it("survives 2 000 mutations", async () => {
    const random = seededRandom(2026);
    const results = { read: 0, refused: 0 };
    for (let round = 0; round < 2000; round++) {
      results[await survives(() => read({ name: file.name, bytes: mutated(file.bytes, random) }))]++;
    }
    expect(results.read + results.refused).toBe(2000);
    expect(results.refused).toBeGreaterThan(0);
  });
});
