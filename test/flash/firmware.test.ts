/** What is found wrong with firmware before a port is opened: formats, places, chips, and hostile files. */
import { describe, expect, it } from "vitest";
import { SeededRandom } from "../../host/emulator/seeded_random.js";
import { WamletError } from "../../host/errors.js";
import { parseOffset, readBuildFolder } from "../../host/flash/build_folder.js";
import { readBundle, writeBundle } from "../../host/flash/bundle.js";
import { findChip, requireChip } from "../../host/flash/chip.js";
import { checkFirmware, checkTarget, type FirmwareImage } from "../../host/flash/firmware.js";
import { appImage, noise, partitionTable, usualImages, usualPartitions } from "./firmware_material.js";

function check(images: readonly FirmwareImage[], target: string | null = null) {
  return checkFirmware({ chip: target === null ? null : findChip(target), agentVersion: null, images });
}

function refusal(work: () => unknown): WamletError {
  try {
    work();
  } catch (error) {
    if (error instanceof WamletError) return error;
    throw error;
  }
  return expect.unreachable("it was accepted");
}

const app = (data: Uint8Array, offset = 0x10000): FirmwareImage => ({ name: "app.bin", offset, data });

describe("firmware", () => {
  it("of a build is told apart: boot loader, partition table, application, data", () => {
    const images = [...usualImages("esp32"), { name: "nvs.bin", offset: 0x9000, data: noise(4096, 3) }];
    const checked = check(images, "esp32");
    expect(checked.images.map(({ kind }) => kind)).toEqual([
      "boot loader",
      "partition table",
      "data",
      "application",
    ]);
    expect(checked.partitions.map(({ label }) => label)).toEqual(["nvs", "factory", "store"]);
    expect(checked.images[3]?.app?.description).toEqual({
      project: "agent",
      version: "0.1.0",
      idf: "v5.5.1",
    });
  });

  it("holds an agent where its project is called so", () => {
    const images = usualImages("esp32c3", { description: { project: "wamlet_agent", version: "0.3.1" } });
    expect(check(images).agentVersion).toBe("0.3.1");
    expect(check(usualImages("esp32c3")).agentVersion).toBeNull();
  });

  const wrong: readonly (readonly [string, Uint8Array, RegExp])[] = [
    ["a text", Buffer.from("hello, world"), /first byte is 0x68, and an image begins with 0xe9/],
    ["an ELF file", Buffer.from("\x7fELF\x01\x01\x01", "latin1"), /ELF file/],
    ["a UF2 file", Buffer.from("UF2\nWQ]\x9e", "latin1"), /UF2 file/],
    ["a WebAssembly module", Buffer.from("\0asm\x01\0\0\0", "latin1"), /wamlet deploy/],
    ["an empty file", new Uint8Array(0), /empty/],
    ["a file that is cut off", appImage("esp32").subarray(0, 5000), /cut off/],
    ["a header alone", appImage("esp32").subarray(0, 10), /ends within its header/],
  ];
  for (const [what, data, why] of wrong) {
    it(`is refused where the application is ${what}`, () => {
      const error = refusal(() => check([app(data)]));
      expect(error.code).toBe("WAMLET_INVALID_IMAGE");
      expect(error.message).toMatch(why);
    });
  }

  it("is refused with any single bit of an application flipped", () => {
    const image = appImage("esp32", { bytes: 2000 });
    const random = new SeededRandom(5);
    for (let time = 0; time < 300; time++) {
      const damaged = image.slice();
      const at = random.below(damaged.length);
      damaged[at] = (damaged[at] ?? 0) ^ (1 << random.below(8));
      // The byte that says whether there is a hash can switch it off; the checksum still covers the segments.
      if (at === 23) continue;
      expect(refusal(() => check([app(damaged)])).code).toBe("WAMLET_INVALID_IMAGE");
    }
  });

  it("is refused where a partition table is damaged, or none", () => {
    const table = partitionTable();
    table[40] = 1;
    expect(refusal(() => check([{ name: "table", offset: 0x8000, data: table }])).message).toMatch(/MD5/);
    const other = refusal(() => check([{ name: "table", offset: 0x8000, data: noise(3072, 1) }]));
    expect(other.message).toMatch(/0x8000 is the place of the partition table/);
  });

  it("is refused where its images are for two chips, or not for the build's", () => {
    const mixed = [...usualImages("esp32c3").slice(0, 2), app(appImage("esp32s3"))];
    const error = refusal(() => check(mixed));
    expect(error.code).toBe("WAMLET_WRONG_CHIP");
    expect(error.message).toMatch(
      /app.bin at 0x10000 is for ESP32-S3, and bootloader at 0x0 is for ESP32-C3/,
    );
    expect(refusal(() => check([app(appImage("esp32s3"))], "esp32")).message).toMatch(
      /its build is for ESP32\./,
    );
  });

  it("is refused where images overlap, lie between sectors, or outgrow their partition", () => {
    const big = appImage("esp32", { bytes: 20_000 });
    expect(refusal(() => check([app(big), { ...app(big), offset: 0x14000 }])).message).toMatch(/overlap/);
    expect(refusal(() => check([app(big, 0x10100)])).message).toMatch(/multiple of 0x1000/);
    const small = usualPartitions.map((entry) =>
      entry.label === "factory" ? { ...entry, bytes: 0x4000 } : entry,
    );
    const images = [{ name: "table", offset: 0x8000, data: partitionTable(small) }, app(big)];
    expect(refusal(() => check(images)).message).toMatch(/partition "factory" has 16384/);
  });

  it("is taken merged into one file, as esptool makes it for an ESP32", () => {
    const merged = new Uint8Array(0x12000).fill(0xff);
    merged.set(appImage("esp32", { bytes: 9000 }), 0x1000);
    expect(check([{ name: "merged", offset: 0, data: merged }]).imageChipId).toBe(0);
  });
});

