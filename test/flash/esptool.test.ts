/**
 * The simulator is held to Espressif's own esptool: what it flashes is in the simulated flash byte for byte, and what
 * it reads is what the flash holds. Needs esptool 5 (`pip install esptool`): in .venv, on the PATH, or named by
 * WAMLET_ESPTOOL.
 */
import { execFile, execFileSync } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { packagePath } from "../../host/package_root.js";
import { usualImages } from "./firmware_material.js";
import { SimulatedChip } from "./rom_loader.js";
import { serveChip } from "./simulated_line.js";
import { type SimulatedChipName, simulatedChips } from "./simulated_registers.js";

const esptool = findEsptool();

function findEsptool(): string | null {
  const candidates = [process.env.WAMLET_ESPTOOL, packagePath(".venv", "bin", "esptool"), "esptool"];
  for (const candidate of candidates) {
    if (candidate === undefined || (candidate.includes("/") && !existsSync(candidate))) continue;
    try {
      const version = execFileSync(candidate, ["version"], {
        encoding: "utf8",
        stdio: ["ignore", "pipe", "ignore"],
      });
      if (/esptool v[5-9]/.test(version)) return candidate;
    } catch {
      // Not there, or not runnable: the next one.
    }
  }
  return null;
}

let folder = "";
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "wamlet-esptool-"));
});
afterAll(() => rmSync(folder, { recursive: true }));

/** Runs esptool against a chip on a socket; what it printed. */
async function runEsptool(chip: SimulatedChip, words: readonly string[]): Promise<string> {
  const served = await serveChip(chip);
  try {
    return await new Promise((resolve, reject) => {
      const line = ["--port", `socket://127.0.0.1:${served.port}`, "--after", "no-reset", ...words];
      execFile(esptool ?? "", line, { encoding: "utf8" }, (error, stdout, stderr) => {
        if (error === null) resolve(stdout);
        else reject(new Error(`esptool ${line.join(" ")}\n${stdout}\n${stderr}`));
      });
    });
  } finally {
    await served.close();
  }
}

function files(kind: SimulatedChipName): { words: string[]; images: ReturnType<typeof usualImages> } {
  const images = usualImages(kind, { bytes: 120_000, description: { project: "agent", version: "0.1.0" } });
  const words = images.flatMap(({ name, offset, data }) => {
    const path = join(folder, `${kind}-${name}.bin`);
    writeFileSync(path, data);
    return [`0x${offset.toString(16)}`, path];
  });
  return { words, images };
}

describe.skipIf(esptool === null)(
  "Espressif's esptool (needs esptool 5: .venv, PATH or WAMLET_ESPTOOL)",
  () => {
    for (const kind of Object.keys(simulatedChips) as SimulatedChipName[]) {
      // One ROM of each kind: the first, and one with what came later.
      const ways = kind === "esp32" || kind === "esp32c3" ? [[], ["--no-stub"]] : [[]];
      for (const how of ways) {
        it(`flashes a simulated ${kind} ${how.length === 0 ? "by the stub" : "by its ROM"}, byte for byte`, async () => {
          const chip = new SimulatedChip({ kind, download: true });
          const { words, images } = files(kind);
          const said = await runEsptool(chip, [...how, "write-flash", "--flash-size", "keep", ...words]);
          expect(said).toContain(simulatedChips[kind].name);
          expect(said.match(/Hash of data verified/g)).toHaveLength(images.length);
          expect(chip.stubUploads).toBe(how.length === 0 ? 1 : 0);
          for (const { offset, data } of images) {
            expect(Buffer.compare(chip.flash.content.subarray(offset, offset + data.length), data)).toBe(0);
          }
        });
      }
    }

    it("without compression writes the same", async () => {
      const chip = new SimulatedChip({ download: true });
      const { words, images } = files("esp32");
      await runEsptool(chip, ["write-flash", "--no-compress", "--flash-size", "keep", ...words]);
      for (const { offset, data } of images) {
        expect(Buffer.compare(chip.flash.content.subarray(offset, offset + data.length), data)).toBe(0);
      }
    });

    it("reads what the simulated flash holds, and finds its size", async () => {
      const chip = new SimulatedChip({ kind: "esp32c3", download: true, flashBytes: 8 << 20 });
      const path = join(folder, "read.bin");
      await runEsptool(chip, ["read-flash", "0x1000", "0x5000", path]);
      expect(Buffer.compare(readFileSync(path), chip.flash.content.subarray(0x1000, 0x6000))).toBe(0);
      expect(await runEsptool(chip, ["flash-id"])).toMatch(/flash size: 8MB/i);
    });

    it("erases the simulated flash", async () => {
      const chip = new SimulatedChip({ kind: "esp32s3", download: true });
      await runEsptool(chip, ["erase-flash"]);
      expect(chip.flash.content.every((byte) => byte === 0xff)).toBe(true);
    });
  },
);
