/** `wamlet flash --board …` for boards of this computer: builds what `wamlet emulate` starts, and says where it is. */
import { existsSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { hasAgent } from "../../host/emulator/agent_build.js";
import { runWamlet } from "../cli/run_wamlet.js";
import { boardsMissing, boardsUnderTest } from "./board_under_test.js";

const boards = boardsUnderTest.filter(({ name }) => hasAgent(name));

describe.skipIf(boards.length === 0)(`wamlet flash (else ${boardsMissing})`, { timeout: 900_000 }, () => {
  for (const { name } of boards) {
    it(`${name}: builds the firmware and names the next command`, async () => {
      const { exitCode, stdout } = await runWamlet(["flash", "--board", name]);
      expect(exitCode).toBe(0);
      expect(stdout).toContain(`wamlet emulate --board ${name}`);
      const { stdout: json } = await runWamlet(["flash", "--board", name, "--json"]);
      const { image, size } = JSON.parse(json);
      expect(existsSync(image)).toBe(true);
      if (name === "linux") return;
      expect(size.flashBytes).toBeLessThanOrEqual(size.budget.flashBytes);
      expect(size.ramBytes).toBeLessThanOrEqual(size.budget.ramBytes);
      const { stdout: listed } = await runWamlet(["flash", "--board", name, "--list", "--json"]);
      expect(JSON.parse(listed)).toEqual({ board: name, image, built: true, size });
    });

    it(`${name}: refuses a port and files, for there is no line to send them by`, async () => {
      for (const words of [["--port", "/dev/ttyUSB0"], ["agent.wamfw"]]) {
        const { exitCode, stderr } = await runWamlet(["flash", "--board", name, ...words]);
        expect(exitCode).toBe(2);
        expect(stderr).toContain(`wamlet flash --board ${name}`);
      }
    });
  }
});
