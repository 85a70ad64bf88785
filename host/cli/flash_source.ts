/** What `wamlet flash` is given: a build folder of ESP-IDF, a firmware bundle, or single files with their places. */
import { stat } from "node:fs/promises";
import { basename } from "node:path";
import type { CheckedFirmware, Firmware } from "../flash/firmware.js";
import { readFileBytes } from "./read_file.js";

/** No flash of a chip that Wamlet knows is larger. */
const mostFileBytes = 1 << 24;

/**
 * Reads and checks what needs no chip.
 * @param images `0x10000=app.bin`
 * @throws WamletError WAMLET_USAGE, WAMLET_FILE_NOT_FOUND, WAMLET_FILE_UNREADABLE, WAMLET_INVALID_BUNDLE,
 *   WAMLET_INVALID_IMAGE, WAMLET_WRONG_CHIP, WAMLET_UNKNOWN_CHIP
 */
export async function readFirmware(
  source: string | undefined,
  images: readonly string[],
): Promise<CheckedFirmware> {
  const { WamletError } = await import("../errors.js");
  const { checkFirmware } = await import("../flash/firmware.js");
  if ((source === undefined) === (images.length === 0)) {
    throw new WamletError(
      "WAMLET_USAGE",
      source === undefined
        ? "There is nothing to flash."
        : "A build folder or bundle names its images; --image adds none to it.",
      "Give a build folder of ESP-IDF, a firmware bundle, a UF2 file, or files with their offsets: --image 0x8000=table.bin 0x10000=app.bin.",
    );
  }
  return checkFirmware(source === undefined ? await singleFiles(images) : await folderOrBundle(source));
}

async function folderOrBundle(source: string): Promise<Firmware> {
  const isFolder = await stat(source).then(
    (status) => status.isDirectory(),
    () => false,
  );
  const read = (path: string, what: string) => readFileBytes(path, what, mostFileBytes);
  if (isFolder) {
    const { readBuildFolder } = await import("../flash/build_folder.js");
    return readBuildFolder(source, read);
  }
  const { isBundle, readBundle } = await import("../flash/bundle.js");
  const bytes = await readFileBytes(source, "a build folder or a firmware bundle", 2 * mostFileBytes);
  if (isBundle(bytes)) return readBundle(bytes, source);
  const { WamletError } = await import("../errors.js");
  const { imageMagic, invalid, wrongMagic } = await import("../flash/app_image.js");
  if (bytes[0] !== imageMagic) throw invalid(source, wrongMagic(bytes));
  throw new WamletError(
    "WAMLET_USAGE",
    `${source} is a single image, and does not say where it goes.`,
    `Write --image 0x10000=${source}; an application usually goes to 0x10000.`,
  );
}

async function singleFiles(images: readonly string[]): Promise<Firmware> {
  const { WamletError } = await import("../errors.js");
  const { parseOffset } = await import("../flash/build_folder.js");
  const read: Firmware["images"][number][] = [];
  for (const image of images) {
    const [, place = "", path = ""] = /^([^=]*)=(.+)$/.exec(image) ?? [];
    const offset = parseOffset(place);
    if (offset === null) {
      throw new WamletError("WAMLET_USAGE", `"${image}" names no place.`, "Write --image 0x10000=app.bin.");
    }
    read.push({ name: basename(path), offset, data: await readFileBytes(path, "the image", mostFileBytes) });
  }
  return { chip: null, agentVersion: null, images: read };
}
