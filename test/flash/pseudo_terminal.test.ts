/** The real serial binding, on a pseudo-terminal with a simulated chip at its other end. Needs python3 to make one. */
import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { describe, expect, it, onTestFinished } from "vitest";
import { checkFirmware } from "../../host/flash/firmware.js";
import { flashFirmware } from "../../host/flash/flash_firmware.js";
import { lineOpener } from "../../host/transport/web_serial.js";
import { usualImages } from "./firmware_material.js";
import { SimulatedChip } from "./rom_loader.js";

/** Opens a pseudo-terminal, prints its name, and passes bytes between it and its own stdin and stdout. */
const script = `
import os, pty, select, sys, tty
master, slave = pty.openpty()
tty.setraw(slave)
sys.stderr.write(os.ttyname(slave) + "\\n")
sys.stderr.flush()
while True:
    ready, _, _ = select.select([master, 0], [], [])
    if master in ready:
        os.write(1, os.read(master, 65536))
    if 0 in ready:
        data = os.read(0, 65536)
        if not data:
            break
        while data:
            data = data[os.write(master, data):]
`;

const hasPython = process.platform !== "win32" && works("python3", ["-c", "import pty"]);

function works(command: string, words: readonly string[]): boolean {
  try {
    execFileSync(command, words, { stdio: "ignore" });
    return true;
  } catch {
    return false;
  }
}

/** The path of a terminal with a chip behind it, and a way to pull the cable. */
async function terminalWith(chip: SimulatedChip): Promise<{ path: string; unplug: () => void }> {
  const python: ChildProcess = spawn("python3", ["-c", script], { stdio: ["pipe", "pipe", "pipe"] });
  onTestFinished(() => void python.kill());
  chip.send = (bytes) => void python.stdin?.write(bytes);
  python.stdout?.on("data", (bytes: Buffer) => chip.receive(bytes));
  python.stdin?.on("error", () => {});
  const path = await new Promise<string>((resolve, reject) => {
    python.on("error", reject);
    python.stderr?.once("data", (name: Buffer) => resolve(name.toString().trim()));
  });
  return { path, unplug: () => void python.kill() };
}

describe.skipIf(!hasPython)("a serial port of the system (needs python3 to make a pseudo-terminal)", () => {
  it("flashes a chip in download mode, without DTR and RTS where there are none", async () => {
    const chip = new SimulatedChip({ kind: "esp32c3", download: true });
    const { path } = await terminalWith(chip);
    const firmware = checkFirmware({
      chip: null,
      agentVersion: null,
      images: usualImages("esp32c3", { bytes: 80_000 }),
    });
    const flashed = await flashFirmware(firmware, { url: path, open: lineOpener(path), baudRate: 115_200 });
    expect(flashed).toMatchObject({ started: false, loader: "stub" });
    for (const { offset, data } of firmware.images) {
      expect(Buffer.compare(chip.flash.content.subarray(offset, offset + data.length), data)).toBe(0);
    }
  });

  it("that goes away in the middle is an error that says so", async () => {
    const { path, unplug } = await terminalWith(new SimulatedChip({ download: true }));
    const firmware = checkFirmware({ chip: null, agentVersion: null, images: usualImages("esp32") });
    const flashing = flashFirmware(firmware, {
      url: path,
      open: lineOpener(path),
      baudRate: 115_200,
      onEvent: ({ type }) => {
        if (type === "writing") unplug();
      },
    });
    await expect(flashing).rejects.toMatchObject({ code: "WAMLET_LINE_CLOSED" });
  });
});
