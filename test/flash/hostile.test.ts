/** Damaged firmware: images, partition tables, bundles, and ESP-IDF's description of a build. */
import { createHash } from "node:crypto";
import { relative } from "node:path";
import { describe, expect, it } from "vitest";
import { readAppImage } from "../../host/flash/app_image.js";
import { readBuildFolder } from "../../host/flash/build_folder.js";
import { readBundle, writeBundle } from "../../host/flash/bundle.js";
import { requireChip } from "../../host/flash/chip.js";
import { checkFirmware } from "../../host/flash/firmware.js";
import { readPartitionTable } from "../../host/flash/partition_table.js";
import { mutatedJson } from "../fuzz/mutations.js";
import { describeSurvival } from "../fuzz/survival.js";
import { appImage, partitionTable, usualImages } from "./firmware_material.js";

const description = { project: "wamlet", version: "0.1.0" };
const image = appImage("esp32", { bytes: 400, description });

/** Checksum and SHA-256 of an image with one segment made right again. */
function repairImage(bytes: Uint8Array): Uint8Array {
  const end = bytes.length - 32;
  if (end < 48) return bytes;
  const repaired = Buffer.from(bytes);
  repaired[end - 1] = repaired.subarray(32, end - 16).reduce((sum, byte) => sum ^ byte, 0xef);
  repaired.set(createHash("sha256").update(repaired.subarray(0, end)).digest(), end);
  return repaired;
}

describeSurvival({
  name: "images",
  file: image,
  wholeOnly: true,
  repair: repairImage,
  read(bytes) {
    const app = readAppImage(bytes, "app.bin");
    expect(app.bytes).toBeLessThanOrEqual(bytes.length);
    checkFirmware({
      chip: null,
      agentVersion: null,
      images: [{ name: "app", offset: 0x10000, data: bytes }],
    });
  },
});

const table = partitionTable().slice(0, 160);

describeSurvival({
  name: "partition tables",
  file: table,
  // The MD5 over the three entries made right again.
  repair(bytes) {
    if (bytes.length < 128) return bytes;
    const repaired = Buffer.from(bytes);
    repaired.set(createHash("md5").update(repaired.subarray(0, 96)).digest(), 112);
    return repaired;
  },
  read(bytes) {
    expect(readPartitionTable(bytes, "partition-table.bin").length).toBeLessThanOrEqual(bytes.length / 32);
  },
});

const images = usualImages("esp32").map((each) =>
  each.name === "partition-table" ? each : { ...each, data: appImage("esp32", { bytes: 300, description }) },
);
const firmware = { chip: requireChip("esp32", "this test"), agentVersion: "0.1.0", images };

/** The SHA-256 of a whole bundle made right again; those of its images stay. */
function repairBundle(bytes: Uint8Array): Uint8Array {
  if (bytes.length < 32) return bytes;
  const repaired = Buffer.from(bytes);
  const body = repaired.subarray(0, repaired.length - 32);
  repaired.set(createHash("sha256").update(body).digest(), body.length);
  return repaired;
}

describeSurvival({
  name: "bundles",
  file: writeBundle(firmware),
  wholeOnly: true,
  repair: repairBundle,
  read: (bytes) => checkFirmware(readBundle(bytes, "agent.wfw")),
});

const built = {
  write_flash_args: ["--flash_mode", "dio"],
  flash_files: Object.fromEntries(
    images.map(({ name, offset }) => [`0x${offset.toString(16)}`, `${name}.bin`]),
  ),
  bootloader: { offset: "0x1000", file: "bootloader.bin", encrypted: "false" },
  app: { offset: "0x10000", file: "app.bin", encrypted: "false" },
  extra_esptool_args: { chip: "esp32", before: "default_reset" },
};

describeSurvival({
  name: "build folders",
  file: Uint8Array.from(Buffer.from(JSON.stringify(built))),
  wholeOnly: true,
  mutate: mutatedJson,
  async read(bytes) {
    const asked: string[] = [];
    const found = await readBuildFolder("build", async (path) => {
      if (path.endsWith("flasher_args.json")) return bytes;
      asked.push(path);
      return images.find(({ name }) => path.endsWith(`${name}.bin`))?.data ?? image;
    });
    for (const path of asked) expect(relative("build", path).startsWith("..")).toBe(false);
    checkFirmware(found);
  },
});

describe("a bundle", () => {
  it("whose description is damaged and whose hash is right is read or refused, wherever the damage is", () => {
    const whole = writeBundle(firmware);
    let refused = 0;
    for (let at = 16; at < 400; at++) {
      const damaged = Uint8Array.from(whole);
      damaged[at] = (damaged[at] ?? 0) ^ 4;
      try {
        checkFirmware(readBundle(repairBundle(damaged), "agent.wfw"));
      } catch (error) {
        expect(error).toMatchObject({ name: "WamletError" });
        refused++;
      }
    }
    expect(refused).toBeGreaterThan(100);
  });
});
