import { PassThrough } from "node:stream";
import { describe, expect, it } from "vitest";
import { Progress } from "../../host/cli/progress.js";

/** A stream that remembers, as a terminal of 40 columns or as a file. */
function screen(isTTY: boolean): {
  stream: PassThrough & { isTTY: boolean; columns: number };
  text: () => string;
} {
  const stream = Object.assign(new PassThrough(), { isTTY, columns: 40 });
  let text = "";
  stream.on("data", (chunk: Buffer) => {
    text += chunk.toString();
  });
  return { stream, text: () => text };
}

describe("progress on a terminal", () => {
  it("rewrites one line, within the width, and takes it away", () => {
    const { stream, text } = screen(true);
    const progress = new Progress(stream, {});
    progress.show(`compiling ${"x".repeat(80)}`);
    const line = text().replace("\r\x1b[2K", "");
    expect(line).toHaveLength(39);
    expect(line).not.toContain("\n");
    progress.clear();
    expect(text().endsWith("\r\x1b[2K")).toBe(true);
  });

  it("skips what comes too fast, but not what comes after a note", () => {
    const { stream, text } = screen(true);
    const progress = new Progress(stream, {});
    for (let frame = 0; frame < 1000; frame++) progress.show(`frame ${frame}`, frame / 1000);
    expect(text().split("\r").length).toBeLessThan(100);
    progress.note("half way");
    progress.show("frame 1000");
    expect(text()).toMatch(/half way\n.*frame 1000$/s);
  });
});

describe("progress elsewhere", () => {
  it.each([
    ["a file", false, {}],
    ["a dumb terminal", true, { TERM: "dumb" }],
    ["continuous integration", true, { CI: "true" }],
  ] as const)("into %s is only the notes", (_name, isTTY, environment) => {
    const { stream, text } = screen(isTTY);
    const progress = new Progress(stream, environment);
    progress.show("frame 1", 0.5);
    progress.note("200 frames done");
    progress.clear();
    expect(text()).toBe("200 frames done\n");
  });
});
