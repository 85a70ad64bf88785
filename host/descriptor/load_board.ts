/**
 * Boards by name or path: reads `boards/<name>.json`, or a descriptor of the user's own, checks it, and follows
 * its references to a cost table and to radios.
 */
import { readdirSync, readFileSync, statSync } from "node:fs";
import { basename, dirname, join, resolve } from "node:path";
import { didYouMean } from "../closest_name.js";
import { WamletError } from "../errors.js";
import { packagePath } from "../package_root.js";
import type { Board, CostTable, Radio, Sourced, Uf2Loader } from "./board.js";
import { checkConsistency } from "./check_consistency.js";
import { checkSchema, type SchemaPart } from "./check_schema.js";
import { parseUsbId } from "./usb_id.js";

/** A descriptor as it stands in its file, once the schema has accepted it: a Board with references in it. */
export interface DescriptorFile extends Omit<Board, "cost" | "radios" | "usb" | "uf2"> {
  readonly cost: { readonly table: string; readonly source: string };
  readonly radios: readonly (Radio | string)[];
  readonly usb: readonly { readonly id: string; readonly description: string }[];
  readonly uf2?: Omit<Uf2Loader, "familyId"> & { readonly familyId: string };
}

/** Descriptors are a few kilobytes; anything far beyond is another file by mistake. */
const largestFileBytes = 1 << 20;

const loaded = new Map<string, Board>();

/** Names of the boards that Wamlet knows, in alphabetical order. */
export function listBoards(): string[] {
  return readdirSync(packagePath("boards"))
    .filter((file) => file.endsWith(".json") && file !== "schema.json")
    .map((file) => basename(file, ".json"))
    .sort();
}

/**
 * @param nameOrPath `esp32`, or a path (anything with a slash or ending in `.json`) to a descriptor
 * @throws WamletError WAMLET_UNKNOWN_BOARD for a name that is not known, WAMLET_FILE_NOT_FOUND or
 *   WAMLET_FILE_UNREADABLE for a path, WAMLET_INVALID_DESCRIPTOR where the content is wrong
 */
export function loadBoard(nameOrPath: string): Board {
  if (/[/\\]|\.json$/.test(nameOrPath)) return readBoard(resolve(nameOrPath), nameOrPath);
  const known = loaded.get(nameOrPath);
  if (known !== undefined) return known;
  const names = listBoards();
  if (!names.includes(nameOrPath)) {
    throw new WamletError(
      "WAMLET_UNKNOWN_BOARD",
      `No board is called "${nameOrPath}".${didYouMean(nameOrPath, names)}`,
      `Known boards: ${names.join(", ")}. A descriptor of your own is given by its path, ./myboard.json.`,
    );
  }
  const board = readBoard(packagePath("boards", `${nameOrPath}.json`), `boards/${nameOrPath}.json`);
  loaded.set(nameOrPath, board);
  return board;
}

function readBoard(path: string, shown: string): Board {
  const file = readChecked<DescriptorFile>(path, shown, "board");
  const table = readChecked<CostTable>(...locate(file.cost.table, "costs", path), "costTable");
  const board: Board = {
    name: file.name,
    title: file.title,
    chip: file.chip,
    architecture: file.architecture,
    clockHertz: file.clockHertz,
    memory: file.memory,
    store: file.store,
    line: file.line,
    runtime: file.runtime,
    cost: {
      name: table.name,
      source: `${file.cost.source}; ${table.source}`,
      opcode: table.opcode,
      memoryInit: table.memoryInit,
      memoryCopy: table.memoryCopy,
      call: table.call,
    },
    cyclesPerInstruction: file.cyclesPerInstruction,
    power: file.power,
    radios: file.radios.map((radio) =>
      pickRadio(
        typeof radio === "string" ? readChecked<Radio>(...locate(radio, "radios", path), "radio") : radio,
      ),
    ),
    usb: file.usb.map(({ id, description }) => ({ ...parseUsbId(id), description })),
    uf2: file.uf2 === undefined ? null : { ...file.uf2, familyId: Number(file.uf2.familyId) },
  };
  checkConsistency(board, shown);
  return board;
}

/** Leaves out `$schema`, which is the file's business alone. */
function pickRadio({ name, messageNanojoules, byteNanojoules, messageBytes }: Radio): Radio {
  return { name, messageNanojoules, byteNanojoules, messageBytes };
}

/** Path of a referenced file, and what to call it: a bare name is Wamlet's own, a path starts at the descriptor. */
function locate(reference: string, folder: "costs" | "radios", from: string): [string, string] {
  if (reference.startsWith(".")) {
    const path = join(dirname(from), reference);
    return [path, path];
  }
  return [packagePath("boards", folder, `${reference}.json`), `boards/${folder}/${reference}.json`];
}

function readChecked<T>(path: string, shown: string, part: SchemaPart): T {
  const value = parseJson(readText(path, shown), shown);
  checkSchema(value, part, shown);
  return value as T;
}

function readText(path: string, shown: string): string {
  try {
    const { size } = statSync(path);
    if (size > largestFileBytes) throw new Error(`${size} bytes are too many for a descriptor`);
    return readFileSync(path, "utf8");
  } catch (cause) {
    const missing = (cause as NodeJS.ErrnoException).code === "ENOENT";
    throw new WamletError(
      missing ? "WAMLET_FILE_NOT_FOUND" : "WAMLET_FILE_UNREADABLE",
      missing ? `There is no file ${shown}.` : `${shown} cannot be read: ${(cause as Error).message}.`,
      missing
        ? "Give the path of a descriptor, or the name of a known board (wamlet boards lists them)."
        : "Check that it is a JSON file and that you may read it.",
      { cause },
    );
  }
}

function parseJson(text: string, shown: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new WamletError(
      "WAMLET_INVALID_DESCRIPTOR",
      `${shown} is no JSON: ${(cause as Error).message}.`,
      "Correct the syntax; boards/esp32.json of this package is an example.",
      { cause },
    );
  }
}

/** Whether a figure is nothing better than an assumption, as its source says. */
export function isAssumed(figure: Sourced): boolean {
  return figure.source.startsWith("assumed");
}
