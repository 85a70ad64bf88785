/** ESP-IDF's build folder: `flasher_args.json`, written by every `idf.py build`, names the images and their places. */
import { isAbsolute, join, normalize } from "node:path";
import { WamletError } from "../errors.js";
import { requireChip } from "./chip.js";
import type { Firmware, FirmwareImage } from "./firmware.js";

export const flasherArguments = "flasher_args.json";
/** A build has a handful. */
const mostFiles = 32;

/**
 * @param folder with flasher_args.json in it
 * @param read reads a file, `what` being its description for an error
 * @throws WamletError WAMLET_INVALID_IMAGE where flasher_args.json is not what ESP-IDF writes, WAMLET_UNKNOWN_CHIP,
 *   and what `read` throws
 */
export async function readBuildFolder(
  folder: string,
  read: (path: string, what: string) => Promise<Uint8Array>,
): Promise<Firmware> {
  const path = join(folder, flasherArguments);
  const json = parse(await read(path, "a build folder of ESP-IDF"), path);
  const target = field(field(json, "extra_esptool_args"), "chip");
  const chip = typeof target === "string" ? requireChip(target, path) : null;
  const files = Object.entries(field(json, "flash_files") ?? {});
  if (files.length === 0) throw unusable(path, 'it has no "flash_files"');
  if (files.length > mostFiles) throw unusable(path, `${files.length} files are too many`);
  const names = namesByFile(json, path);
  const images: FirmwareImage[] = [];
  for (const [place, file] of files) {
    const offset = parseOffset(place);
    if (offset === null) throw unusable(path, `"${place}" is no offset`);
    if (typeof file !== "string" || file === "")
      throw unusable(path, `"flash_files" names no file at ${place}`);
    // A build's files lie in its folder; anything else is no build.
    if (isAbsolute(file) || normalize(file).startsWith("..")) {
      throw unusable(path, `"${file}" lies outside of the folder`);
    }
    const data = await read(join(folder, file), `the image at ${place}`);
    images.push({ name: names.get(file) ?? file, offset, data });
  }
  return { chip, agentVersion: null, images };
}

/** An offset as ESP-IDF, esptool and people write it: `0x10000`, `65536`; null for anything else. */
export function parseOffset(text: string): number | null {
  if (!/^(0x[0-9a-f]{1,8}|\d{1,10})$/i.test(text)) return null;
  return Number(text);
}

/** `bootloader`, `app`, `partition-table`: the fields that name a file, turned round. */
function namesByFile(json: object, path: string): Map<string, string> {
  const names = new Map<string, string>();
  for (const [name, value] of Object.entries(json)) {
    const file = field(value, "file");
    if (typeof file !== "string") continue;
    if (field(value, "encrypted") === "true") {
      throw new WamletError(
        "WAMLET_CHIP_LOCKED",
        `${path} says that ${name} is to be encrypted by the chip.`,
        'Wamlet does not write to encrypted flash; use "idf.py flash" for this build.',
      );
    }
    names.set(file, name);
  }
  return names;
}

/** A field of parsed JSON, whatever that may be. */
function field(value: unknown, name: string): unknown {
  return typeof value === "object" && value !== null
    ? (new Map(Object.entries(value)).get(name) ?? null)
    : null;
}

function parse(bytes: Uint8Array, path: string): object {
  let json: unknown;
  try {
    json = JSON.parse(new TextDecoder().decode(bytes));
  } catch (cause) {
    throw unusable(path, `it is no JSON: ${(cause as Error).message}`, cause);
  }
  if (typeof json !== "object" || json === null) throw unusable(path, "it is no JSON object");
  return json;
}

function unusable(path: string, why: string, cause?: unknown): WamletError {
  return new WamletError(
    "WAMLET_INVALID_IMAGE",
    `${path} cannot be used: ${why}.`,
    'Give the folder that "idf.py build" fills, usually called build.',
    { cause },
  );
}
