import { spawn } from "node:child_process";
import { describe, expect, it } from "vitest";
import { packagePath } from "../../host/package_root.js";

/** Starts the fixture, sends the signals one after another once it works, and collects what it says. */
function interrupt(
  signals: readonly NodeJS.Signals[],
  ...words: string[]
): Promise<{ code: number | null; text: string }> {
  const child = spawn(
    process.execPath,
    [
      packagePath("test", "cli", "fixtures", "work_until_aborted.mjs"),
      packagePath("dist", "host", "cli", "interruption.js"),
      ...words,
    ],
    { stdio: ["ignore", "pipe", "inherit"] },
  );
  let text = "";
  child.stdout.setEncoding("utf8").on("data", (chunk: string) => {
    const before = text;
    text += chunk;
    if (!before.includes("started") && text.includes("started")) {
      signals.forEach((signal, index) => void setTimeout(() => child.kill(signal), 50 * index));
    }
  });
  return new Promise((resolve) => child.on("close", (code) => resolve({ code, text })));
}

describe.skipIf(process.platform === "win32")("an interruption", () => {
  it.each(["SIGINT", "SIGTERM"] as const)(
    "by %s lets the verb leave in order, then says so",
    async (signal) => {
      expect(await interrupt([signal])).toEqual({
        code: 2,
        text: "started\nclosed the port\nWAMLET_INTERRUPTED\n",
      });
    },
  );

  it("leaves a verb that does not listen behind", async () => {
    expect(await interrupt(["SIGINT"], "deaf")).toEqual({ code: 2, text: "started\nWAMLET_INTERRUPTED\n" });
  });

  it("ends the process at once when it comes twice", async () => {
    expect(await interrupt(["SIGINT", "SIGINT"], "deaf")).toEqual({ code: 2, text: "started\n" });
  });
});
