import { deflateSync } from "node:zlib";
import { describe, expect, it } from "vitest";
import { openSource } from "../../host/frames/file_source.js";
import { decodePicture } from "../../host/frames/image.js";
import { refusal } from "./material.js";
import pillow from "./pillow.json" with { type: "json" };
import { greyPng, pngFile, withPngChecksums } from "./sound_and_pictures.js";

const base64 = (text: string) => Uint8Array.from(Buffer.from(text, "base64"));
const decoded = (file: { name: string; bytes: Uint8Array }) => decodePicture(openSource(file), 1 << 24);

/** Red, green and blue of all pixels. */
function colours(file: { name: string; bytes: Uint8Array }): number[] {
  const { pixels, stride } = decoded(file);
  return Array.from(pixels).filter((_, index) => index % stride < 3);
}

describe("PNG", () => {
  it.each<[string, Parameters<typeof pngFile>[0], number[]]>([
    ["grey of 8 bits", { width: 2, height: 1, rows: new Uint8Array([0, 7, 200]) }, [7, 7, 7, 200, 200, 200]],
    [
      "grey of 1 bit",
      { width: 3, height: 1, depth: 1, rows: new Uint8Array([0, 0b10100000]) },
      [255, 255, 255, 0, 0, 0, 255, 255, 255],
    ],
    ["RGB", { width: 1, height: 1, colourType: 2, rows: new Uint8Array([0, 1, 2, 3]) }, [1, 2, 3]],
    [
      "RGB of 16 bits",
      { width: 1, height: 1, depth: 16, colourType: 2, rows: new Uint8Array([0, 255, 255, 128, 0, 0, 0]) },
      [255, 128, 0],
    ],
    [
      "grey with transparency",
      { width: 1, height: 1, colourType: 4, rows: new Uint8Array([0, 9, 0]) },
      [9, 9, 9],
    ],
    [
      "RGB with transparency, which is left out",
      { width: 1, height: 1, colourType: 6, rows: new Uint8Array([0, 5, 6, 7, 0]) },
      [5, 6, 7],
    ],
    [
      "a palette",
      {
        width: 2,
        height: 1,
        colourType: 3,
        palette: new Uint8Array([1, 2, 3, 4, 5, 6]),
        rows: new Uint8Array([0, 1, 0]),
      },
      [4, 5, 6, 1, 2, 3],
    ],
    [
      "filtered rows",
      { width: 2, height: 2, rows: new Uint8Array([1, 10, 5, 2, 1, 1]) },
      [10, 10, 10, 15, 15, 15, 11, 11, 11, 16, 16, 16],
    ],
    [
      "interlaced rows",
      // Pass 1 has pixel (0, 0), pass 6 (1, 0), pass 7 row 1.
      { width: 2, height: 2, interlaced: true, rows: new Uint8Array([0, 1, 0, 2, 0, 3, 4]) },
      [1, 1, 1, 2, 2, 2, 3, 3, 3, 4, 4, 4],
    ],
  ])("decodes %s", (_, parts, wanted) => {
    expect(colours(pngFile(parts))).toEqual(wanted);
  });

  it("is read although something follows its end", () => {
    const file = greyPng(1, 1, () => 9);
    expect(colours({ ...file, bytes: Uint8Array.from([...file.bytes, 1, 2, 3]) })).toEqual([9, 9, 9]);
  });

  it.each<[string, Parameters<typeof pngFile>[0], string, string]>([
    [
      "a size beyond the limit",
      { width: 10_000, height: 10_000, rows: new Uint8Array(9) },
      "WAMLET_IMAGE_TOO_LARGE",
      "10000 × 10000",
    ],
    [
      "a side beyond the limit",
      { width: 1, height: 70_000, rows: new Uint8Array(9) },
      "WAMLET_IMAGE_TOO_LARGE",
      "1 × 70000",
    ],
    ["a size of nothing", { width: 0, height: 4, rows: new Uint8Array(9) }, "WAMLET_INVALID_FRAMES", "0 × 4"],
    [
      "a size that its bytes cannot hold",
      { width: 4000, height: 4000, rows: new Uint8Array(9) },
      "WAMLET_INVALID_FRAMES",
      "cannot hold 4000 × 4000",
    ],
    [
      "an interlaced image that inflates without end",
      { width: 8, height: 8, interlaced: true, rows: new Uint8Array(50_000_000) },
      "WAMLET_INVALID_FRAMES",
      "no readable PNG",
    ],
    [
      "missing rows",
      { width: 2, height: 9, rows: new Uint8Array(3) },
      "WAMLET_INVALID_FRAMES",
      "no readable PNG",
    ],
    [
      "bits that its colour type does not have",
      { width: 1, height: 1, depth: 4, colourType: 2, rows: new Uint8Array(4) },
      "WAMLET_INVALID_FRAMES",
      "no colour type 2 of 4 bits",
    ],
  ])("refuses %s", async (_, parts, code, message) => {
    const wrong = await refusal(() => decoded(pngFile(parts)));
    expect(wrong.code).toBe(code);
    expect(wrong.message).toContain(message);
  });

  it("refuses compressed data that are cut off, instead of showing what lay in memory", async () => {
    const whole = deflateSync(new Uint8Array(9 * 3));
    const file = pngFile({ width: 2, height: 9, rows: new Uint8Array(27) });
    const at = Buffer.from(file.bytes).indexOf(whole);
    const bytes = Buffer.from(file.bytes);
    bytes.fill(0, at + 4, at + whole.length);
    const wrong = await refusal(() => decoded({ name: "a.png", bytes: withPngChecksums(bytes) }));
    expect(wrong.code).toBe("WAMLET_INVALID_FRAMES");
  });

  it("refuses a second header, whose size nothing has checked", async () => {
    const small = greyPng(1, 1, () => 9).bytes;
    const huge = pngFile({ width: 16_000, height: 1000, rows: deflateSync(new Uint8Array(4)) }).bytes;
    const bytes = Uint8Array.from([...small.subarray(0, 33), ...huge.subarray(8, 33), ...small.subarray(33)]);
    const wrong = await refusal(() => decoded({ name: "two.png", bytes }));
    expect(wrong.message).toContain("does not have one header, first");
  });
});

