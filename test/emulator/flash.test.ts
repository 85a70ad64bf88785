import { mkdtempSync, readFileSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { Flash, PowerCut } from "../../host/emulator/flash.js";
import { FlashFile } from "../../host/emulator/flash_file.js";

const geometry = { sectorBytes: 256, wordBytes: 8, sectors: 4 };
const pattern = (length: number, value = 0x5a) => new Uint8Array(length).fill(value);

describe("simulated NOR flash", () => {
  it("starts erased, keeps what is programmed, and loses a whole sector to an erase", () => {
    const flash = new Flash(geometry);
    expect(flash.read(0, 1024)).toEqual(pattern(1024, 0xff));
    flash.program(248, pattern(16));
    expect(flash.read(240, 32)).toEqual(
      Uint8Array.from([...pattern(8, 0xff), ...pattern(16), ...pattern(8, 0xff)]),
    );
    flash.erase(0);
    expect(flash.read(248, 16)).toEqual(Uint8Array.from([...pattern(8, 0xff), ...pattern(8)]));
  });

  it("refuses half words, places outside, and words that are programmed already", () => {
    const flash = new Flash(geometry);
    flash.program(8, pattern(8));
    expect(() => flash.program(4, pattern(8))).toThrow(/not aligned to 8/);
    expect(() => flash.program(16, pattern(7))).toThrow(/not aligned to 8/);
    expect(() => flash.program(1024, pattern(8))).toThrow(/past the end/);
    expect(() => flash.erase(4)).toThrow(/past the end/);
    expect(() => flash.program(8, pattern(8, 0))).toThrow(/something stands already/);
  });

  it("only clears bits in a torn program and only sets bits in a torn erase", () => {
    for (let seed = 0; seed < 50; seed++) {
      const flash = new Flash(geometry);
      const value = pattern(64);
      flash.planPowerCut({ afterOperations: 0, tear: "inside", seed });
      expect(() => flash.program(0, value)).toThrow(PowerCut);
      flash.powerOn();
      expect(flash.read(0, 64).every((byte) => (byte & 0x5a) === 0x5a)).toBe(true);
      flash.erase(0);
      flash.program(0, value);
      flash.planPowerCut({ afterOperations: 0, tear: "inside", seed });
      expect(() => flash.erase(0)).toThrow(PowerCut);
      flash.powerOn();
      expect(flash.read(0, 64).every((byte) => (byte & 0x5a) === 0x5a)).toBe(true);
    }
  });

  it("does nothing without power, and counts the operations before the cut", () => {
    const flash = new Flash(geometry);
    flash.planPowerCut({ afterOperations: 2, tear: "before" });
    flash.program(0, pattern(8));
    flash.erase(1);
    expect(() => flash.program(8, pattern(8))).toThrow(PowerCut);
    expect(() => flash.erase(0)).toThrow(PowerCut);
    expect(() => flash.read(0, 8)).toThrow(PowerCut);
    flash.powerOn();
    expect(flash.read(0, 16)).toEqual(Uint8Array.from([...pattern(8), ...pattern(8, 0xff)]));
    expect(flash.operations).toBe(2);
  });
});

describe("a flash file", () => {
  let folder: string;
  let path: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "wamlet-flash-"));
    path = join(folder, "board.flash");
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  it("keeps every change, also the torn one, for the next run", () => {
    const file = FlashFile.open(path, geometry);
    const flash = new Flash(geometry, file);
    flash.program(512, pattern(16));
    flash.erase(3);
    flash.planPowerCut({ afterOperations: 0, tear: "inside", seed: 3 });
    expect(() => flash.program(0, pattern(64, 0))).toThrow(PowerCut);
    flash.powerOn();
    const before = flash.read(0, 1024);
    file.close();
    expect(new Flash(geometry, FlashFile.open(path, geometry)).read(0, 1024)).toEqual(before);
  });

  it("is refused with a reason where it is of another board, cut short, damaged or something else", () => {
    FlashFile.open(path, geometry).close();
    expect(() => FlashFile.open(path, { ...geometry, sectors: 5 })).toThrow(/4 sectors of 256 .* 5 sectors/);
    const whole = readFileSync(path);

    truncateSync(path, whole.length - 1);
    expect(() => FlashFile.open(path, geometry)).toThrow(/bytes where the board's flash takes/);

    const damaged = Buffer.from(whole);
    damaged.writeUInt8(0x7f, 600);
    writeFileSync(path, damaged);
    expect(() => FlashFile.open(path, geometry)).toThrow(/check sum of sector 2/);

    writeFileSync(path, "a text file that somebody named by mistake");
    expect(() => FlashFile.open(path, geometry)).toThrow(/no flash file/);
    expect(() => FlashFile.open(folder, geometry)).toThrow(
      expect.objectContaining({ name: "WamletError", code: "WAMLET_FILE_UNREADABLE" }),
    );
  });

  it("gives a typed error for every mutation of it", () => {
    FlashFile.open(path, geometry).close();
    const whole = readFileSync(path);
    for (let position = 0; position < whole.length; position++) {
      const mutated = Buffer.from(whole);
      mutated.writeUInt8(mutated.readUInt8(position) ^ 0x10, position);
      writeFileSync(path, mutated);
      expect(() => FlashFile.open(path, geometry), `byte ${position}`).toThrow(
        expect.objectContaining({ code: "WAMLET_STORE_CORRUPT" }),
      );
    }
  });
});
