import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { encode } from "jpeg-js";
import { afterAll, describe, expect, it } from "vitest";
import { openSource } from "../../host/frames/file_source.js";
import { decodePicture } from "../../host/frames/image.js";
import { parsePixelRange } from "../../host/frames/pixel_range.js";
import { dequantise } from "../../host/frames/quantise.js";
import { type ReadFramesOptions, readFrames } from "../../host/frames/read_frames.js";
import { resample } from "../../host/frames/resample.js";
import { refusal, tensorOf, textFile } from "./material.js";
import pillow from "./pillow.json" with { type: "json" };
import { greyPng, pngFile } from "./sound_and_pictures.js";

const folder = mkdtempSync(join(tmpdir(), "wamlet-images-"));
afterAll(() => rmSync(folder, { recursive: true }));

const decoded = (file: { name: string; bytes: Uint8Array }) => decodePicture(openSource(file), 1 << 24);

/** The first frame as real values. */
async function values(
  file: { name: string; bytes: Uint8Array },
  tensor = tensorOf("float32", [1, 2, 2, 1]),
  options: ReadFramesOptions = {},
): Promise<number[]> {
  const frames = await readFrames(file, [tensor], options);
  return Array.from(dequantise(frames.frame(0).inputs[0] ?? new Uint8Array(0), tensor));
}

describe("scaling", () => {
  const formula = (x: number, y: number) => (3 * x * x + 29 * y + x * y) % 256;
  const picture = decoded(greyPng(11, 7, formula));
  const reds = (pixels: Float64Array) => Array.from(pixels).filter((_, index) => index % 3 === 0);

  it("leaves an image of the tensor's size as it is", () => {
    expect(reds(resample(picture, 11, 7, "crop"))).toEqual(
      Array.from({ length: 77 }, (_, index) => formula(index % 11, Math.floor(index / 11))),
    );
  });

  it("cuts the middle out and interpolates up as Pillow does", () => {
    const found = reds(resample(picture, 9, 9, "crop"));
    expect(found.length).toBe(pillow.up.length);
    for (const [index, value] of found.entries())
      expect(value).toBeCloseTo(pillow.up[index] ?? Number.NaN, 3);
  });

  it.each([
    [5, 2],
    [3, 3],
    [4, 7],
    [1, 1],
  ])("takes the mean of the covered area down to %d × %d", (width, height) => {
    // The same by definition: every pixel split into width × height parts, then whole blocks of them averaged.
    const wanted: number[] = [];
    for (let y = 0; y < height; y++) {
      for (let x = 0; x < width; x++) {
        let sum = 0;
        for (let v = y * 7; v < (y + 1) * 7; v++) {
          for (let u = x * 11; u < (x + 1) * 11; u++)
            sum += formula(Math.floor(u / width), Math.floor(v / height));
        }
        wanted.push(sum / 77);
      }
    }
    const found = reds(resample(picture, width, height, "stretch"));
    for (const [index, value] of found.entries()) expect(value).toBeCloseTo(wanted[index] ?? Number.NaN, 9);
  });

  it("keeps a grey area grey at any size", () => {
    const grey = decoded(greyPng(13, 5, () => 100));
    for (const [width, height] of [
      [3, 17],
      [40, 2],
      [13, 6],
    ] as const) {
      for (const value of resample(grey, width, height, "stretch")) expect(value).toBeCloseTo(100, 9);
    }
  });
});