describe("JPEG", () => {
  it.each(["baseline", "progressive", "grey"] as const)("decodes %s as Pillow does", (kind) => {
    const found = colours({ name: "a.jpg", bytes: base64(pillow[kind]) });
    const wanted = base64(pillow[`${kind}Rgb`]);
    expect(found.length).toBe(wanted.length);
    const off = found.map((value, index) => Math.abs(value - (wanted[index] ?? 0)));
    // Decoders may round differently; with halved colours (progressive) they interpolate differently too.
    const mean = off.reduce((sum, value) => sum + value, 0) / off.length;
    expect(mean).toBeLessThan(kind === "progressive" ? 6 : 1);
    if (kind !== "progressive") expect(Math.max(...off)).toBeLessThanOrEqual(6);
  });

  it("takes three colours for red, green and blue where an Adobe segment says so", () => {
    const bytes = base64(pillow.baseline);
    const adobe = [0xff, 0xee, 0, 14, 0x41, 0x64, 0x6f, 0x62, 0x65, 0, 100, 0, 0, 0, 0, 0];
    const plain = decoded({ name: "a.jpg", bytes });
    const marked = decoded({
      name: "a.jpg",
      bytes: Uint8Array.from([0xff, 0xd8, ...adobe, ...bytes.subarray(2)]),
    });
    // Grey in the first colour alone means red then.
    expect(Buffer.from(marked.pixels).equals(Buffer.from(plain.pixels))).toBe(false);
    const again = decoded({
      name: "a.jpg",
      bytes: Uint8Array.from([0xff, 0xd8, ...adobe.slice(0, -1), 1, ...bytes.subarray(2)]),
    });
    expect(Buffer.from(again.pixels).equals(Buffer.from(plain.pixels))).toBe(true);
  });

  it("refuses a size that its bytes cannot hold, and one beyond the limit", async () => {
    const bytes = base64(pillow.baseline);
    const header = Buffer.from(bytes).indexOf(Buffer.from([0xff, 0xc0]));
    const sized = (height: number, width: number) => {
      const copy = Buffer.from(bytes);
      copy.writeUInt16BE(height, header + 5);
      copy.writeUInt16BE(width, header + 7);
      return { name: "a.jpg", bytes: Uint8Array.from(copy) };
    };
    expect((await refusal(() => decoded(sized(4000, 4000)))).message).toContain("cannot hold 4000 × 4000");
    expect((await refusal(() => decoded(sized(9000, 9000)))).code).toBe("WAMLET_IMAGE_TOO_LARGE");
    expect((await refusal(() => decoded(sized(0, 9000)))).code).toBe("WAMLET_INVALID_FRAMES");
  });

  it("refuses to go over an image in scans without end", async () => {
    const bytes = Buffer.from(base64(pillow.progressive));
    // The last scan, as often as it takes.
    const from = bytes.lastIndexOf(Buffer.from([0xff, 0xda]));
    const scan = bytes.subarray(from, bytes.length - 2);
    const many = Buffer.concat([bytes.subarray(0, from), ...Array(2000).fill(scan), bytes.subarray(-2)]);
    const wrong = await refusal(() => decoded({ name: "a.jpg", bytes: Uint8Array.from(many) }));
    expect(wrong.code).toBe("WAMLET_IMAGE_TOO_LARGE");
    expect(wrong.message).toContain("scans");
  });
});
