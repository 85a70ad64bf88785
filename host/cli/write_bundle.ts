/** Firmware as one file for everybody else. */
import { WamletError } from "../errors.js";
import { writeBundle } from "../flash/bundle.js";
import { chips } from "../flash/chip.js";
import type { CheckedFirmware } from "../flash/firmware.js";
import { writeFileWhole } from "./write_file.js";

/** @throws WamletError WAMLET_INVALID_BUNDLE where nothing says which chip it is for, WAMLET_FILE_UNWRITABLE */
export async function writeBundleFile(path: string, firmware: CheckedFirmware): Promise<void> {
  const chip = firmware.chip ?? chips.find(({ imageId }) => imageId === firmware.imageChipId) ?? null;
  if (chip === null) {
    throw new WamletError(
      "WAMLET_INVALID_BUNDLE",
      "None of the images says which chip it is for, and a bundle has to.",
      "Make the bundle from a build folder of ESP-IDF, or add the boot loader's image.",
    );
  }
  await writeFileWhole(path, writeBundle({ ...firmware, chip }));
}