describe("a chip", () => {
  const target = { chip: requireChip("esp32c3", "test"), revision: 3, flashBytes: 4 << 20 };

  it("takes what was built for it, and nothing that was not", () => {
    checkTarget(check(usualImages("esp32c3")), target);
    const error = refusal(() => checkTarget(check(usualImages("esp32c6")), target));
    expect(error.code).toBe("WAMLET_WRONG_CHIP");
    expect(error.message).toBe("The firmware is for ESP32-C6, and this chip is an ESP32-C3.");
    expect(error.hint).toContain("set-target esp32c3");
  });

  it("refuses what needs a larger flash: an image, a partition, the boot loader's setting", () => {
    const small = { ...target, flashBytes: 1 << 20 };
    const late = app(appImage("esp32c3"), 0xff000);
    const partitions = { name: "table", offset: 0x8000, data: partitionTable() };
    const bootLoader = { name: "boot", offset: 0, data: appImage("esp32c3", { flashSizeCode: 4 }) };
    for (const images of [[late], [partitions], [bootLoader]]) {
      expect(refusal(() => checkTarget(check(images), small)).code).toBe("WAMLET_FLASH_TOO_SMALL");
    }
    expect(refusal(() => checkTarget(check([bootLoader]), target)).message).toMatch(
      /16 MiB, and this board's has 4 MiB/,
    );
  });

  it("refuses what its revision cannot run", () => {
    const newer = check([app(appImage("esp32c3", { minimumRevision: 4 }))]);
    const older = check([app(appImage("esp32c3", { maximumRevision: 2 }))]);
    expect(refusal(() => checkTarget(newer, target)).message).toMatch(/needs revision v0.4 or newer/);
    expect(refusal(() => checkTarget(older, target)).message).toMatch(/needs revision v0.2 or older/);
    checkTarget(newer, { ...target, revision: null });
    // An ESP-IDF before 4.4 writes zeros.
    checkTarget(check([app(appImage("esp32c3", { maximumRevision: 0 }))]), target);
  });

  it("refuses a boot loader in another chip's place", () => {
    const images = [{ name: "boot", offset: 0x1000, data: appImage("esp32c3") }];
    expect(refusal(() => checkTarget(check(images), target)).message).toMatch(
      /looks for its boot loader at 0x0/,
    );
  });
});

