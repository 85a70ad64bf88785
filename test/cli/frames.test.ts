import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { PNG } from "pngjs";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { SeededRandom } from "../../host/emulator/seeded_random.js";
import { wavFile } from "../frames/sound_and_pictures.js";
import { example, Workplace } from "./workplace.js";

const place = new Workplace();
const random = new SeededRandom(20);
let digits = "";
let motion = "";
beforeAll(async () => {
  [digits, motion] = await Promise.all([place.compile("digits"), place.compile("motion")]);
});
afterAll(() => place.close());

/** The raw answers of `wamlet run`, and what it noted. */
async function answers(module: string, input: string, ...words: string[]) {
  const { exitCode, stderr } = await place.run("run", module, "-i", input, "-o", "out.bin", ...words);
  expect(stderr).not.toContain("error");
  expect(exitCode).toBe(0);
  return { bytes: readFileSync(place.path("out.bin")), stderr };
}

/** Frames of real values as CSV, a format that needs no options. */
function csv(name: string, frames: readonly (readonly number[])[]): string {
  writeFileSync(place.path(name), frames.map((frame) => `${frame.join(",")}\n`).join(""));
  return name;
}

describe("frames of every kind on the command line", () => {
  it("a WAV file is cut into windows by --hop, and its rate is held against --sample-rate", async () => {
    const samples = Int16Array.from({ length: 192 * 3 }, () => random.below(65_536) - 32_768);
    writeFileSync(place.path("sound.wav"), wavFile(new Uint8Array(samples.buffer)).bytes);
    const windows = [0, 96, 192, 288, 384].map((start) =>
      Array.from(samples.subarray(start, start + 192), (sample) => sample / 32_768),
    );
    const words = ["--hop", "6ms", "--sample-rate", "16000"];
    const heard = await answers(motion, "sound.wav", ...words);
    expect(heard.bytes).toEqual((await answers(motion, csv("windows.csv", windows))).bytes);
    expect(heard.stderr).toMatch(/sound\.wav: .*windows of 192, hop 96 samples/);
    const { error } = await place.json("run", motion, "-i", "sound.wav", "--sample-rate", "8000");
    expect(error).toMatchObject({ code: "WAMLET_WRONG_RATE" });
  });

  it("a folder of images is scaled to the tensor, its sub-folders are the labels", async () => {
    const pictures = ["3", "7"].map((label) => {
      const pixels = Array.from({ length: 64 }, () => random.below(256));
      const image = new PNG({ width: 8, height: 8 });
      for (const [at, grey] of pixels.entries()) image.data.set([grey, grey, grey, 255], 4 * at);
      mkdirSync(place.path(join("photos", label)), { recursive: true });
      writeFileSync(place.path(join("photos", label, "a.png")), PNG.sync.write(image));
      return pixels.map((grey) => grey / 255);
    });
    const seen = await answers(digits, "photos");
    expect(seen.bytes).toEqual((await answers(digits, csv("pixels.csv", pictures))).bytes);
    expect(seen.stderr).toMatch(/photos: cropped to 8 × 8 grey; black to white as 0\.\.1/);
    expect(await place.json("run", digits, "-i", "photos")).toMatchObject({
      frames: 2,
      right: expect.any(Number),
    });
    const darker = await answers(digits, "photos", "--pixel-range", "-1..1", "--fit", "stretch");
    expect(darker.stderr).toMatch(/stretched to 8 × 8 grey; black to white as -1\.\.1/);
    expect(darker.bytes).not.toEqual(seen.bytes);
  });

  it("rows of CSV that are samples are windows, with chosen axes, a clock and labels", async () => {
    const rows = Array.from({ length: 128 }, () => [0, 0, 0].map(() => random.below(4000) / 1000 - 2));
    const lines = rows.map(([x, y, z], row) => `${row * 15.625},${z},9,${x},${y},${row < 70 ? 1 : 2}`);
    writeFileSync(place.path("wrist.csv"), `clock,z,battery,x,y,label\n${lines.join("\n")}\n`);
    const windows = [0, 32, 64].map((start) => rows.slice(start, start + 64).flat());
    const words = ["--sample-rate", "64", "--window", "1s", "--hop", "500ms", "--columns", "x,y,z"];
    const clock = ["--timestamp", "clock", "--timestamp-unit", "ms"];
    const felt = await answers(motion, "wrist.csv", ...words, ...clock);
    expect(felt.bytes).toEqual((await answers(motion, csv("flat.csv", windows))).bytes);
    expect(felt.stderr).toMatch(/x, y, z; windows of 64, hop 32 samples/);
    const last = await place.json(
      "run",
      motion,
      "-i",
      "wrist.csv",
      ...words,
      ...clock,
      "--window-label",
      "last",
    );
    expect(last).toMatchObject({ frames: 3, right: expect.any(Number) });
  });

  it("says so where many values do not fit the model's input", async () => {
    const bright = [Array.from({ length: 64 }, (_, index) => index * 4)];
    const { stderr } = await answers(digits, csv("bright.csv", bright));
    expect(stderr).toMatch(/warning: 6\d of 64 input values \(9\d\.\d %\) did not fit .* Check the scale/);
    const whole = await answers(digits, csv("whole.csv", [bright[0]?.map((value) => value / 256) ?? []]));
    expect(whole.stderr).toBe("");
  });

  it("a model compiled on the fly answers alike whatever --optimize says", async () => {
    const model = example("digits", "digits.tflite");
    const [small, fast] = [
      await answers(model, example("digits", "frames.npy"), "-n", "4", "--optimize", "size"),
      await answers(model, example("digits", "frames.npy"), "-n", "4", "--optimize", "speed"),
    ];
    expect(small.bytes).toHaveLength(40);
    expect(small.bytes).toEqual(fast.bytes);
  });

  it("reads the tensor's own integers with --quantised", async () => {
    const integers = Array.from({ length: 64 }, () => random.below(256) - 128);
    const reals = integers.map((integer) => (integer + 128) / 256);
    const stored = await answers(digits, csv("integers.csv", [integers]), "--quantised");
    expect(stored.bytes).toEqual((await answers(digits, csv("reals.csv", [reals]))).bytes);
  });
});

describe("an option that means nothing is a wrong command line:", () => {
  it.each([
    [["--window", "64"], /--window means nothing for frames of the format npy; it is for wav, imu/],
    [["--pixel-range", "-1..1"], /--pixel-range means nothing .* it is for image/],
    [["--pixel-range", "bright"], /--pixel-range bright is no range/],
    [["--hop", "soon"], /--hop soon is no length of time/],
    [["--channel", "left"], /--channel left is no channel/],
    [["--columns", "x,,z"], /--columns x,,z names a column without a name/],
    [["--real", "--quantised"], /mutually exclusive/],
    [["--format", "mp3"], /Invalid values/],
    [["-n", "0"], /--frames is 0; it takes a whole number from 1/],
    [["-n", "-3"], /--frames is -3/],
    [["--top", "-1"], /--top is -1/],
    [["--max-pixels", "0", "--format", "image"], /--max-pixels 0 is no number of pixels/],
  ])("%j", async (words, message) => {
    const { exitCode, stderr } = await place.run(
      "run",
      digits,
      "-i",
      example("digits", "frames.npy"),
      ...words,
    );
    expect(stderr).toMatch(message);
    expect(exitCode).toBe(2);
  });
});
