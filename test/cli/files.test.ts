import {
  chmodSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { readFileBytes, readFileText } from "../../host/cli/read_file.js";
import { writeFileWhole } from "../../host/cli/write_file.js";

let folder = "";
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "wamlet-files-"));
});
afterEach(() => rmSync(folder, { recursive: true }));

describe("writing a file", () => {
  it("writes it whole and leaves nothing else behind", async () => {
    const path = join(folder, "model.wasm");
    await writeFileWhole(path, Uint8Array.of(1, 2, 3));
    await writeFileWhole(path, "text");
    expect(readFileSync(path, "utf8")).toBe("text");
    expect(readdirSync(folder)).toEqual(["model.wasm"]);
  });

  it("keeps the permissions of the file that it replaces", async () => {
    const path = join(folder, "script");
    writeFileSync(path, "old");
    chmodSync(path, 0o750);
    await writeFileWhole(path, "new");
    expect(statSync(path).mode & 0o777).toBe(0o750);
  });

  it("follows a link instead of replacing it", async () => {
    writeFileSync(join(folder, "real"), "old");
    symlinkSync(join(folder, "real"), join(folder, "link"));
    await writeFileWhole(join(folder, "link"), "new");
    expect(lstatSync(join(folder, "link")).isSymbolicLink()).toBe(true);
    expect(readFileSync(join(folder, "real"), "utf8")).toBe("new");
  });

  it.skipIf(process.platform === "win32")("writes into a device without replacing it", async () => {
    await writeFileWhole("/dev/null", "gone");
    expect(statSync("/dev/null").isCharacterDevice()).toBe(true);
  });

  it("into a folder that is not there, or onto a folder, is a typed error and leaves nothing behind", async () => {
    mkdirSync(join(folder, "taken"));
    for (const [path, reason] of [
      [join(folder, "absent", "x"), /folder does not exist/],
      [join(folder, "taken"), /it is a folder/],
    ] as const) {
      await expect(writeFileWhole(path, "x")).rejects.toMatchObject({
        code: "WAMLET_FILE_UNWRITABLE",
        message: expect.stringMatching(reason),
      });
    }
    expect(readdirSync(folder)).toEqual(["taken"]);
  });
});

describe("reading a file", () => {
  it("gives its bytes, in memory of their own", async () => {
    const path = join(folder, "frames.bin");
    const bytes = Uint8Array.from({ length: 200_000 }, (_, index) => index % 251);
    writeFileSync(path, bytes);
    const read = await readFileBytes(path, "the frames");
    expect(Buffer.compare(read, bytes)).toBe(0);
    expect(read.byteOffset).toBe(0);
    expect(read.buffer.byteLength).toBe(bytes.length);
  });

  it("reads text without its byte-order mark, and refuses other encodings", async () => {
    const path = join(folder, "labels.txt");
    writeFileSync(path, "\uFEFFyes\nno\n");
    expect(await readFileText(path, "the labels")).toBe("yes\nno\n");
    writeFileSync(path, Uint8Array.of(0x66, 0xfc, 0x72));
    await expect(readFileText(path, "the labels")).rejects.toThrow(/it is no UTF-8 text/);
  });

  it("that is missing says so and what was expected", async () => {
    await expect(readFileBytes(join(folder, "m.tflite"), "the model")).rejects.toMatchObject({
      code: "WAMLET_FILE_NOT_FOUND",
      hint: "Give the path of the model.",
    });
    writeFileSync(join(folder, "file"), "");
    await expect(readFileBytes(join(folder, "file", "below"), "the model")).rejects.toMatchObject({
      code: "WAMLET_FILE_NOT_FOUND",
    });
  });

  it("that is a folder or too large is refused", async () => {
    await expect(readFileBytes(folder, "the model")).rejects.toMatchObject({
      code: "WAMLET_FILE_UNREADABLE",
    });
    writeFileSync(join(folder, "large"), "12345");
    await expect(readFileBytes(join(folder, "large"), "the model", 4)).rejects.toThrow(/larger than 4 bytes/);
    expect(await readFileBytes(join(folder, "large"), "the model", 5)).toHaveLength(5);
  });

  it.skipIf(process.platform === "win32")("that never ends is refused at the limit", async () => {
    await expect(readFileBytes("/dev/zero", "the model", 1_000_000)).rejects.toThrow(
      /larger than 1000000 bytes/,
    );
  });
});