describe("a bundle", () => {
  const chip = requireChip("esp32s3", "test");
  const bundle = writeBundle({ chip, agentVersion: "0.1.0", images: usualImages("esp32s3") });

  it("gives back what was put in, and is the same bytes for the same firmware", () => {
    const read = readBundle(bundle, "a.wamfw");
    expect(read).toMatchObject({ chip: { name: "ESP32-S3" }, agentVersion: "0.1.0" });
    expect(read.images.map(({ name, offset }) => [name, offset])).toEqual(
      usualImages("esp32s3").map(({ name, offset }) => [name, offset]),
    );
    expect(Buffer.compare(writeBundle({ ...read }), bundle)).toBe(0);
  });

  it("that is cut off or damaged anywhere is refused", () => {
    const random = new SeededRandom(9);
    for (let time = 0; time < 200; time++) {
      const damaged = bundle.slice(0, time % 2 === 0 ? random.below(bundle.length) : bundle.length);
      const at = random.below(Math.max(damaged.length, 1));
      if (time % 2 === 1) damaged[at] = (damaged[at] ?? 0) ^ (1 << random.below(8));
      expect(refusal(() => readBundle(damaged, "a.wamfw")).code).toBe("WAMLET_INVALID_BUNDLE");
    }
  });
});

describe("a build folder", () => {
  const read = (json: unknown) =>
    readBuildFolder("build", async (path) =>
      path.endsWith("flasher_args.json")
        ? Buffer.from(typeof json === "string" ? json : JSON.stringify(json))
        : appImage("esp32"),
    );

  it("names its images as ESP-IDF does", async () => {
    const firmware = await read({
      flash_files: { "0x1000": "bootloader/bootloader.bin", "0x10000": "hello.bin" },
      app: { offset: "0x10000", file: "hello.bin", encrypted: "false" },
      extra_esptool_args: { chip: "esp32" },
    });
    expect(firmware.images.map(({ name, offset }) => [name, offset])).toEqual([
      ["bootloader/bootloader.bin", 0x1000],
      ["app", 0x10000],
    ]);
    expect(firmware.chip?.name).toBe("ESP32");
  });

  const refused: readonly (readonly [string, unknown, string])[] = [
    ["is no JSON", "{", "WAMLET_INVALID_IMAGE"],
    ["is no object", "7", "WAMLET_INVALID_IMAGE"],
    ["names no files", {}, "WAMLET_INVALID_IMAGE"],
    ["names a file outside", { flash_files: { "0x1000": "../../secret" } }, "WAMLET_INVALID_IMAGE"],
    ["names an absolute path", { flash_files: { "0x1000": "/secret" } }, "WAMLET_INVALID_IMAGE"],
    ["names no offset", { flash_files: { here: "a.bin" } }, "WAMLET_INVALID_IMAGE"],
    ["is for another chip", { extra_esptool_args: { chip: "esp8266" } }, "WAMLET_UNKNOWN_CHIP"],
    [
      "is to be encrypted",
      { flash_files: { "0x1000": "a.bin" }, app: { file: "a.bin", encrypted: "true" } },
      "WAMLET_CHIP_LOCKED",
    ],
  ];
  for (const [what, json, code] of refused) {
    it(`whose flasher_args.json ${what} is refused`, async () => {
      await expect(read(json)).rejects.toMatchObject({ code });
    });
  }

  it("takes offsets in both notations, and nothing else", () => {
    expect(["0x10000", "65536", "0X1000"].map(parseOffset)).toEqual([65536, 65536, 4096]);
    expect(["", "-1", "1e5", "0x", "10 000", "4MB"].map(parseOffset)).toEqual([
      null,
      null,
      null,
      null,
      null,
      null,
    ]);
  });
});
