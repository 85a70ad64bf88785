/** Each way in which a board cannot be flashed has its own code and says what to do; nothing is erased by any of them. */
import { SerialPortStream } from "@serialport/stream";
import { describe, expect, it } from "vitest";
import { SeededRandom } from "../../host/emulator/seeded_random.js";
import type { EmulatorBindingInterface } from "../../host/emulator/serialport_types.js";
import type { WamletError } from "../../host/errors.js";
import { checkFirmware } from "../../host/flash/firmware.js";
import { noSerialDevice } from "../../host/flash/flash_errors.js";
import { type FlashOptions, flashFirmware } from "../../host/flash/flash_firmware.js";
import { probeChip } from "../../host/flash/probe_chip.js";
import { lineOverSerialPort } from "../../host/transport/web_serial.js";
import { usualImages } from "./firmware_material.js";
import { SimulatedChip, type SimulatedChipOptions } from "./rom_loader.js";
import { type Wiring, wireChip } from "./simulated_line.js";
import type { SimulatedChipName } from "./simulated_registers.js";

/** Boards that do not answer need not be waited for as long as real ones. */
const silencePatience = 0.2;

async function refusal(
  chip: SimulatedChip,
  wiring: Wiring = { reset: "classic" },
  kind: SimulatedChipName = "esp32",
): Promise<WamletError> {
  const { open } = wireChip(chip, wiring);
  const patience = wiring.reset === "none" ? silencePatience : 1;
  const options: FlashOptions = {
    url: "/dev/wired",
    open,
    usb: { vendor: 0x10c4, product: 0xea60 },
    patience,
  };
  return failure(options, kind);
}

async function failure(options: FlashOptions, kind: SimulatedChipName = "esp32"): Promise<WamletError> {
  const firmware = checkFirmware({ chip: null, agentVersion: null, images: usualImages(kind) });
  return flashFirmware(firmware, options).then(
    () => expect.unreachable("it was flashed"),
    (error: WamletError) => error,
  );
}

/** A port whose opening fails with serialport's words. */
function failing(words: string): FlashOptions {
  const binding: EmulatorBindingInterface = {
    list: async () => [],
    open: async () => {
      throw new Error(words);
    },
  };
  return {
    url: "/dev/null",
    open: (baudRate) =>
      lineOverSerialPort(new SerialPortStream({ binding, path: "/dev/null", baudRate, autoOpen: false })),
  };
}

describe("a board", () => {
  const cases: readonly (readonly [string, SimulatedChipOptions, SimulatedChipName, string, RegExp])[] = [
    [
      "with another chip",
      { kind: "esp32c3" },
      "esp32",
      "WAMLET_WRONG_CHIP",
      /is for ESP32, and this chip is an ESP32-C3/,
    ],
    [
      "with too small a flash",
      { flashBytes: 1 << 20 },
      "esp32",
      "WAMLET_FLASH_TOO_SMALL",
      /4 MiB, .* has 1 MiB/,
    ],
    ["whose flash is silent", { flashId: 0xffffff }, "esp32", "WAMLET_FLASH_FAILED", /its flash does not/],
    [
      "with secure boot",
      { kind: "esp32s3", securityFlags: 1 },
      "esp32s3",
      "WAMLET_CHIP_LOCKED",
      /secure boot/,
    ],
    [
      "in secure download mode",
      { kind: "esp32c3", securityFlags: 4 },
      "esp32c3",
      "WAMLET_CHIP_LOCKED",
      /secure download mode/,
    ],
  ];
  for (const [what, options, kind, code, message] of cases) {
    it(`${what} is refused with ${code}, untouched and running`, async () => {
      const chip = new SimulatedChip(options);
      const error = await refusal(chip, { reset: "classic" }, kind);
      expect(error.code).toBe(code);
      expect(error.message).toMatch(message);
      expect(chip.flash.erasedSectors).toBe(0);
      expect(chip.state).toBe("firmware");
    });
  }

  it("that cannot be brought into download mode says which boot mode it is in, and which buttons help", async () => {
    const chip = new SimulatedChip();
    const talks = setInterval(
      () => chip.say("rst:0x1 (POWERON_RESET),boot:0x13 (SPI_FAST_FLASH_BOOT)\r\n"),
      20,
    );
    const error = await refusal(chip, { reset: "none" });
    clearInterval(talks);
    expect(error.code).toBe("WAMLET_NOT_IN_DOWNLOAD_MODE");
    expect(error.message).toContain("boot mode 0x13");
    expect(error.hint).toMatch(/Hold BOOT/);
  });

  it("that never stops talking nonsense is given up all the same", async () => {
    const chip = new SimulatedChip();
    const random = new SeededRandom(3);
    const talks = setInterval(() => {
      chip.send(Uint8Array.from({ length: 500 }, () => (random.chance(0.1) ? 0xc0 : random.below(256))));
    }, 5);
    const error = await refusal(chip, { reset: "none" });
    clearInterval(talks);
    expect(["WAMLET_NOT_IN_DOWNLOAD_MODE", "WAMLET_NO_LOADER"]).toContain(error.code);
  });

  it("that says nothing at all is told from one that says something", async () => {
    const error = await refusal(new SimulatedChip(), { reset: "none" });
    expect(error.code).toBe("WAMLET_NO_LOADER");
    expect(error.hint).toMatch(/Hold BOOT.*RX and TX/);
  });

  it("that waits for a download and does not hear is told to look at its RX pin", async () => {
    const chip = new SimulatedChip();
    chip.receive = () => {};
    const error = await refusal(chip);
    expect(error.code).toBe("WAMLET_NO_LOADER");
    expect(error.hint).toMatch(/RX pin/);
  });

  it("of a kind that Wamlet does not flash is named", async () => {
    const chip = new SimulatedChip({ kind: "esp32c3", reportsImageId: 12 });
    const { open } = wireChip(chip);
    await expect(probeChip({ url: "/dev/wired", open })).rejects.toMatchObject({
      code: "WAMLET_UNKNOWN_CHIP",
      message: expect.stringContaining("ESP32-C2"),
    });
  });
});

describe("a port", () => {
  it("that is open elsewhere is busy", async () => {
    const error = await failure(failing("Error Resource temporarily unavailable Cannot lock port"));
    expect(error.code).toBe("WAMLET_PORT_BUSY");
  });

  it("that may not be opened names the group", async () => {
    const error = await failure(failing("Error: Permission denied, cannot open /dev/null"));
    expect(error.code).toBe("WAMLET_PORT_PERMISSION");
    expect(error.hint).toMatch(/usermod -aG \S+ /);
  });

  it("that is not there because the cable only charges has its own hint", () => {
    expect(noSerialDevice(null)).toMatchObject({
      code: "WAMLET_NO_SERIAL_DEVICE",
      hint: expect.stringContaining("carries data"),
    });
  });
});
