/** The chips that `wamlet flash` knows, under the names that ESP-IDF, esptool and their images give them. */
import { WamletError } from "../errors.js";

export interface Chip {
  /** As esptool prints it: `ESP32-C3`. */
  readonly name: string;
  /** As ESP-IDF names the target: `esp32c3`. */
  readonly target: string;
  /** `chip_id` of an image's extended header (ESP-IDF, esp_app_format.h). */
  readonly imageId: number;
  /** Where the ROM looks for the boot loader. */
  readonly bootLoaderOffset: number;
}

export const chips: readonly Chip[] = [
  { name: "ESP32", target: "esp32", imageId: 0, bootLoaderOffset: 0x1000 },
  { name: "ESP32-S2", target: "esp32s2", imageId: 2, bootLoaderOffset: 0x1000 },
  { name: "ESP32-C3", target: "esp32c3", imageId: 5, bootLoaderOffset: 0 },
  { name: "ESP32-S3", target: "esp32s3", imageId: 9, bootLoaderOffset: 0 },
  { name: "ESP32-C6", target: "esp32c6", imageId: 13, bootLoaderOffset: 0 },
  { name: "ESP32-H2", target: "esp32h2", imageId: 16, bootLoaderOffset: 0 },
];

/** @param name of either kind; null where it is none of ours */
export function findChip(name: string): Chip | null {
  return chips.find((chip) => chip.name === name || chip.target === name) ?? null;
}

/** @throws WamletError WAMLET_UNKNOWN_CHIP */
export function requireChip(name: string, where: string): Chip {
  const chip = findChip(name);
  if (chip !== null) return chip;
  throw new WamletError(
    "WAMLET_UNKNOWN_CHIP",
    `${where} is for "${name}", a chip that Wamlet does not flash.`,
    `Wamlet flashes ${chips.map((each) => each.name).join(", ")}.`,
  );
}
