import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { withLabels } from "../../host/frames/frame_set.js";
import { readFrames } from "../../host/frames/read_frames.js";
import { npyFile, npyLiteral, refusal, tensorOf, textFile } from "./material.js";

const int8 = tensorOf("int8", [1, 4], 1, 0);
const folder = mkdtempSync(join(tmpdir(), "wamlet-frames-"));
afterAll(() => rmSync(folder, { recursive: true }));

describe("raw frames", () => {
  it("are the input tensors' bytes, one tensor after the other", async () => {
    const inputs = [tensorOf("int16", [2], 1, 0, "sound"), tensorOf("uint8", [1], 1, 0, "gain")];
    const file = { name: "frames.bin", bytes: Uint8Array.from({ length: 15 }, (_, index) => index) };
    const frames = await readFrames(file, inputs);
    expect(frames).toMatchObject({ format: "raw", count: 3, frameBytes: 5, values: "quantised" });
    expect(Array.from(frames, (frame) => frame.inputs.map((bytes) => Array.from(bytes)))).toEqual([
      [[0, 1, 2, 3], [4]],
      [[5, 6, 7, 8], [9]],
      [[10, 11, 12, 13], [14]],
    ]);
  });

  it.each([0, 3, 7])("of %d bytes are refused where a frame takes 4", async (length) => {
    const wrong = await refusal(() => readFrames({ name: "f.bin", bytes: new Uint8Array(length) }, [int8]));
    expect(wrong.code).toBe("WAMLET_WRONG_SHAPE");
    expect(wrong.message).toContain(`f.bin has ${length} bytes; expected a multiple of 4`);
    expect(wrong.message).toContain("input int8 [1, 4]");
  });

  it("are never real values", async () => {
    const file = { name: "f.bin", bytes: new Uint8Array(4) };
    expect((await refusal(() => readFrames(file, [int8], { values: "real" }))).message).toContain(
      "f.bin is raw",
    );
  });
});

describe("the format of a file", () => {
  const npy = npyFile(npyLiteral("|i1", [4]), new Uint8Array(4)).bytes;

  it("is told by its ending, in any case of letters", async () => {
    expect((await readFrames({ name: "a/B.NPY", bytes: npy }, [int8])).format).toBe("npy");
    expect((await readFrames(textFile("b.Csv", "1,2,3,4"), [int8])).format).toBe("csv");
    expect((await readFrames({ name: "c.raw", bytes: new Uint8Array(4) }, [int8])).format).toBe("raw");
  });

  it("is told by its beginning where the ending says nothing", async () => {
    expect((await readFrames({ name: "frames", bytes: npy }, [int8])).format).toBe("npy");
    expect((await readFrames(textFile("frames.txt", "1,2,3,4"), [int8])).format).toBe("csv");
  });

  it("can be said", async () => {
    expect((await readFrames({ name: "x.npy", bytes: npy }, [int8], { format: "raw" })).format).toBe("raw");
  });

  it("is asked for where nothing tells it", async () => {
    const wrong = await refusal(() => readFrames({ name: "x.dat", bytes: new Uint8Array(4) }, [int8]));
    expect(wrong.code).toBe("WAMLET_INVALID_FRAMES");
    expect(wrong.message).toContain("The format of x.dat");
  });
});

describe("files on disk", () => {
  it("give the same frames as the same bytes in memory, across blocks", async () => {
    // 300 000 frames of 4 bytes are more than four blocks.
    const bytes = Uint8Array.from({ length: 1_200_000 }, (_, index) => (index * 7) >> 3);
    const path = join(folder, "many.bin");
    writeFileSync(path, bytes);
    const frames = await readFrames(path, [int8]);
    expect(frames.count).toBe(300_000);
    const joined = new Uint8Array(bytes.length);
    for (const { index, inputs } of frames) joined.set(inputs[0] ?? [], index * 4);
    expect(Buffer.from(joined).equals(bytes)).toBe(true);
    expect(Array.from(frames.frame(65_535).inputs[0] ?? [])).toEqual(
      Array.from(bytes.slice(262_140, 262_144)),
    );
  });

  it("give frames that stay what they are while further ones are read", async () => {
    const path = join(folder, "kept.bin");
    writeFileSync(path, new Uint8Array([1, 2, 3, 4, 5, 6, 7, 8]));
    const [first, second] = Array.from(await readFrames(path, [int8]));
    first?.inputs[0]?.fill(9);
    expect(Array.from(second?.inputs[0] ?? [])).toEqual([5, 6, 7, 8]);
  });

  it("that became shorter meanwhile are an error, not other frames", async () => {
    const path = join(folder, "shrinking.bin");
    writeFileSync(path, new Uint8Array(400_000));
    const frames = await readFrames(path, [int8]);
    truncateSync(path, 300_000);
    const wrong = await refusal(() => frames.frame(99_999));
    expect(wrong.code).toBe("WAMLET_FILE_UNREADABLE");
    expect(wrong.message).toContain("became shorter");
  });

  it("that are missing, folders or pipes are refused by name", async () => {
    expect((await refusal(() => readFrames(join(folder, "none.bin"), [int8]))).code).toBe(
      "WAMLET_FILE_NOT_FOUND",
    );
    expect((await refusal(() => readFrames(folder, [int8], { format: "raw" }))).code).toBe(
      "WAMLET_FILE_UNREADABLE",
    );
  });

  it.skipIf(process.platform === "win32")("that are pipes do not hang the reader", async () => {
    const pipe = join(folder, "pipe.bin");
    execFileSync("mkfifo", [pipe]);
    expect((await refusal(() => readFrames(pipe, [int8]))).code).toBe("WAMLET_FILE_UNREADABLE");
  });

  it("in CSV stream through the parser whatever their length", async () => {
    const path = join(folder, "long.csv");
    writeFileSync(path, `label,a,b,c,d\n${"2,1,-1,100,7\n".repeat(50_000)}`);
    const frames = await readFrames(path, [int8]);
    expect(frames.count).toBe(50_000);
    expect(Array.from(frames.frame(49_999).inputs[0] ?? [])).toEqual([1, 255, 100, 7]);
  });
});

describe("withLabels", () => {
  const eight = { name: "f.bin", bytes: new Uint8Array(8) };

  it("labels each frame from another file", async () => {
    const labelled = withLabels(await readFrames(eight, [int8]), ["yes", "no"]);
    expect(Array.from(labelled, ({ label }) => label)).toEqual(["yes", "no"]);
    expect(labelled.labels).toEqual(["yes", "no"]);
  });

  it("refuses another number of labels", async () => {
    const frames = await readFrames(eight, [int8]);
    const wrong = await refusal(() => withLabels(frames, ["yes"]));
    expect(wrong.code).toBe("WAMLET_INVALID_LABELS");
    expect(wrong.message).toContain("2 frames, but there are 1 labels");
  });
});
