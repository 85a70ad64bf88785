/**
 * What is to be flashed: images and where they go. Everything that can be known to be wrong is found here, before a
 * byte of the flash is erased; what a chip decides (its kind, the size of its flash) is checked once it is known.
 */
import { WamletError } from "../errors.js";
import { type AppImage, imageMagic, invalid, nameOfImage, readAppImage, wrongMagic } from "./app_image.js";
import type { Chip } from "./chip.js";
import { isPartitionTable, type Partition, readPartitionTable } from "./partition_table.js";

/** Flash is erased by sectors. */
export const sectorBytes = 4096;
/** ESP-IDF's usual places, where no partition table says otherwise. */
const usualTableOffset = 0x8000;
const usualAppOffset = 0x10000;
/** ESP-IDF projects of the agent are called so. */
const agentProject = "wamlet";
/** The largest flash that 24-bit addresses reach; ours are no larger. */
const mostFlashBytes = 1 << 24;

export interface FirmwareImage {
  /** `bootloader`, `app`, or the file's name. */
  readonly name: string;
  readonly offset: number;
  readonly data: Uint8Array;
}

export interface Firmware {
  /** Chip that the build says it is for; null for single files. */
  readonly chip: Chip | null;
  /** Version of the Wamlet agent in it; null where it is not known to hold one. */
  readonly agentVersion: string | null;
  /** By offset. */
  readonly images: readonly FirmwareImage[];
}

export type ImageKind = "boot loader" | "partition table" | "application" | "data";

export interface CheckedImage extends FirmwareImage {
  readonly kind: ImageKind;
  /** Of boot loaders and applications. */
  readonly app: AppImage | null;
}

export interface CheckedFirmware extends Firmware {
  readonly images: readonly CheckedImage[];
  /** What the images' own headers say; null where none has such a header. */
  readonly imageChipId: number | null;
  readonly partitions: readonly Partition[];
}

/** `app.bin at 0x10000`. */
export function place({ name, offset }: FirmwareImage): string {
  return `${name} at 0x${offset.toString(16)}`;
}

/**
 * Checks what needs no chip: places, formats, checksums, that images are for one chip and fit their partitions.
 * @throws WamletError WAMLET_INVALID_IMAGE, WAMLET_WRONG_CHIP
 */
export function checkFirmware(firmware: Firmware): CheckedFirmware {
  const images = [...firmware.images].sort((a, b) => a.offset - b.offset);
  checkPlaces(images);
  const table = images.find(({ data }) => isPartitionTable(data));
  const partitions = table === undefined ? [] : readPartitionTable(table.data, place(table));
  const checked = images.map((image) => checkImage(image, firmware.chip, partitions));
  const apps = checked.flatMap((image) => (image.app === null ? [] : [{ ...image, app: image.app }]));
  const expected = firmware.chip?.imageId ?? apps[0]?.app.chipId ?? null;
  for (const image of apps) {
    if (image.app.chipId === expected) continue;
    const other = firmware.chip === null && apps[0] !== undefined ? place(apps[0]) : "its build";
    throw new WamletError(
      "WAMLET_WRONG_CHIP",
      `${place(image)} is for ${nameOfImage(image.app)}, and ${other} is for ${expected === null ? "?" : nameOfImage({ chipId: expected })}.`,
      "Give images of one build: its build folder names the right ones.",
    );
  }
  const agent = apps.find(({ app }) => app.description?.project.startsWith(agentProject))?.app.description;
  const agentVersion = firmware.agentVersion ?? agent?.version ?? null;
  return { ...firmware, agentVersion, images: checked, imageChipId: expected, partitions };
}

function checkPlaces(images: readonly FirmwareImage[]): void {
  if (images.length === 0) {
    throw new WamletError(
      "WAMLET_INVALID_IMAGE",
      "There is no image to flash.",
      "Give a build folder, a firmware bundle, or --image 0x10000=app.bin.",
    );
  }
  let previous: FirmwareImage | null = null;
  for (const image of images) {
    const { offset, data } = image;
    if (!Number.isInteger(offset) || offset < 0 || offset % sectorBytes !== 0) {
      throw invalid(place(image), `an image begins with a sector of the flash, a multiple of 0x1000`);
    }
    if (data.length === 0) throw invalid(place(image), "the file is empty");
    if (offset + data.length > mostFlashBytes) throw invalid(place(image), "it ends beyond any chip's flash");
    const end =
      previous === null ? 0 : previous.offset + Math.ceil(previous.data.length / sectorBytes) * sectorBytes;
    if (previous !== null && offset < end) {
      throw invalid(place(image), `${place(previous)} ends at 0x${end.toString(16)}, so they overlap`);
    }
    previous = image;
  }
}

