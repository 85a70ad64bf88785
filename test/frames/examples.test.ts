import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { withLabels } from "../../host/frames/frame_set.js";
import { readClassNames, readFrameLabels, resolveLabels } from "../../host/frames/labels.js";
import { encodeNpyAnswers } from "../../host/frames/npy_writer.js";
import { readFrames } from "../../host/frames/read_frames.js";
import { tensorOf } from "./material.js";

/** How often each class occurs. */
function tally(positions: readonly number[], classes: number): number[] {
  const counts = new Array<number>(classes).fill(0);
  for (const position of positions) counts[position] = (counts[position] ?? 0) + 1;
  return counts;
}

describe("examples/digits", () => {
  const input = tensorOf("int8", [1, 8, 8, 1], 1 / 256, -128);
  const scores = tensorOf("int8", [1, 10], 1 / 256, -128);

  it("has 360 frames whose sixteenths of ink are whole codes", async () => {
    const frames = await readFrames("examples/digits/frames.npy", [input]);
    expect(frames).toMatchObject({ count: 360, frameBytes: 64, values: "real" });
    for (const { inputs, clamped } of frames) {
      expect(clamped).toBe(0);
      for (const code of new Int8Array(inputs[0] ?? []))
        expect(code === 127 || (code + 128) % 16 === 0).toBe(true);
    }
  });

  it("has a label for each, spread over ten classes", async () => {
    const names = readClassNames("examples/digits/classes.txt");
    const labels = await readFrameLabels("examples/digits/labels.csv");
    const frames = withLabels(await readFrames("examples/digits/frames.npy", [input]), labels);
    expect(frames.labels?.length).toBe(360);
    const counts = tally(resolveLabels(labels, names, 10), 10);
    expect(Math.min(...counts)).toBeGreaterThanOrEqual(34);
    expect(Math.max(...counts)).toBeLessThanOrEqual(38);
  });

  it("has scores that our writer gives back byte for byte as NumPy wrote them", async () => {
    const path = "examples/digits/expected_int8.npy";
    const frames = await readFrames(path, [scores]);
    expect(frames).toMatchObject({ count: 360, values: "quantised" });
    const written = encodeNpyAnswers(
      scores,
      Array.from(frames, ({ inputs }) => inputs[0] ?? new Uint8Array(0)),
    );
    expect(Buffer.from(written).equals(readFileSync(path))).toBe(true);
  });
});

describe("examples/motion", () => {
  const input = tensorOf("int8", [1, 64, 1, 3], 0.01568235271, 0);

  it("has 240 windows of 64 samples on three axes, each with its class", async () => {
    const frames = await readFrames("examples/motion/frames.csv", [input]);
    expect(frames).toMatchObject({ count: 240, frameBytes: 192, values: "real" });
    const names = readClassNames("examples/motion/classes.txt");
    expect(names).toEqual(["still", "walking", "shaking", "turning"]);
    expect(tally(resolveLabels(frames.labels ?? [], names, 4), 4)).toEqual([60, 60, 60, 60]);
  });

  it("has an expected answer for each", async () => {
    expect((await readFrameLabels("examples/motion/expected.csv")).length).toBe(240);
  });
});
