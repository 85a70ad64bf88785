/** `npm run calibrate`: the committed cost tables are what the emulated boards give, to the byte. */
import { execFile, spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { describe, expect, it, onTestFinished } from "vitest";
import { loadBoard } from "../../host/descriptor/load_board.js";
import { readPort } from "../../host/emulator/firmware_build.js";
import { packagePath } from "../../host/package_root.js";
import { boardsMissing, boardsUnderTest } from "./board_under_test.js";

const execute = promisify(execFile);
const counting = boardsUnderTest.filter(({ name }) => name.startsWith("qemu-"));
const tableOf = (name: string) => readFileSync(packagePath("boards", "costs", `${name}.json`), "utf8");

describe.skipIf(counting.length === 0)(`npm run calibrate (else ${boardsMissing})`, () => {
  for (const { name: board } of counting) {
    it(`${board} gives its committed table again`, { timeout: 600_000 }, async (context) => {
      const table = loadBoard(board).cost.name;
      const { compiler } = readPort(board);
      const version = spawnSync(compiler, ["-dumpfullversion"], { encoding: "utf8" }).stdout.trim();
      const committed = tableOf(table);
      if (!committed.includes(`${compiler} ${version} `)) context.skip(`${compiler} is of another version`);
      const folder = mkdtempSync(join(tmpdir(), "wamlet-calibrate-"));
      onTestFinished(() => rmSync(folder, { recursive: true }));
      const out = join(folder, `${table}.json`);
      const script = packagePath("boards", "calibration", "calibrate.mjs");
      await execute(process.execPath, [script, "--board", board, "--out", out]);
      expect(readFileSync(out, "utf8")).toBe(committed);
    });
  }

  it("says of Xtensa that its table is assumed: rv32imac with Cortex-M4's FPU", () => {
    const [xtensa, rv32imac, armv7em] = ["xtensa", "rv32imac", "armv7em"].map((name) =>
      JSON.parse(tableOf(name)),
    );
    expect(xtensa.source).toMatch(/^assumed: /);
    expect(xtensa.opcode).toEqual({ ...rv32imac.opcode, f32Arithmetic: armv7em.opcode.f32Arithmetic });
    expect([xtensa.memoryInit, xtensa.memoryCopy, xtensa.call]).toEqual([
      rv32imac.memoryInit,
      rv32imac.memoryCopy,
      rv32imac.call,
    ]);
  });
});