describe("image frames", () => {
  const two = greyPng(2, 2, (x, y) => [0, 255, 51, 102][y * 2 + x] ?? 0);

  it.each<[string, ReturnType<typeof tensorOf>, number[]]>([
    ["0 to 1 for scale 1/255", tensorOf("int8", [1, 2, 2, 1], 1 / 255, -128), [0, 1, 0.2, 0.4]],
    ["0 to 255 for scale 1", tensorOf("int8", [1, 2, 2, 1], 1, -128), [0, 255, 51, 102]],
    ["0 to 255 for uint8 without a scale", tensorOf("uint8", [2, 2]), [0, 255, 51, 102]],
    ["−1 to 1 for scale 2/255", tensorOf("uint8", [1, 2, 2, 1], 2 / 255, 128), [-1, 0.996, -0.6, -0.2]],
    ["−128 to 127 for zero point 0", tensorOf("int8", [1, 2, 2, 1], 1, 0), [-128, 127, -77, -26]],
    ["0 to 1 for float32", tensorOf("float32", [1, 2, 2, 1]), [0, 1, 0.2, 0.4]],
  ])("give %s", async (_, tensor, wanted) => {
    const found = await values(two, tensor);
    for (const [index, value] of wanted.entries()) expect(found[index]).toBeCloseTo(value, 2);
    expect((await readFrames(two, [tensor])).frame(0).clamped).toBe(0);
  });

  it("ask for the range where the tensor's is none of these, and take it", async () => {
    const odd = tensorOf("int8", [1, 2, 2, 1], 0.0186, -14);
    const wrong = await refusal(() => values(two, odd));
    expect(wrong.code).toBe("WAMLET_WRONG_SHAPE");
    expect(wrong.message).toContain("values from -2.12 to 2.623");
    const found = await values(two, odd, { pixelRange: parsePixelRange("-2.1..2.6") });
    expect(found[1]).toBeCloseTo(2.6, 1);
    expect((await refusal(() => parsePixelRange("1..0"))).code).toBe("WAMLET_USAGE");
  });

  it("are grey or RGB as the tensor has channels", async () => {
    const red = pngFile({
      width: 2,
      height: 2,
      colourType: 2,
      rows: new Uint8Array([0, 255, 0, 0, 255, 0, 0, 0, 255, 0, 0, 255, 0, 0]),
    });
    const grey = await values(red);
    for (const value of grey) expect(value).toBeCloseTo(0.299, 6);
    const rgb = await values(red, tensorOf("float32", [1, 2, 2, 3]));
    expect(rgb.slice(0, 3)).toEqual([1, 0, 0]);
    expect((await values(two, tensorOf("float32", [1, 2, 2, 3]))).slice(3, 6)).toEqual([1, 1, 1]);
  });

  it("are refused where the tensor is no image, and options where they mean nothing", async () => {
    const flat = await refusal(() => values(two, tensorOf("int8", [1, 490], 1, 0)));
    expect(flat.code).toBe("WAMLET_WRONG_SHAPE");
    expect(flat.message).toContain("Tensor input is [1, 490]; an image needs [height, width, channels]");
    expect((await refusal(() => values(two, undefined, { hop: { samples: 1 } }))).code).toBe("WAMLET_USAGE");
    expect((await refusal(() => values(two, undefined, { maxPixels: 3 }))).code).toBe(
      "WAMLET_IMAGE_TOO_LARGE",
    );
  });

  it("say what was done", async () => {
    const frames = await readFrames(two, [tensorOf("int8", [1, 2, 2, 1], 1, -128)]);
    expect(frames.conversion).toBe("cropped to 2 × 2 grey; black to white as 0..255");
  });

  const write = (path: string, level: number) => {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), greyPng(2, 2, () => level).bytes);
  };
  const levels = async (path: string) => {
    const tensor = tensorOf("uint8", [2, 2]);
    const frames = await readFrames(join(folder, path), [tensor]);
    return { labels: frames.labels, levels: Array.from(frames, ({ inputs }) => inputs[0]?.[0]) };
  };

  it("come from a folder in the order of names, without what is no image", async () => {
    for (const [name, level] of [
      ["b.png", 2],
      ["a.PNG", 1],
      ["c/d.png", 3],
    ] as const)
      write(`plain/${name}`, level);
    rmSync(join(folder, "plain/c"), { recursive: true });
    writeFileSync(join(folder, "plain/notes.txt"), "no image");
    writeFileSync(join(folder, "plain/.hidden.png"), "no image");
    expect(await levels("plain")).toEqual({ labels: null, levels: [1, 2] });
  });

  it("have the names of sub-folders for labels, and links to folders are not followed", async () => {
    for (const [name, level] of [
      ["yes/1.png", 3],
      ["no/1.png", 1],
      ["no/deep/2.png", 2],
    ] as const)
      write(`classes/${name}`, level);
    symlinkSync(join(folder, "classes"), join(folder, "classes/loop"));
    expect(await levels("classes")).toEqual({ labels: ["no", "no", "yes"], levels: [1, 2, 3] });
    write("classes/stray.png", 4);
    expect((await refusal(() => levels("classes"))).message).toContain("stray.png lies beside");
  });

  it("come from a list, with labels beside, in its order", async () => {
    for (const level of [1, 2, 3]) write(`listed/${level}.png`, level);
    writeFileSync(join(folder, "listed/order.txt"), "3.png\n# two\n2.png\n");
    expect(await levels("listed/order.txt")).toEqual({ labels: null, levels: [3, 2] });
    writeFileSync(join(folder, "listed/labels.csv"), "label,file\nc,3.png\na,1.png\n");
    expect(await levels("listed/labels.csv")).toEqual({ labels: ["c", "a"], levels: [3, 1] });
    expect(await levels("listed")).toEqual({ labels: ["c", "a"], levels: [3, 1] });
  });

  it("that are missing, broken or no images are named", async () => {
    mkdirSync(join(folder, "empty"));
    expect((await refusal(() => levels("empty"))).message).toContain("holds no images");
    writeFileSync(join(folder, "gone.csv"), "file\ngone.png\n");
    expect((await refusal(() => levels("gone.csv"))).code).toBe("WAMLET_FILE_NOT_FOUND");
    const list = textFile("list.csv", "file,label\nx.png,a\ny.gif,b\n");
    const wrong = await refusal(() => readFrames(list, [tensorOf("uint8", [2, 2])]));
    expect(wrong.message).toContain("Line 3 of list.csv names no .png or .jpg file: 'y.gif'");
    write("broken/1.png", 1);
    writeFileSync(join(folder, "broken/2.png"), greyPng(2, 2, () => 1).bytes.subarray(0, 50));
    const frames = await readFrames(join(folder, "broken"), [tensorOf("uint8", [2, 2])]);
    expect((await refusal(() => frames.frame(1))).message).toContain("2.png is no readable PNG");
  });

  it("of a large JPEG are scaled as a small one", async () => {
    const [width, height] = [640, 480];
    const data = Buffer.alloc(width * height * 4);
    for (let pixel = 0; pixel < width * height; pixel++)
      data.fill(pixel % width < 320 ? 40 : 200, pixel * 4, pixel * 4 + 4);
    const file = { name: "half.jpg", bytes: Uint8Array.from(encode({ width, height, data }, 90).data) };
    const found = await values(file, tensorOf("uint8", [2, 2]));
    for (const [index, value] of found.entries())
      expect(Math.abs(value - (index % 2 === 0 ? 40 : 200))).toBeLessThanOrEqual(2);
  });
});
