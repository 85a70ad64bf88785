import { describe, expect, it } from "vitest";
import { ByteReader } from "../../host/module/byte_reader.js";
import { ByteWriter } from "../../host/module/byte_writer.js";
import { readSections, writeSections } from "../../host/module/sections.js";
import { exampleWasm } from "./example_module.js";

const malformed = (message: RegExp) =>
  expect.objectContaining({ code: "WAMLET_INVALID_MODULE", message: expect.stringMatching(message) });
const reader = (...bytes: number[]) => new ByteReader(Uint8Array.from(bytes));

describe("the byte reader", () => {
  it("reads back every integer that the writer writes", () => {
    for (const value of [0, 1, 127, 128, 16_383, 16_384, 2 ** 31, 2 ** 32 - 1]) {
      expect(new ByteReader(new ByteWriter().u32(value).finish()).u32()).toBe(value);
    }
    const extremes = [
      0n,
      63n,
      64n,
      -1n,
      -64n,
      -65n,
      2n ** 31n - 1n,
      -(2n ** 31n),
      2n ** 63n - 1n,
      -(2n ** 63n),
    ];
    for (const value of extremes) {
      const bytes = new ByteWriter().s64(value).finish();
      expect(new ByteReader(bytes).s64()).toBe(value);
      if (BigInt.asIntN(32, value) === value) expect(new ByteReader(bytes).s32()).toBe(Number(value));
    }
  });

  it("refuses integers that are too long, too large or cut off", () => {
    expect(() => reader(0x80, 0x80, 0x80, 0x80, 0x10).u32()).toThrow(malformed(/exceeds 32 bits/));
    expect(() => reader(0x80, 0x80, 0x80, 0x80, 0x80, 0).u32()).toThrow(malformed(/exceeds 32 bits/));
    expect(() => reader(0x80).u32()).toThrow(malformed(/end too early/));
    expect(() => reader(0x80, 0x80, 0x80, 0x80, 0x08).s32()).toThrow(malformed(/exceeds 32 bits/));
    expect(() => reader(...new Array<number>(11).fill(0x80)).s64()).toThrow(malformed(/exceeds 64 bits/));
  });

  it("never reads past its range, nor believes a length that runs past it", () => {
    const bytes = Uint8Array.of(3, 1, 2, 9);
    const inner = new ByteReader(bytes, 1, 3);
    expect([inner.u8(), inner.u8(), inner.done]).toEqual([1, 2, true]);
    expect(() => inner.u8()).toThrow(malformed(/byte 3/));
    expect(() => reader(200, 1, 65).name()).toThrow(malformed(/200 bytes are announced/));
    expect(() => reader(0xff, 0xff, 0xff, 0xff, 0x0f, 1).count()).toThrow(malformed(/4294967295 items/));
    expect(() => reader(1, 0xff).name()).toThrow(malformed(/UTF-8/));
  });
});

describe("sections", () => {
  it("come back to the same bytes when they are joined again", () => {
    const wasm = exampleWasm();
    expect(writeSections(readSections(wasm))).toEqual(wasm);
  });

  it("are refused without the header, or where one is cut off", () => {
    expect(() => readSections(Uint8Array.of(0, 0x61, 0x73, 0x6d, 2, 0, 0, 0))).toThrow(
      malformed(/version 1/),
    );
    const wasm = exampleWasm();
    expect(() => readSections(wasm.subarray(0, wasm.length - 1))).toThrow(malformed(/are left/));
  });
});
