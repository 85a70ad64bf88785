import { describe, expect, it } from "vitest";
import { findChip } from "../../host/flash/chip.js";
import { checkFirmware } from "../../host/flash/firmware.js";
import { flashFirmware } from "../../host/flash/flash_firmware.js";
import { usualImages } from "./firmware_material.js";
import { SimulatedChip } from "./rom_loader.js";
import { wireChip } from "./simulated_line.js";
import { type SimulatedChipName, simulatedChips } from "./simulated_registers.js";

describe("flashing a board", () => {
  for (const kind of Object.keys(simulatedChips) as SimulatedChipName[]) {
    it(`writes boot loader, partition table and agent to an ${simulatedChips[kind].name} and starts it`, async () => {
      const chip = new SimulatedChip({ kind });
      const firmware = checkFirmware({ chip: findChip(kind), agentVersion: null, images: usualImages(kind) });
      const { open } = wireChip(chip);
      await flashFirmware(firmware, { url: "wired", open, usb: { vendor: 0x10c4, product: 0xea60 } });
      expect(chip.state).toBe("firmware");
      for (const { offset, data } of firmware.images) {
        expect(Buffer.compare(chip.flash.content.subarray(offset, offset + data.length), data)).toBe(0);
      }
    });
  }
});
