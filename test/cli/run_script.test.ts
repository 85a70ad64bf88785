/** What `npm run bench:boards` and the repository's other scripts say of wrong words. */
import { spawnSync } from "node:child_process";
import { describe, expect, it } from "vitest";
import { oneOf, scriptOptions } from "../../host/cli/run_script.js";
import { packagePath } from "../../host/package_root.js";

describe("a script's words", () => {
  it("are refused with what to write instead", () => {
    const options = { board: { type: "string" } } as const;
    expect(scriptOptions({ args: ["--board", "a"], options }, "Write --board NAME.").values.board).toBe("a");
    expect(() => scriptOptions({ args: ["--bord", "a"], options }, "Write --board NAME.")).toThrow(
      expect.objectContaining({ code: "WAMLET_USAGE", hint: "Write --board NAME." }),
    );
  });

  it("are one of what is known", () => {
    expect(oneOf("--board", "b", ["a", "b"])).toBe("b");
    expect(() => oneOf("--board", "c", ["a", "b"])).toThrow(
      expect.objectContaining({ code: "WAMLET_USAGE", hint: "Known are a, b." }),
    );
  });

  it.each([
    ["boards/calibration/calibrate.mjs", ["--board", "nowhere"]],
    ["boards/calibration/overhead.mjs", ["--board", "nowhere"]],
    ["boards/ports/firmware.mjs", ["nowhere"]],
    ["test/boards/run.mjs", ["--board", "nowhere"]],
  ])("%s tells a failure as the command does, without a stack", (script, words) => {
    const { status, stderr } = spawnSync(process.execPath, [packagePath(...script.split("/")), ...words], {
      encoding: "utf8",
    });
    expect(status).toBe(2);
    expect(stderr).toMatch(/^error: .*nowhere.* \[WAMLET_USAGE\]\nhint: .*\n$/);
  });
});
