/** Flashing over lines that damage, drop and end, through a real serialport stream with DTR and RTS. */
import { describe, expect, it } from "vitest";
import type { WamletError } from "../../host/errors.js";
import { findChip } from "../../host/flash/chip.js";
import type { ConnectOptions } from "../../host/flash/connected_chip.js";
import { type CheckedFirmware, checkFirmware } from "../../host/flash/firmware.js";
import { dumpFlash, type FlashEvent, flashFirmware } from "../../host/flash/flash_firmware.js";
import { probeChip } from "../../host/flash/probe_chip.js";
import { usualImages } from "./firmware_material.js";
import { SimulatedChip, type SimulatedChipOptions } from "./rom_loader.js";
import { type Damage, type Wiring, wireChip } from "./simulated_line.js";
import { type SimulatedChipName, simulatedChips } from "./simulated_registers.js";

const bridge = { vendor: 0x10c4, product: 0xea60 };
const chipsOwnUsb = { vendor: 0x303a, product: 0x1001 };
/** Of the time that a real board may take: what a bad line swallows is missed sooner. */
const badLinePatience = 0.1;

function firmwareFor(kind: SimulatedChipName, bytes = 60_000): CheckedFirmware {
  return checkFirmware({ chip: findChip(kind), agentVersion: null, images: usualImages(kind, { bytes }) });
}

function board(
  options: SimulatedChipOptions = {},
  wiring: Wiring = { reset: "classic" },
  damage: Damage = {},
): { chip: SimulatedChip; options: ConnectOptions; damaged: () => number } {
  const chip = new SimulatedChip(options);
  const { open, line } = wireChip(chip, wiring, damage);
  const swallows = damage.bitErrors ?? damage.drops ?? damage.deafAfter;
  const patience = swallows === undefined ? 1 : badLinePatience;
  return { chip, options: { url: "/dev/wired", open, usb: bridge, patience }, damaged: () => line.damaged };
}

function expectFlashed(chip: SimulatedChip, { images }: CheckedFirmware): void {
  for (const { offset, data } of images) {
    expect(Buffer.compare(chip.flash.content.subarray(offset, offset + data.length), data)).toBe(0);
  }
}

function failure(work: Promise<unknown>): Promise<WamletError> {
  return work.then(
    () => expect.unreachable("it did not fail"),
    (error: WamletError) => error,
  );
}

describe("flashing a board", () => {
  for (const kind of Object.keys(simulatedChips) as SimulatedChipName[]) {
    it(`writes boot loader, partition table and agent to an ${simulatedChips[kind].name}, and starts it`, async () => {
      const { chip, options } = board({ kind });
      const firmware = firmwareFor(kind);
      const flashed = await flashFirmware(firmware, options);
      expect(flashed).toMatchObject({ loader: "stub", baudRate: 460_800, started: true });
      expect(flashed.facts).toMatchObject({ flashBytes: 4 << 20, mac: "e8:f9:a4:b5:c6:d7", lock: null });
      expect(chip.state).toBe("firmware");
      expectFlashed(chip, firmware);
    });
  }

  for (const kind of ["esp32", "esp32c6"] as const) {
    it(`does it by the ROM of an ${simulatedChips[kind].name}, which gets no stub`, async () => {
      const { chip, options } = board({ kind });
      const firmware = firmwareFor(kind);
      const flashed = await flashFirmware(firmware, { ...options, stub: false });
      expect(flashed.loader).toBe("ROM");
      expect(chip.stubUploads).toBe(0);
      expect(chip.state).toBe("firmware");
      expectFlashed(chip, firmware);
    });
  }

  it("resets a chip through its own USB", async () => {
    const { chip, options } = board({ kind: "esp32s3" }, { reset: "usb-jtag" });
    const firmware = firmwareFor("esp32s3");
    expect((await flashFirmware(firmware, { ...options, usb: chipsOwnUsb })).started).toBe(true);
    expect(chip.state).toBe("firmware");
    expectFlashed(chip, firmware);
  });

  it("finds the way of resetting where the USB device is not known", async () => {
    for (const reset of ["classic", "usb-jtag"] as const) {
      const { chip, options } = board({ kind: "esp32c3" }, { reset });
      const firmware = firmwareFor("esp32c3");
      await flashFirmware(firmware, { ...options, usb: null });
      expectFlashed(chip, firmware);
    }
  });

  it("sends images as they are where compression is not wanted", async () => {
    const { chip, options } = board();
    const firmware = firmwareFor("esp32");
    await flashFirmware(firmware, { ...options, compress: false });
    expect(chip.commands).toContain(0x03);
    expect(chip.commands).not.toContain(0x11);
    expectFlashed(chip, firmware);
  });

  it("erases everything first only where that is asked for", async () => {
    for (const [stub, erase] of [
      [true, true],
      [false, true],
      [true, false],
    ] as const) {
      const { chip, options } = board();
      await flashFirmware(firmwareFor("esp32"), { ...options, erase, stub });
      expect(chip.flash.content[0x300000]).toBe(erase ? 0xff : 0x5a);
      expect(chip.flash.content[0x9000]).toBe(erase ? 0xff : 0x5a);
    }
  });

  it("leaves DTR and RTS alone with reset off", async () => {
    const { chip, options } = board({ download: true });
    const flashed = await flashFirmware(firmwareFor("esp32"), { ...options, reset: false });
    expect(flashed.started).toBe(false);
    expect(chip.resets).toBe(1);
    expect(chip.state).toBe("stub");
  });

  it("goes on at 115200 baud where the bridge cannot do the faster rate", async () => {
    const { chip, options } = board({}, { reset: "classic", fastestBaudRate: 230_400 });
    const firmware = firmwareFor("esp32");
    expect((await flashFirmware(firmware, options)).baudRate).toBe(115_200);
    expectFlashed(chip, firmware);
  });

  it("says how far it is, and what it verified", async () => {
    const { options } = board();
    const events: FlashEvent[] = [];
    const firmware = firmwareFor("esp32", 120_000);
    await flashFirmware(firmware, { ...options, onEvent: (event) => events.push(event) });
    const shares = events.flatMap((event) =>
      event.type === "writing" && event.image.name === "app" ? [event.share] : [],
    );
    expect(shares).toEqual([...shares].sort((a, b) => a - b));
    expect(shares.at(-1)).toBe(1);
    expect(events.filter(({ type }) => type === "verified")).toHaveLength(3);
  });
});