function checkImage(image: FirmwareImage, chip: Chip | null, partitions: readonly Partition[]): CheckedImage {
  const { data, offset } = image;
  if (isPartitionTable(data)) return { ...image, kind: "partition table", app: null };
  const partition = partitions.find((each) => each.offset === offset);
  if (partition !== undefined && data.length > partition.bytes) {
    throw invalid(
      place(image),
      `it has ${data.length} bytes, and partition "${partition.label}" has ${partition.bytes}`,
    );
  }
  const isBootLoader = chip === null ? offset === 0 || offset === 0x1000 : offset === chip.bootLoaderOffset;
  const isApp =
    partition === undefined ? partitions.length === 0 && offset === usualAppOffset : partition.type === "app";
  if (offset === usualTableOffset && partitions.length === 0)
    throw invalid(place(image), tableExpected(data));
  // esptool's merge-bin fills what comes before an ESP32's boot loader.
  const mergedAt = offset === 0 && data[0] === 0xff && data[0x1000] === imageMagic ? 0x1000 : 0;
  if (data[mergedAt] === imageMagic) {
    const app = readAppImage(data.subarray(mergedAt), place(image));
    return { ...image, kind: isBootLoader || mergedAt > 0 ? "boot loader" : "application", app };
  }
  const looksLikeAnother = !wrongMagic(data).endsWith("0xe9");
  if (isBootLoader || isApp || looksLikeAnother) throw invalid(place(image), wrongMagic(data));
  return { ...image, kind: "data", app: null };
}

function tableExpected(data: Uint8Array): string {
  const looks = wrongMagic(data);
  return looks.endsWith("0xe9") ? "0x8000 is the place of the partition table, and this is none" : looks;
}

/** What a connected chip is, as far as it decides whether firmware fits. */
export interface Target {
  readonly chip: Chip;
  /** major × 100 + minor; null where it could not be read. */
  readonly revision: number | null;
  readonly flashBytes: number;
}

/**
 * Checks what the chip decides.
 * @throws WamletError WAMLET_WRONG_CHIP, WAMLET_INVALID_IMAGE, WAMLET_FLASH_TOO_SMALL
 */
export function checkTarget(firmware: CheckedFirmware, target: Target): void {
  const { chip, flashBytes, revision } = target;
  if (firmware.imageChipId !== null && firmware.imageChipId !== chip.imageId) {
    throw new WamletError(
      "WAMLET_WRONG_CHIP",
      `The firmware is for ${nameOfImage({ chipId: firmware.imageChipId })}, and this chip is an ${chip.name}.`,
      `Build it with "idf.py set-target ${chip.target}", or choose another board with --port.`,
    );
  }
  for (const image of firmware.images) {
    const { app, offset, data, kind } = image;
    if (kind === "boot loader" && app !== null && offset !== chip.bootLoaderOffset && offset !== 0) {
      throw invalid(
        place(image),
        `an ${chip.name} looks for its boot loader at 0x${chip.bootLoaderOffset.toString(16)}`,
      );
    }
    if (offset === chip.bootLoaderOffset && app === null && kind === "data") {
      throw invalid(place(image), wrongMagic(data));
    }
    const needed = Math.max(offset + data.length, kind === "boot loader" ? (app?.flashBytes ?? 0) : 0);
    if (needed > flashBytes) throw tooSmall(place(image), needed, flashBytes);
    if (app !== null && revision !== null) checkRevision(place(image), app, revision, chip);
  }
  for (const { label, offset, bytes } of firmware.partitions) {
    if (offset + bytes > flashBytes) throw tooSmall(`Partition "${label}"`, offset + bytes, flashBytes);
  }
}

function checkRevision(what: string, app: AppImage, revision: number, chip: Chip): void {
  // Images of an ESP-IDF before 4.4 leave both fields zero.
  const maximum = app.maximumRevision === 0 ? 0xffff : app.maximumRevision;
  if (revision >= app.minimumRevision && revision <= maximum) return;
  const version = (value: number) => `v${Math.floor(value / 100)}.${value % 100}`;
  const range =
    revision < app.minimumRevision
      ? `${version(app.minimumRevision)} or newer`
      : `${version(maximum)} or older`;
  throw new WamletError(
    "WAMLET_WRONG_CHIP",
    `${what} needs revision ${range} of ${chip.name}, and this chip is ${version(revision)}.`,
    "Build the firmware for this revision (menuconfig, Component config, Hardware settings, Chip revision).",
  );
}

function tooSmall(what: string, needed: number, flashBytes: number): WamletError {
  const mebibytes = (bytes: number) => `${(bytes / 2 ** 20).toFixed(bytes % 2 ** 20 === 0 ? 0 : 2)} MiB`;
  return new WamletError(
    "WAMLET_FLASH_TOO_SMALL",
    `${what} needs a flash of ${mebibytes(needed)}, and this board's has ${mebibytes(flashBytes)}.`,
    "Build the firmware for the smaller flash (menuconfig, Serial flasher config, Flash size), with fitting partitions.",
  );
}
