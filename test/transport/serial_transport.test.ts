import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";
import { openPort } from "../../host/transport/open_port.js";
import { explainOpening } from "../../host/transport/serial_transport.js";

const code = (name: string) => expect.objectContaining({ code: name });

describe("a serial port", () => {
  it("that does not exist is named, with where to look", async () => {
    const opening = openPort(process.platform === "win32" ? "COM250" : "/dev/ttyWamletNone");
    await expect(opening).rejects.toEqual(code("WAMLET_PORT_NOT_FOUND"));
    await expect(opening).rejects.toMatchObject({ hint: expect.stringContaining("wamlet boards") });
  });

  it.skipIf(process.platform === "win32")("is not a file", async () => {
    const folder = mkdtempSync(join(tmpdir(), "wamlet-"));
    onTestFinished(() => rmSync(folder, { recursive: true }));
    const path = join(folder, "notes.txt");
    writeFileSync(path, "no port");
    await expect(openPort(path)).rejects.toEqual(code("WAMLET_INVALID_PORT"));
  });

  // The words of @serialport/bindings-cpp 13: src/serialport_unix.cpp and src/serialport_win.cpp.
  const words = [
    ["Error: No such file or directory, cannot open /dev/ttyUSB0", "WAMLET_PORT_NOT_FOUND"],
    ["Error: Permission denied, cannot open /dev/ttyUSB0", "WAMLET_PORT_PERMISSION"],
    ["Error Resource temporarily unavailable Cannot lock port", "WAMLET_PORT_BUSY"],
    ["Error: Device or resource busy, cannot open /dev/ttyUSB0", "WAMLET_PORT_BUSY"],
    ["Opening COM3: File not found", "WAMLET_PORT_NOT_FOUND"],
    ["Opening COM3: Access denied", "WAMLET_PORT_BUSY"],
    ["Opening COM3: Invalid handle", "WAMLET_INVALID_PORT"],
  ] as const;
  for (const [said, expected] of words) {
    it(`that fails with "${said}" gives ${expected}`, async () => {
      expect(await explainOpening("/dev/null", new Error(said))).toEqual(code(expected));
    });
  }

  it("that may not be opened names the group to join", async () => {
    const error = await explainOpening(
      "/dev/ttyWamletNone",
      new Error("Error: Permission denied, cannot open"),
    );
    expect(error.hint).toContain("usermod -aG dialout");
  });
});

describe("a port", () => {
  it("is one of the known kinds, or an error that lists them", async () => {
    const opening = openPort("bluetooth:esp32");
    await expect(opening).rejects.toEqual(code("WAMLET_INVALID_PORT"));
    await expect(opening).rejects.toMatchObject({ hint: expect.stringMatching(/tcp:.*emulator:esp32/) });
  });

  it("takes no baud rate that is none", async () => {
    for (const baudRate of [0, -1, 1.5, Number.NaN]) {
      await expect(openPort("/dev/ttyWamletNone", { baudRate })).rejects.toEqual(code("WAMLET_INVALID_PORT"));
    }
  });
});