describe("a bad line", () => {
  for (const seed of [1, 2, 3, 4, 5, 6]) {
    it(`with bit errors and lost bytes delivers every byte, or says that it did not (seed ${seed})`, async () => {
      const { chip, options, damaged } = board(
        {},
        { reset: "classic" },
        { bitErrors: 1e-5, drops: 1e-5, seed },
      );
      const firmware = firmwareFor("esp32", 100_000);
      const error = await flashFirmware(firmware, options).then(
        () => null,
        (reason: WamletError) => reason,
      );
      expect(damaged()).toBeGreaterThan(0);
      if (error === null) expectFlashed(chip, firmware);
      else
        expect(["WAMLET_LINE_TIMEOUT", "WAMLET_FLASH_VERIFY", "WAMLET_FLASH_FAILED"]).toContain(error.code);
    });
  }

  for (const flipAt of [300, 2000, 9000, 15_000, 30_000, 45_000, 55_000]) {
    it(`with one wrong bit, in byte ${flipAt}, is got over`, async () => {
      const { chip, options, damaged } = board({}, { reset: "classic" }, { flipAt });
      const firmware = firmwareFor("esp32", 100_000);
      await flashFirmware(firmware, { ...options, patience: 0.4 });
      expect(damaged()).toBe(1);
      expectFlashed(chip, firmware);
    });
  }

  it("that goes deaf in the middle is given up, with what to do", async () => {
    const { options } = board({}, { reset: "classic" }, { deafAfter: 60_000 });
    const error = await failure(flashFirmware(firmwareFor("esp32", 100_000), options));
    expect(["WAMLET_LINE_TIMEOUT", "WAMLET_NO_LOADER"]).toContain(error.code);
    expect(error.hint).not.toBe("");
  });

  it("that is unplugged half-way ends at once, and a second flashing mends what is left", async () => {
    const { chip, options } = board({}, { reset: "classic" }, { endsAfter: 60_000 });
    const firmware = firmwareFor("esp32", 100_000);
    const error = await failure(flashFirmware(firmware, options));
    expect(error.code).toBe("WAMLET_LINE_CLOSED");
    expect(error.hint).toContain("again");
    const { open } = wireChip(chip);
    await flashFirmware(firmware, { ...options, open });
    expectFlashed(chip, firmware);
    expect(chip.state).toBe("firmware");
  });

  it("that the user gives up ends at once, and the board is let go", async () => {
    const { chip, options } = board();
    const controller = new AbortController();
    const onEvent = ({ type }: FlashEvent) => {
      if (type === "writing") controller.abort();
    };
    const error = await failure(
      flashFirmware(firmwareFor("esp32"), { ...options, signal: controller.signal, onEvent }),
    );
    expect(error.code).toBe("WAMLET_INTERRUPTED");
    expect(chip.state).toBe("firmware");
  });
});

describe("reading", () => {
  it("dumps a part of the flash, and starts the firmware again", async () => {
    const { chip, options } = board();
    const { data } = await dumpFlash({ offset: 0x1000, bytes: 0x3210 }, options);
    expect(Buffer.compare(data, chip.flash.content.subarray(0x1000, 0x4210))).toBe(0);
    expect(chip.state).toBe("firmware");
  });

  it("never hands out a dump that the line has damaged", async () => {
    for (const seed of [1, 2, 3]) {
      const { chip, options } = board({}, { reset: "classic" }, { bitErrors: 2e-5, seed });
      const dumped = await dumpFlash({ offset: 0, bytes: 60_000 }, options).catch(
        (error: WamletError) => error,
      );
      if (dumped instanceof Error)
        expect(dumped.code).toMatch(/^WAMLET_(FLASH_VERIFY|LINE_TIMEOUT|FLASH_FAILED)$/);
      else expect(Buffer.compare(dumped.data, chip.flash.content.subarray(0, 60_000))).toBe(0);
    }
  });

  it("asks a chip what it is without writing to it, and lets it go", async () => {
    const { chip, options } = board({ kind: "esp32h2", flashBytes: 2 << 20 });
    const facts = await probeChip(options);
    expect(facts.chip.name).toBe("ESP32-H2");
    expect(facts.flashBytes).toBe(2 << 20);
    expect(chip.flash.erasedSectors).toBe(0);
    expect(chip.stubUploads).toBe(0);
    expect(chip.state).toBe("firmware");
  });
});
