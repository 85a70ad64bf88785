import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { listBoards, loadBoard } from "../../host/descriptor/load_board.js";
import { packagePath } from "../../host/package_root.js";
import { runWamlet } from "./run_wamlet.js";

describe("wamlet boards", () => {
  it("has a line for every known board, in aligned columns", async () => {
    const { exitCode, stdout } = await runWamlet(["boards"]);
    expect(exitCode).toBe(0);
    const lines = stdout.split("\n");
    const clockEnds = (lines[0] ?? "").indexOf("clock") + "clock".length;
    for (const name of listBoards()) {
      const line = lines.find((each) => each.startsWith(`${name} `)) ?? "";
      expect(line.slice(0, clockEnds)).toMatch(/Hz$/);
    }
  });

  it("--json gives the same descriptors as the library, and the attached ports", async () => {
    const { stdout } = await runWamlet(["boards", "--json"]);
    const { boards, attached } = JSON.parse(stdout);
    expect(boards).toEqual(listBoards().map(loadBoard));
    expect(Array.isArray(attached)).toBe(true);
  });

  it("works from any folder", async () => {
    expect((await runWamlet(["boards"], { cwd: tmpdir() })).exitCode).toBe(0);
  });

  it("with a name shows every figure with its source", async () => {
    const { stdout } = await runWamlet(["boards", "nrf52840"]);
    expect(stdout).toContain("220 KiB");
    expect(stdout).toContain("nRF52840 product specification: 64 MHz");
    expect(stdout).toContain("assumed:");
    expect(stdout).toContain("1366:1015");
  });

  it("checks a descriptor of one's own, and names the wrong field", async () => {
    const folder = mkdtempSync(join(tmpdir(), "wamlet-boards-"));
    try {
      const json = JSON.parse(readFileSync(packagePath("boards", "rp2040.json"), "utf8"));
      writeFileSync(join(folder, "mine.json"), JSON.stringify({ ...json, name: "mine" }));
      expect((await runWamlet(["boards", "./mine.json"], { cwd: folder })).stdout).toMatch(/^mine /);
      writeFileSync(join(folder, "mine.json"), JSON.stringify({ ...json, clockHertz: 125 }));
      const { exitCode, stderr } = await runWamlet(["boards", "./mine.json"], { cwd: folder });
      expect(exitCode).toBe(1);
      expect(stderr).toMatch(/\.\/mine\.json is no valid board descriptor: clockHertz must be object/);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});
