import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { readFrames } from "../../host/frames/read_frames.js";
import {
  isRecording,
  type RecordedFrame,
  Recording,
  readRecordedAnswers,
} from "../../host/frames/recording.js";
import { refusal, seededRandom, tensorOf } from "./material.js";

const folder = mkdtempSync(join(tmpdir(), "wamlet-recording-"));
afterAll(() => rmSync(folder, { recursive: true }));

const inputs = [tensorOf("int8", [1, 3], 0.5, 3, "sound"), tensorOf("float32", [1], null, null, "gain")];
const outputs = [tensorOf("int8", [1, 2], 1 / 256, -128, "scores")];
const about = { module: "kws", inputs, outputs };

/** Frames whose bytes are all random. */
function frames(count: number, label: string | null = null): RecordedFrame[] {
  const random = seededRandom(11);
  const bytes = (length: number) => Uint8Array.from({ length }, () => Math.floor(random() * 256));
  return Array.from({ length: count }, (_, index) => ({
    index,
    label,
    inputs: [bytes(3), bytes(4)],
    outputs: [bytes(2)],
    measured: { microseconds: index * 10, count: "instructions" },
  }));
}

function recorded(name: string, content: readonly RecordedFrame[]): string {
  const path = join(folder, name);
  const recording = Recording.open(path, about);
  for (const frame of content) recording.write(frame);
  recording.close();
  recording.close();
  return path;
}

describe("a recording", () => {
  it("gives back every frame and every answer, byte for byte", async () => {
    const content = frames(20, "yes");
    const path = recorded("whole.jsonl", content);
    const replay = await readFrames(path, inputs);
    expect(replay).toMatchObject({
      format: "jsonl",
      count: 20,
      values: "quantised",
      labels: Array(20).fill("yes"),
    });
    expect(Array.from(replay, (frame) => frame.inputs)).toEqual(content.map((frame) => frame.inputs));
    const answers = readRecordedAnswers(path, outputs);
    expect(Array.from(answers, (frame) => frame.inputs)).toEqual(content.map((frame) => frame.outputs));
  });

  it("is told from every other file by its first line", () => {
    expect(isRecording(recorded("told.jsonl", frames(2)))).toBe(true);
    expect(isRecording(recorded("empty.jsonl", []))).toBe(true);
    const named = (text: string) => ({ name: "frames.jsonl", bytes: new TextEncoder().encode(text) });
    for (const text of ["", "[1, 2, 3]\n", '{"values": [1]}\n', '{"wamlet": "recording"', "\u0093NUMPY"]) {
      expect(isRecording(named(text)), text).toBe(false);
    }
  });

  it("is whole lines of JSON that anybody can read", () => {
    const [header, first] = readFileSync(recorded("lines.jsonl", frames(1)), "utf8").split("\n");
    expect(JSON.parse(header ?? "")).toMatchObject({
      wamlet: "recording",
      version: 1,
      module: "kws",
      inputs: [{ name: "sound", type: "int8", shape: [1, 3], scale: 0.5, zeroPoint: 3 }, { name: "gain" }],
    });
    expect(JSON.parse(first ?? "")).toMatchObject({ frame: 0, measured: { microseconds: 0 } });
  });

  it("cut off at any byte keeps every line that was whole", async () => {
    const content = frames(2);
    const bytes = readFileSync(recorded("cut.jsonl", content));
    const path = join(folder, "torn.jsonl");
    for (let length = 0; length <= bytes.length; length++) {
      const torn = bytes.subarray(0, length);
      writeFileSync(path, torn);
      const whole = torn.filter((byte) => byte === 10).length - 1;
      if (whole < 1) {
        expect((await refusal(() => readFrames(path, inputs))).code).toMatch(/^WAMLET_(INVALID|WRONG)/);
      } else {
        const replay = await readFrames(path, inputs);
        expect(Array.from(replay, (frame) => frame.inputs)).toEqual(
          content.slice(0, whole).map((frame) => frame.inputs),
        );
      }
      // And it can be gone on with: the torn line is gone, the next one is whole.
      const recording = Recording.open(path, about, { append: true });
      for (const frame of content.slice(Math.max(0, whole))) recording.write(frame);
      recording.close();
      expect(readFileSync(path).equals(bytes)).toBe(true);
    }
  });

  it("has every frame in the file when the write returns", async () => {
    const path = join(folder, "growing.jsonl");
    const recording = Recording.open(path, about);
    for (const frame of frames(3)) {
      recording.write(frame);
      expect((await readFrames(path, inputs)).count).toBe(frame.index + 1);
    }
    recording.close();
  });

  it("is not written over, nor is any other file", async () => {
    const path = recorded("once.jsonl", frames(1));
    const again = await refusal(() => Recording.open(path, about));
    expect(again).toMatchObject({ code: "WAMLET_FILE_UNWRITABLE" });
    expect(again.message).toContain("exists already");
    const other = join(folder, "other.txt");
    writeFileSync(other, "no recording, and no line end");
    expect((await refusal(() => Recording.open(other, about, { append: true }))).code).toBe(
      "WAMLET_FILE_UNWRITABLE",
    );
    expect(readFileSync(other, "utf8")).toBe("no recording, and no line end");
    const different = { ...about, module: "vww" };
    expect((await refusal(() => Recording.open(path, different, { append: true }))).message).toContain(
      "no recording of module vww",
    );
  });

  it("is refused where its tensors are not the module's", async () => {
    const path = recorded("mismatch.jsonl", frames(2));
    const [sound, gain] = inputs;
    if (sound === undefined || gain === undefined) throw new Error("two inputs");
    const wrong = await refusal(() => readFrames(path, [{ ...sound, scale: 0.25 }, gain]));
    expect(wrong.code).toBe("WAMLET_WRONG_SHAPE");
    expect(wrong.message).toContain(
      "int8 [1, 3], scale 0.5, zero point 3, float32 [1]; expected int8 [1, 3], scale 0.25",
    );
    expect((await readFrames(path, [{ ...sound, name: "renamed" }, gain])).count).toBe(2);
    const future = readFileSync(path, "utf8").replace('"version":1', '"version":2');
    const newer = await refusal(() => readFrames({ name: "r.jsonl", bytes: Buffer.from(future) }, inputs));
    expect(newer.message).toContain("version 2");
  });

  it("says where it cannot be written", async () => {
    const wrong = await refusal(() => Recording.open(join(folder, "none", "r.jsonl"), about));
    expect(wrong.code).toBe("WAMLET_FILE_UNWRITABLE");
    expect(wrong.message).toContain("ENOENT");
  });

  it.skipIf(process.platform === "win32")("goes into files only", async () => {
    const wrong = await refusal(() => Recording.open("/dev/null", about, { append: true }));
    expect(wrong.message).toContain("not a regular file");
  });
});
