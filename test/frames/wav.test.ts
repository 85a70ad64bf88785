import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { dequantise } from "../../host/frames/quantise.js";
import { type ReadFramesOptions, readFrames } from "../../host/frames/read_frames.js";
import { parseSpan } from "../../host/frames/span.js";
import { refusal, tensorOf } from "./material.js";
import { riffChunk, type WavParts, wavFile } from "./sound_and_pictures.js";

const int16 = (...samples: number[]) => new Uint8Array(Int16Array.from(samples).buffer);
const floats = (...samples: number[]) => new Uint8Array(Float32Array.from(samples).buffer);
const real = tensorOf("float32", [1, 2]);

/** The frames as real values. */
async function values(
  data: Uint8Array,
  parts: WavParts,
  options: ReadFramesOptions = {},
  tensor = real,
): Promise<number[][]> {
  const frames = await readFrames(wavFile(data, parts), [tensor], options);
  return Array.from(frames, ({ inputs }) => Array.from(dequantise(inputs[0] ?? new Uint8Array(0), tensor)));
}

describe("WAV frames", () => {
  it.each<[string, Uint8Array, WavParts]>([
    ["8-bit PCM", new Uint8Array([128, 192, 0, 96]), { bits: 8 }],
    ["16-bit PCM", int16(0, 16384, -32768, -8192), {}],
    ["24-bit PCM", new Uint8Array([0, 0, 0, 0, 0, 64, 0, 0, 128, 0, 0, 0xe0]), { bits: 24 }],
    [
      "32-bit PCM",
      new Uint8Array(Int32Array.from([0, 2 ** 30, -(2 ** 31), -(2 ** 29)]).buffer),
      { bits: 32 },
    ],
    ["32-bit float", floats(0, 0.5, -1, -0.25), { bits: 32, format: 3 }],
    ["an extensible header of PCM", int16(0, 16384, -32768, -8192), { extensible: true }],
    ["an extensible header of float", floats(0, 0.5, -1, -0.25), { bits: 32, format: 3, extensible: true }],
  ])("takes %s with full scale as 1", async (_, data, parts) => {
    expect(await values(data, parts)).toEqual([
      [0, 0.5],
      [-1, -0.25],
    ]);
  });

  it("overlaps windows by the hop, in samples or milliseconds, and leaves an incomplete last one out", async () => {
    const data = int16(...Array.from({ length: 7 }, (_, index) => index * 1024));
    const step = (index: number) => index / 32;
    const wanted = [0, 2, 4].map((first) => [step(first), step(first + 1), step(first + 2)]);
    const three = tensorOf("float32", [1, 3]);
    expect(await values(data, {}, { hop: { samples: 2 } }, three)).toEqual(wanted);
    const inTime = { window: parseSpan("3ms", "--window"), hop: parseSpan("0.002s", "--hop") };
    expect(await values(data, { sampleRate: 1000 }, inTime, three)).toEqual(wanted);
    expect(await values(data, {}, {}, three)).toEqual([wanted[0], [step(3), step(4), step(5)]]);
  });

  it("mixes channels to their mean, or takes one", async () => {
    const stereo = int16(16384, 0, -16384, 8192);
    expect(await values(stereo, { channels: 2 })).toEqual([[0.25, -0.125]]);
    expect(await values(stereo, { channels: 2 }, { channel: 1 })).toEqual([[0.5, -0.5]]);
    expect(await values(stereo, { channels: 2 }, { channel: 2 })).toEqual([[0, 0.25]]);
    const wrong = await refusal(() => values(stereo, { channels: 2 }, { channel: 3 }));
    expect(wrong.code).toBe("WAMLET_WRONG_SHAPE");
    expect(wrong.message).toContain("2 channels; there is no channel 3");
  });

  it("takes whole 16-bit samples for an int16 tensor without a scale, from any encoding", async () => {
    const tensor = tensorOf("int16", [1, 2]);
    expect(await values(int16(-32768, 32767), {}, {}, tensor)).toEqual([[-32768, 32767]]);
    expect(await values(new Uint8Array([0, 129]), { bits: 8 }, {}, tensor)).toEqual([[-32768, 256]]);
    // Halves away from zero, full scale clamped.
    expect(await values(floats(1.5 / 32768, 1), { bits: 32, format: 3 }, {}, tensor)).toEqual([[2, 32767]]);
  });

  it("tells full scale from the tensor's scale, and asks where that says nothing", async () => {
    const data = int16(16384, -32768);
    expect(await values(data, {}, {}, tensorOf("int8", [2], 1 / 128, 0))).toEqual([[0.5, -1]]);
    expect(await values(data, {}, {}, tensorOf("int8", [2], 256, 0))).toEqual([[16384, -32768]]);
    const odd = tensorOf("int8", [2], 0.5847, 83);
    const wrong = await refusal(() => values(data, {}, {}, odd));
    expect(wrong.code).toBe("WAMLET_WRONG_SHAPE");
    expect(wrong.message).toContain("takes values from -123.372 to 25.727; sound is −1 to 1 or");
    expect(await values(data, {}, { sampleRange: "unit" }, tensorOf("int8", [2], 1, 0))).toEqual([[1, -1]]);
    const eight = tensorOf("int8", [2]);
    expect((await refusal(() => values(data, {}, { sampleRange: "unit" }, eight))).code).toBe(
      "WAMLET_WRONG_SHAPE",
    );
  });

  it("says what it did", async () => {
    const frames = await readFrames(wavFile(int16(1, 2, 3, 4), { channels: 2 }), [real]);
    expect(frames).toMatchObject({ format: "wav", count: 1, values: "real", labels: null });
    expect(frames.conversion).toBe(
      "16-bit PCM, 16000 Hz, mean of 2 channels; full scale as −1..1; windows of 2, hop 2 samples",
    );
  });

  it("refuses another rate and another window, and says what was expected", async () => {
    const rate = await refusal(() => values(int16(1, 2), { sampleRate: 44100 }, { sampleRate: 16000 }));
    expect(rate.code).toBe("WAMLET_WRONG_RATE");
    expect(rate.message).toContain("44100 Hz; expected 16000 Hz");
    const window = await refusal(() => values(int16(1, 2), {}, { window: { milliseconds: 30 } }));
    expect(window.code).toBe("WAMLET_WRONG_SHAPE");
    expect(window.message).toContain("The window has 480 samples; tensor input [1, 2] takes 2");
    const short = await refusal(() => values(int16(1), {}));
    expect(short.code).toBe("WAMLET_WRONG_SHAPE");
    expect(short.message).toContain("has 1 samples");
  });

  it("passes over chunks that it does not know, at even offsets", async () => {
    const before = Buffer.concat([
      riffChunk("LIST", Buffer.from("odd")),
      riffChunk("bext", Buffer.alloc(600)),
    ]);
    expect(await values(int16(16384, 0), { before })).toEqual([[0.5, 0]]);
  });

  it("takes the rest of the file where the writer did not know its length", async () => {
    const data = Buffer.concat([int16(16384, 0), new Uint8Array([7])]);
    expect(await values(data.subarray(0, 5), { announced: 0xffff_ffff })).toEqual([[0.5, 0]]);
  });

  it.each<[string, Uint8Array, WavParts, string]>([
    [
      "samples that are cut off",
      int16(1, 2),
      { announced: 400 },
      "announces 400 bytes of samples and holds 4",
    ],
    ["half a sample", new Uint8Array(5), {}, "not a multiple of 2"],
    ["compressed samples", int16(1, 2), { format: 85 }, "16-bit of format 85"],
    ["64-bit float", int16(1, 2, 3, 4), { bits: 64, format: 3 }, "64-bit of format 3"],
    ["no channels", int16(1, 2), { channels: 0 }, "0 channels"],
    ["a second format", int16(1, 2), { before: riffChunk("fmt ", Buffer.alloc(16)) }, "two formats"],
  ])("refuses %s", async (_, data, parts, message) => {
    const wrong = await refusal(() => values(data, parts));
    expect(wrong.code).toBe("WAMLET_INVALID_FRAMES");
    expect(wrong.message).toContain(message);
  });

  it("refuses NaN in a float file, with its place", async () => {
    const wrong = await refusal(() => values(floats(0, 1, 0, Number.NaN), { bits: 32, format: 3 }));
    expect(wrong.message).toContain("Value 2 of frame 1 of sound.wav is NaN");
  });
});

