import { execFile } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { promisify } from "node:util";
import { describe, expect, it } from "vitest";
import { verbs } from "../../host/cli/verbs.js";
import { packagePath } from "../../host/package_root.js";
import { runWamlet } from "./run_wamlet.js";

const shell = promisify(execFile);
const main = packagePath("dist", "host", "cli", "main.js");

describe("wamlet --help", () => {
  it("lists every verb and exits with 0", async () => {
    const { exitCode, stdout, stderr } = await runWamlet(["--help"]);
    expect(exitCode).toBe(0);
    expect(stderr).toBe("");
    for (const name of Object.keys(verbs)) expect(stdout).toMatch(new RegExp(`wamlet ${name}\\b`));
  });

  it.each(Object.keys(verbs))("%s --help shows what it is for, with examples", async (name) => {
    const { exitCode, stdout } = await runWamlet([name, "--help"]);
    expect(exitCode).toBe(0);
    expect(stdout).toMatch(new RegExp(`^Usage: wamlet ${name} (\\S+ )*\\[options\\]\n`));
    expect(stdout).toContain("Examples:");
    expect(stdout).toContain("--json");
  });

  it("fits a hundred columns", async () => {
    for (const words of [[], ...Object.keys(verbs).map((name) => [name])]) {
      const { stdout } = await runWamlet([...words, "--help"]);
      for (const line of stdout.split("\n")) expect(line.length).toBeLessThanOrEqual(100);
    }
  });

  it("--version prints the version of the package", async () => {
    const { version } = JSON.parse(readFileSync(packagePath("package.json"), "utf8")) as { version: string };
    expect(await runWamlet(["--version"])).toEqual({ exitCode: 0, stdout: `${version}\n`, stderr: "" });
  });
});

describe("wamlet validate", () => {
  it("says of a model that cannot be read what to do, as every verb does", async () => {
    const file = packagePath("package.json");
    const { exitCode, stdout, stderr } = await runWamlet([
      "validate",
      file,
      "--input",
      file,
      "--golden",
      file,
    ]);
    expect(exitCode).not.toBe(0);
    expect(stdout + stderr).toMatch(/WAMLET_[A-Z_]+/);
    expect(stdout + stderr).toMatch(/^hint: /m);
  });
});

describe("a wrong command line", () => {
  const wrong: [string[], RegExp][] = [
    [[], /No verb given/],
    [["bords"], /There is no verb "bords"\. Did you mean boards\?/],
    [["frobnicate"], /There is no verb "frobnicate"\. \[/],
    [["boards", "--jsn"], /There is no option --jsn\. Did you mean --json\?/],
    [["boards", "--quite-unknown=3"], /There is no option --quite-unknown\. \[/],
    [["boards", "esp32", "esp32s3"], /"esp32s3" is an argument too many/],
  ];
  it.each(wrong)(
    "%j is answered on stderr with what was probably meant, and exit code 2",
    async (words, message) => {
      const { exitCode, stdout, stderr } = await runWamlet(words);
      expect(exitCode).toBe(2);
      expect(stdout).toBe("");
      expect(stderr).toMatch(message);
      expect(stderr).toContain("[WAMLET_USAGE]");
      expect(stderr).toMatch(/^hint: wamlet .*--help/m);
    },
  );

  it("with --json is answered with JSON on stdout", async () => {
    const { exitCode, stdout, stderr } = await runWamlet(["bords", "--json"]);
    expect(exitCode).toBe(2);
    expect(stderr).toBe("");
    expect(JSON.parse(stdout).error).toMatchObject({ code: "WAMLET_USAGE", hint: expect.any(String) });
  });
});

describe("a failure", () => {
  it("is a sentence, a code and a hint on stderr, without a stack, and exit code 1", async () => {
    const { exitCode, stdout, stderr } = await runWamlet(["boards", "esp33"]);
    expect(exitCode).toBe(1);
    expect(stdout).toBe("");
    expect(stderr.split("\n")).toEqual([
      expect.stringMatching(/^error: No board is called "esp33"\..* \[WAMLET_UNKNOWN_BOARD\]$/),
      expect.stringMatching(/^hint: Known boards: /),
      "",
    ]);
  });

  it("shows its stack with --verbose", async () => {
    const { stderr } = await runWamlet(["boards", "esp33", "--verbose"]);
    expect(stderr).toMatch(/^ {4}at /m);
  });

  it("is JSON on stdout with --json, before or after the verb", async () => {
    for (const words of [
      ["--json", "boards", "esp33"],
      ["boards", "esp33", "--json"],
    ]) {
      const { exitCode, stdout, stderr } = await runWamlet(words);
      expect(exitCode).toBe(1);
      expect(stderr).toBe("");
      expect(JSON.parse(stdout).error.code).toBe("WAMLET_UNKNOWN_BOARD");
    }
  });
});

describe("colours", () => {
  it("are absent where no terminal reads, present with FORCE_COLOR, absent with NO_COLOR", async () => {
    const escapeSequence = "\x1b[";
    const words = ["boards", "esp32"];
    expect((await runWamlet(words)).stdout).not.toContain(escapeSequence);
    expect((await runWamlet(words, { environment: { FORCE_COLOR: "1" } })).stdout).toContain(escapeSequence);
    const both = { FORCE_COLOR: "1", NO_COLOR: "1" };
    expect((await runWamlet(words, { environment: both })).stdout).not.toContain(escapeSequence);
  });
});

describe.skipIf(process.platform === "win32")("the output", () => {
  it("may be closed early by its reader, as head does: no error, exit code 0", async () => {
    const script = `set -o pipefail; "${process.execPath}" "${main}" boards --json | true`;
    expect(await shell("bash", ["-c", script])).toEqual({ stdout: "", stderr: "" });
  });

  it.skipIf(!existsSync("/dev/full"))("that cannot be written is a failure", async () => {
    const script = `"${process.execPath}" "${main}" boards > /dev/full; echo $?`;
    const { stdout, stderr } = await shell("bash", ["-c", script]);
    expect(stdout).toBe("1\n");
    expect(stderr).toContain("WAMLET_FILE_UNWRITABLE");
  });
});
