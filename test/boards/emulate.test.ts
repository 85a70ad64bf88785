/** `wamlet emulate --board linux`: builds the agent, says where it is, and leaves nothing behind. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { openBoard } from "../../host/board/board_session.js";
import { hasAgent } from "../../host/emulator/agent_build.js";
import { packagePath } from "../../host/package_root.js";
import { incrementModule } from "../emulator/module_fixtures.js";
import { boardsMissing, boardsUnderTest } from "./board_under_test.js";

/** Starts the verb and waits for its READY line. */
async function emulate(...words: string[]): Promise<{ readonly child: ChildProcess; readonly url: string }> {
  const main = packagePath("dist", "host", "cli", "main.js");
  const child = spawn(process.execPath, [main, "emulate", ...words], { stdio: ["ignore", "pipe", "pipe"] });
  let said = "";
  child.stderr?.on("data", (text) => {
    said += text;
  });
  const url = await new Promise<string>((resolve, reject) => {
    let out = "";
    child.stdout?.setEncoding("utf8").on("data", (text: string) => {
      out += text;
      const found = /^READY (\S+)\n/m.exec(out)?.[1];
      if (found !== undefined) resolve(found);
    });
    child.on("close", (code) => reject(new Error(`ended with ${code}: ${said}`)));
  });
  return { child, url };
}

const boards = boardsUnderTest.filter(({ name }) => hasAgent(name));

describe.skipIf(boards.length === 0)(`wamlet emulate (else ${boardsMissing})`, { timeout: 900_000 }, () => {
  for (const { name } of boards) {
    for (const signal of ["SIGINT", "SIGKILL"] as const) {
      it(`${name}: says READY with a port that works, and is gone after ${signal}`, async () => {
        const { child, url } = await emulate("--board", name);
        const session = await openBoard(url);
        expect(session.info.board).toBe(name);
        await session.deploy(incrementModule("inc", 4), { activate: true });
        const loaded = await session.load();
        // None of them has a sensor, and what they count is no device's cycles.
        expect(await loaded.infer([new Uint8Array(4)])).toMatchObject({
          outputs: [new Uint8Array(4).fill(1)],
          nanojoules: null,
          energySource: "none",
        });
        await session.close();
        child.kill(signal);
        await once(child, "close");
        // The agent ends because its standard input does, a moment after who held it.
        for (;;) {
          const again = await openBoard(url).then(
            (board) => board.close().then(() => true),
            () => false,
          );
          if (!again) break;
        }
      });
    }
  }

  for (const { name } of boards) {
    it(`${name}: listens at a socket of this machine, and leaves none behind`, async () => {
      const folder = mkdtempSync(join(tmpdir(), "wamlet,boards-"));
      const path = join(folder, "board.sock");
      const { child, url } = await emulate("--board", name, "--listen", `unix:${path}`);
      expect(url).toBe(`unix:${path}`);
      const session = await openBoard(url);
      await session.deploy(incrementModule("inc", 4), { activate: true });
      const loaded = await session.load();
      expect((await loaded.infer([new Uint8Array(4)])).outputs).toEqual([new Uint8Array(4).fill(1)]);
      await session.close();
      child.kill("SIGINT");
      await once(child, "close");
      expect(existsSync(path)).toBe(false);
      rmSync(folder, { recursive: true });
    });
  }

  it.skipIf(!boards.some(({ name }) => name === "linux"))("linux: offers a pseudo-terminal", async () => {
    const { child, url } = await emulate("--board", "linux", "--listen", "pty");
    expect(existsSync(url)).toBe(true);
    const session = await openBoard(url);
    await session.deploy(incrementModule("inc", 4), { activate: true });
    const loaded = await session.load();
    expect((await loaded.infer([new Uint8Array(4)])).outputs).toEqual([new Uint8Array(4).fill(1)]);
    await session.close();
    child.kill("SIGINT");
    await once(child, "close");
  });
});
