import { describe, expect, it } from "vitest";
import { parseCommandLine } from "../../host/cli/command_line.js";
import { plainHelp } from "../../host/cli/help.js";
import { verbs } from "../../host/cli/verbs.js";
import { packagePath } from "../../host/package_root.js";
import { runWamlet } from "./run_wamlet.js";

const widths = [40, 41, 47, 60, 72, 79, 80, 81, 97, 99, 100, 200];

describe("help without yargs", () => {
  it.each([[[]], ...Object.keys(verbs).map((name) => [[name]])])(
    "%j --help is to the character what yargs prints, at any width",
    async (words: string[]) => {
      for (const columns of [...widths, undefined]) {
        expect(await plainHelp([...words, "--help"], columns)).toBe(
          await parseCommandLine([...words, "--help"], columns),
        );
      }
      expect(await plainHelp([...words, "-h"], 80)).toBe(await plainHelp([...words, "--help"], 80));
    },
  );

  it("gives the version that yargs gives", async () => {
    const version = await plainHelp(["--version"], 80);
    expect(version).toMatch(/^\d+\.\d+\.\d+/);
    expect(await parseCommandLine(["--version"], 80)).toBe(version);
  });

  it("leaves everything else to yargs, which finds help in it, too", async () => {
    for (const words of [
      ["--help", "stream"],
      ["stream", "frames.csv", "--help"],
      ["stream", "--help", "--json"],
    ]) {
      expect(await plainHelp(words, 80)).toBeNull();
      expect(await parseCommandLine(words, 80)).toBe(await plainHelp(["stream", "--help"], 80));
    }
    for (const words of [[], ["--hlep"], ["toString", "--help"], ["stream"]]) {
      expect(await plainHelp(words, 80)).toBeNull();
    }
    expect(await plainHelp(["--help"], 39)).toBeNull();
  });

  it.each([["--help"], ["--version"], ...Object.keys(verbs).map((name) => [name, "--help"])])(
    "%s %s loads nothing but colours from outside, and no room that does work",
    async (...words) => {
      const { exitCode, stderr } = await runWamlet(words, {
        nodeOptions: ["--import", packagePath("test", "cli", "fixtures", "print_resolved_modules.mjs")],
      });
      expect(exitCode).toBe(0);
      const packages = [...stderr.matchAll(/node_modules\/((?:@[^/]+\/)?[^/]+)/g)].map(([, name]) => name);
      expect([...new Set(packages)]).toEqual(["picocolors"]);
      const rooms = [...stderr.matchAll(/dist\/host\/(\w+)\//g)].map(([, name]) => name);
      // How a USB identity is written is the descriptor's.
      expect([...new Set(rooms)].filter((room) => room !== "descriptor")).toEqual(["cli"]);
    },
  );
});
