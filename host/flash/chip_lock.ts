/** Whether a chip's owner has locked it by eFuses: firmware that is not signed or encrypted for it would not start. */
import type { Chip } from "./chip.js";
import type { ChipLoader } from "./chip_loader.js";

/** ESP32's eFuse block 0 (ESP32 technical reference manual, eFuse controller). */
const cryptCountRegister = 0x3ff5a000;
const secureBootRegister = 0x3ff5a018;

/** @returns what locks it, as `secure boot`; null where nothing does */
export async function lockOf(loader: ChipLoader, chip: Chip): Promise<string | null> {
  if (chip.name === "ESP32") {
    const cryptCount = ((await loader.readReg(cryptCountRegister)) >>> 20) & 0x7f;
    if (isOdd(cryptCount)) return "flash encryption";
    return (((await loader.readReg(secureBootRegister)) >>> 4) & 3) === 0 ? null : "secure boot";
  }
  const { parsedFlags, flashCryptCnt } = await loader.getSecurityInfo();
  if (loader.secureDownloadMode || parsedFlags.SECURE_DOWNLOAD_ENABLE) return "secure download mode";
  if (isOdd(flashCryptCnt)) return "flash encryption";
  return parsedFlags.SECURE_BOOT_EN ? "secure boot" : null;
}

/** Encryption is on where an odd number of bits is burnt. */
function isOdd(count: number): boolean {
  return count.toString(2).replaceAll("0", "").length % 2 === 1;
}
