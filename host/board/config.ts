/**
 * `wamlet.config.json`: what a project says once instead of with every command. It is found by walking up from
 * the working directory, like package.json; paths in it start at its own folder.
 */
import { readFileSync, statSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { didYouMean } from "../closest_name.js";
import { WamletError } from "../errors.js";

export const configFileName = "wamlet.config.json";

export interface Config {
  /** Where the file lies. */
  readonly path: string;
  /** A port URL as `--port` takes it, or null. */
  readonly port: string | null;
  readonly baudRate: number | null;
  /** Name of a board, or the absolute path of a descriptor. */
  readonly board: string | null;
  /** Absolute path of a file of labels. */
  readonly labels: string | null;
}

const largestFileBytes = 1 << 16;

/**
 * The nearest config at or above a folder.
 * @returns null where there is none
 * @throws WamletError WAMLET_INVALID_CONFIG, WAMLET_FILE_UNREADABLE
 */
export function findConfig(folder: string): Config | null {
  for (let current = resolve(folder); ; current = dirname(current)) {
    const path = join(current, configFileName);
    const text = readIfPresent(path);
    if (text !== null) return parseConfig(text, path);
    if (dirname(current) === current) return null;
  }
}

/**
 * @param text content of the file
 * @param path where it lies; its folder is where relative paths start
 * @throws WamletError WAMLET_INVALID_CONFIG naming the field
 */
export function parseConfig(text: string, path: string): Config {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (cause) {
    throw invalid(path, `it is no JSON: ${(cause as Error).message}`, cause);
  }
  if (typeof json !== "object" || json === null || Array.isArray(json))
    throw invalid(path, "it is no JSON object");
  const fields = new Map(Object.entries(json));
  const known = ["port", "baudRate", "board", "labels"];
  for (const name of fields.keys()) {
    if (!known.includes(name) && name !== "$schema") {
      throw invalid(path, `"${name}" is no field of it (${known.join(", ")}).${didYouMean(name, known)}`);
    }
  }
  const baudRate = fields.get("baudRate") ?? null;
  if (baudRate !== null && !(Number.isInteger(baudRate) && baudRate >= 1200 && baudRate <= 20_000_000)) {
    throw invalid(path, `"baudRate" must be a whole number from 1200 to 20000000`);
  }
  const board = textField(fields, "board", path);
  const labels = textField(fields, "labels", path);
  return {
    path,
    port: textField(fields, "port", path),
    baudRate,
    board: board !== null && /[/\\]|\.json$/.test(board) ? resolve(dirname(path), board) : board,
    labels: labels === null ? null : resolve(dirname(path), labels),
  };
}

function textField(fields: ReadonlyMap<string, unknown>, name: string, path: string): string | null {
  const value = fields.get(name) ?? null;
  if (value === null) return null;
  if (typeof value !== "string" || value === "") throw invalid(path, `"${name}" must be a text`);
  return value;
}

function readIfPresent(path: string): string | null {
  try {
    const { size } = statSync(path);
    if (size > largestFileBytes) throw invalid(path, `${size} bytes are too many for it`);
    return readFileSync(path, "utf8");
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    if (code === "ENOENT" || code === "ENOTDIR") return null;
    if (cause instanceof WamletError) throw cause;
    throw new WamletError(
      "WAMLET_FILE_UNREADABLE",
      `${path} cannot be read: ${(cause as Error).message}.`,
      "Make it a readable file, or remove it.",
      { cause },
    );
  }
}

function invalid(path: string, what: string, cause?: unknown): WamletError {
  return new WamletError(
    "WAMLET_INVALID_CONFIG",
    `${path} is no valid configuration: ${what}${/[.?]$/.test(what) ? "" : "."}`,
    'Write it like {"port": "/dev/ttyUSB0", "baudRate": 921600, "board": "esp32"}; every field may be left out.',
    { cause },
  );
}
