/** UF2 files and the drives they go to. */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";
import { loadBoard } from "../../host/descriptor/load_board.js";
import { serveBoard } from "../../host/emulator/serve.js";
import { isUf2, readUf2 } from "../../host/flash/uf2.js";
import { chooseUf2Drive, copyToDrive, findUf2Drives } from "../../host/flash/uf2_drive.js";
import { runWamlet } from "../cli/run_wamlet.js";
import { noise } from "./firmware_material.js";

const rp2040 = 0xe48bff56;

/** Blocks of 256 bytes, as picotool writes them. */
function uf2(bytes: number, family = rp2040): Buffer {
  const payload = noise(bytes, 4);
  const total = Math.ceil(bytes / 256);
  return Buffer.concat(
    Array.from({ length: total }, (_, number) => {
      const block = Buffer.alloc(512);
      const part = payload.subarray(number * 256, number * 256 + 256);
      const words = [
        0x0a324655,
        0x9e5d5157,
        0x2000,
        0x10000000 + number * 256,
        part.length,
        number,
        total,
        family,
      ];
      for (const [index, word] of words.entries()) block.writeUInt32LE(word, index * 4);
      block.set(part, 32);
      block.writeUInt32LE(0x0ab16f30, 508);
      return block;
    }),
  );
}

function drives(...boardIds: string[]): string {
  const root = mkdtempSync(join(tmpdir(), "wamlet-uf2-"));
  onTestFinished(() => rmSync(root, { recursive: true }));
  for (const boardId of boardIds) {
    mkdirSync(join(root, boardId));
    writeFileSync(
      join(root, boardId, "INFO_UF2.TXT"),
      `UF2 Bootloader v3.0\r\nModel: X\r\nBoard-ID: ${boardId}\r\n`,
    );
  }
  mkdirSync(join(root, "a stick"));
  return root;
}

describe("a UF2 file", () => {
  it("says which family it is for, how much and where", () => {
    expect(isUf2(uf2(1000))).toBe(true);
    expect([...readUf2(uf2(1000), "a.uf2").families]).toMatchObject([
      [rp2040, { blocks: 4, bytes: 1000, address: 0x10000000 }],
    ]);
  });

  it("may hold a block for another family before, as picotool writes one", () => {
    const { families } = readUf2(Buffer.concat([uf2(200, 0xe48bff57), uf2(600)]), "a.uf2");
    expect([...families.keys()]).toEqual([0xe48bff57, rp2040]);
  });

  it("is refused where it is cut off, damaged, or has blocks missing or doubled", () => {
    const whole = uf2(2000);
    const damaged = Buffer.from(whole);
    damaged[512] = 0;
    const wrong: readonly (readonly [Buffer, RegExp])[] = [
      [whole.subarray(0, 700), /cut off/],
      [Buffer.alloc(0), /cut off/],
      [damaged, /block 1 is none/],
      [whole.subarray(0, -512), /1 of 8 blocks are missing/],
      [Buffer.concat([whole, whole.subarray(0, 512)]), /there twice/],
    ];
    for (const [bytes, why] of wrong) expect(() => readUf2(bytes, "a.uf2")).toThrow(why);
  });
});

describe("a UF2 drive", () => {
  const pico = loadBoard("rp2040");
  const loader = pico.uf2 ?? expect.unreachable("RP2040 takes UF2 files");

  it("is found by what it says, among other drives", async () => {
    const root = drives("RPI-RP2", "nRF52840-Feather");
    const found = await findUf2Drives([root, join(root, "nowhere")]);
    expect(found.map(({ boardId }) => boardId).sort()).toEqual(["RPI-RP2", "nRF52840-Feather"]);
    expect(chooseUf2Drive(found, loader, pico.title, undefined).path).toBe(join(root, "RPI-RP2"));
  });

  it("that is not there is an error that names the button, and two of them are never guessed between", async () => {
    const none = await findUf2Drives([drives("nRF52840-Feather")]);
    expect(() => chooseUf2Drive(none, loader, pico.title, undefined)).toThrow(
      expect.objectContaining({ code: "WAMLET_NO_UF2_DRIVE", hint: expect.stringContaining("BOOTSEL") }),
    );
    const two = await findUf2Drives([drives("RPI-RP2", "RPI-RP2-second")]);
    expect(() => chooseUf2Drive(two, loader, pico.title, undefined)).toThrow(
      expect.objectContaining({ code: "WAMLET_PORT_AMBIGUOUS", hint: expect.stringContaining("--drive") }),
    );
  });

  it("gets the file whole; one that fails on the way is an error", async () => {
    const root = drives("RPI-RP2");
    const path = join(root, "RPI-RP2");
    const firmware = uf2(100_000);
    const shares: number[] = [];
    await copyToDrive({ path, boardId: "RPI-RP2" }, firmware, (share) => shares.push(share));
    expect(Buffer.compare(readFileSync(join(path, "WAMLET.UF2")), firmware)).toBe(0);
    expect(shares.at(-1)).toBe(1);
    rmSync(join(path, "WAMLET.UF2"));
    mkdirSync(join(path, "WAMLET.UF2"));
    await expect(copyToDrive({ path, boardId: "RPI-RP2" }, firmware, () => {})).rejects.toMatchObject({
      code: "WAMLET_LINE_CLOSED",
    });
  });

  it("is what wamlet flash copies to, before it asks the agent what it is", async () => {
    const root = drives("RPI-RP2");
    const file = join(root, "agent.uf2");
    writeFileSync(file, uf2(5000));
    const agent = await serveBoard({ board: pico, listen: "tcp:0", pace: "fast" });
    onTestFinished(() => agent.close());
    const drive = join(root, "RPI-RP2");
    const { stdout, exitCode } = await runWamlet(["flash", file, "--drive", drive, "--port", agent.url]);
    expect(exitCode).toBe(0);
    expect(stdout).toContain(`copied to ${drive}`);
    expect(stdout).toMatch(/rp2040 {2}agent/);
    expect(Buffer.compare(readFileSync(join(drive, "WAMLET.UF2")), readFileSync(file))).toBe(0);
  });

  it("gets nothing that is for other chips", async () => {
    const file = join(drives(), "other.uf2");
    writeFileSync(file, uf2(5000, 0xada52840));
    const { stderr, exitCode } = await runWamlet(["flash", file]);
    expect(exitCode).toBe(1);
    expect(stderr).toMatch(/family 0xada52840.*\[WAMLET_WRONG_CHIP\]/);
  });
});
