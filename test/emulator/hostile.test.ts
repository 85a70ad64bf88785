/** Damaged flash files of virtual boards, and module stores on damaged flash. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import crc32 from "crc-32";
import { afterAll, expect } from "vitest";
import { Flash } from "../../host/emulator/flash.js";
import { FlashFile } from "../../host/emulator/flash_file.js";
import { flashGeometry } from "../../host/emulator/flash_geometry.js";
import { Refusal } from "../../host/emulator/refusal.js";
import { ModuleStore } from "../../host/emulator/store.js";
import { WamletError } from "../../host/errors.js";
import { describeSurvival } from "../fuzz/survival.js";
import { deploy, deployable, mount, newFlash, type StoreFigures } from "./store_fixtures.js";

const folder = mkdtempSync(join(tmpdir(), "wamlet-flash-"));
afterAll(() => rmSync(folder, { recursive: true }));
const path = join(folder, "board.flash");

const tiny: StoreFigures = { slots: 2, slotBytes: 4096, sectorBytes: 2048, wordBytes: 4 };
const geometry = flashGeometry(tiny);
const headerBytes = 32;
const recordBytes = geometry.sectorBytes + 4;

/** A store with an active module and a deploy that was begun. */
function usedFlash(): Flash {
  const flash = newFlash(tiny);
  const store = mount(flash, tiny);
  deploy(store, deployable("a", 1, 300));
  store.activate("a");
  store.begin(deployable("b", 2, 500).manifestBytes);
  return flash;
}

/** Mounts a store on a flash and uses it; a store refuses with a Refusal, which the device makes an answer of. */
function use(flash: Flash): void {
  try {
    const store = new ModuleStore(flash, tiny);
    for (const module of store.list())
      expect(store.payload(module).length).toBe(module.manifest.payloadBytes);
    deploy(store, deployable("c", 3, 200));
    expect(store.list().map(({ name }) => name)).toContain("c");
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    throw new WamletError("WAMLET_BOARD_REFUSED", error.message, "what the host makes of it", {
      cause: error,
    });
  }
}

const content = usedFlash().read(0, geometry.sectors * geometry.sectorBytes);

function flashOf(bytes: Uint8Array): Flash {
  const flash = newFlash(tiny);
  for (let sector = 0; sector < geometry.sectors; sector++) {
    const from = sector * geometry.sectorBytes;
    const whole = new Uint8Array(geometry.sectorBytes).fill(0xff);
    whole.set(bytes.subarray(from, from + geometry.sectorBytes));
    flash.program(from, whole);
  }
  return flash;
}

describeSurvival({
  name: "module stores",
  file: content,
  refuses: false,
  read: (bytes) => use(flashOf(bytes)),
});

/** The flash file of these contents. */
function fileOf(bytes: Uint8Array): Uint8Array {
  rmSync(path, { force: true });
  const file = FlashFile.open(path, geometry);
  file.bytes.set(bytes);
  for (let sector = 0; sector < geometry.sectors; sector++) file.writeSector(sector);
  file.close();
  return Uint8Array.from(readFileSync(path));
}

describeSurvival({
  name: "flash files",
  file: fileOf(content),
  wholeOnly: true,
  // Check sums of all sectors made right again.
  repair(bytes) {
    const repaired = Buffer.from(bytes);
    for (let at = headerBytes; at + recordBytes <= repaired.length; at += recordBytes) {
      const sector = repaired.subarray(at, at + geometry.sectorBytes);
      repaired.writeInt32LE(crc32.buf(sector), at + geometry.sectorBytes);
    }
    return repaired;
  },
  read(bytes) {
    writeFileSync(path, bytes);
    const file = FlashFile.open(path, geometry);
    try {
      use(new Flash(geometry, file));
    } finally {
      file.close();
    }
  },
});