const conformance = process.env.WAMLET_CONFORMANCE ?? "../shared/conformance";
const audio = join(conformance, "audio", "yes_1000ms.wav");

// Too large for the repository; without it this test says that it was skipped.
describe.skipIf(!existsSync(audio))("TFLite Micro's audio (conformance data)", () => {
  it("gives windows of 30 ms, hop 20 ms, that are the golden inputs of its audio preprocessor", async () => {
    const tensor = tensorOf("int16", [1, 480]);
    const frames = await readFrames(audio, [tensor], {
      sampleRate: 16_000,
      window: { milliseconds: 30 },
      hop: { milliseconds: 20 },
    });
    expect(frames.count).toBe(49);
    for (const [frame, golden] of [
      [20, "in_00.bin"],
      [25, "in_03.bin"],
    ] as const) {
      const wanted = readFileSync(join(conformance, "models", "audio_preprocessor_int8", golden));
      expect(Buffer.from(frames.frame(frame).inputs[0] ?? []).equals(wanted)).toBe(true);
    }
  });

  it("gives the same windows from disk and from memory, in any order", async () => {
    const tensor = tensorOf("int8", [1, 16_000], 1 / 128, 0);
    for (const name of ["yes", "no", "noise", "silence"]) {
      const path = join(conformance, "audio", `${name}_1000ms.wav`);
      const [frame] = Array.from(await readFrames(path, [tensor]));
      const memory = await readFrames({ name: "a.wav", bytes: readFileSync(path) }, [tensor]);
      expect(frame?.inputs[0]).toEqual(memory.frame(0).inputs[0]);
    }
  });
});
