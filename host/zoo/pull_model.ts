/**
 * Brings a model of the zoo into a folder: from there if it is there already, else from a mirror or its source.
 * Nothing gets its final name before its SHA-256 is right, and it is checked again each time it is used.
 */
import { createHash } from "node:crypto";
import { constants } from "node:fs";
import { copyFile, mkdir, open, readFile, rename, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { WamletError } from "../errors.js";
import { TransferFault, transfer } from "./transfer.js";
import type { ZooModel } from "./zoo_models.js";

/** How patient a download is. */
export interface Patience {
  /** Requests in a row that bring nothing new, until it gives up. */
  readonly attempts: number;
  /** The pause before the second; it doubles from one to the next. */
  readonly firstPauseMilliseconds: number;
  /** Silence that counts as a broken connection. */
  readonly idleMilliseconds: number;
}

export interface PullOptions {
  /** Where models are kept; made where it is missing. */
  readonly folder: string;
  /** A folder, or the address of one, that has the models' files; then the sources are not asked. */
  readonly mirror?: string | undefined;
  readonly patience?: Patience;
  readonly signal?: AbortSignal | undefined;
  readonly onProgress?: (received: number, total: number) => void;
}

export interface PulledModel {
  readonly path: string;
  /** Where it came from; null where it was in the folder. */
  readonly from: string | null;
}

const defaultPatience: Patience = { attempts: 6, firstPauseMilliseconds: 500, idleMilliseconds: 30_000 };

const longestPause = 15_000;

/**
 * @throws WamletError WAMLET_DOWNLOAD_FAILED where it cannot be had, WAMLET_HASH_MISMATCH where it is not what the
 *   zoo says, WAMLET_FILE_UNWRITABLE where the folder does not take it
 */
export async function pullModel(model: ZooModel, options: PullOptions): Promise<PulledModel> {
  const path = join(options.folder, model.file);
  if (await isWhole(path, model)) return { path, from: null };
  const part = `${path}.part`;
  const from = addressOf(model, options.mirror);
  try {
    await mkdir(options.folder, { recursive: true });
    if (/^https?:/i.test(from)) await downloadChecked(model, from, part, options);
    else await copyChecked(model, from, part);
    await rename(part, path);
  } catch (error) {
    options.signal?.throwIfAborted();
    // Another process may have been quicker with the same bytes.
    if (await isWhole(path, model)) return { path, from };
    if (error instanceof WamletError) throw error;
    throw new WamletError(
      "WAMLET_FILE_UNWRITABLE",
      `${model.file} cannot be kept in ${options.folder}: ${(error as Error).message}.`,
      "Make room there, or name another folder in WAMLET_CACHE.",
      { cause: error },
    );
  }
  return { path, from };
}

/** The address or the path of the model's file. */
function addressOf(model: ZooModel, mirror: string | undefined): string {
  if (!mirror) return model.source;
  if (/^https?:/i.test(mirror)) return `${mirror.replace(/\/+$/, "")}/${model.file}`;
  const folder = /^file:/i.test(mirror) ? fileURLToPath(mirror) : mirror;
  return join(folder, model.file);
}

/** Whether the file is there with the right bytes. */
async function isWhole(path: string, model: ZooModel): Promise<boolean> {
  const size = await sizeOf(path);
  return size === model.bytes && (await sha256Of(path)) === model.sha256;
}

async function sizeOf(path: string): Promise<number | null> {
  const status = await stat(path).catch(() => null);
  return status?.isFile() ? status.size : null;
}

/** null where it cannot be read. */
async function sha256Of(path: string): Promise<string | null> {
  const bytes = await readFile(path).catch(() => null);
  return bytes && createHash("sha256").update(bytes).digest("hex");
}

async function copyChecked(model: ZooModel, from: string, part: string): Promise<void> {
  const size = await sizeOf(from);
  if (size === null) {
    throw new WamletError(
      "WAMLET_DOWNLOAD_FAILED",
      `The mirror has no file ${from}.`,
      `Put ${model.file} there, or unset WAMLET_ZOO_MIRROR.`,
    );
  }
  if (size !== model.bytes) throw otherBytes(model, from);
  await copyFile(from, part);
  if (await isWhole(part, model)) return;
  await rm(part, { force: true });
  throw otherBytes(model, from);
}

async function downloadChecked(
  model: ZooModel,
  url: string,
  part: string,
  options: PullOptions,
): Promise<void> {
  const continued = await download(model, url, part, options);
  if (await isWhole(part, model)) return;
  await rm(part, { force: true });
  // A beginning from an earlier run may have been another file's: once more from the start.
  if (continued) {
    await download(model, url, part, options);
    if (await isWhole(part, model)) return;
    await rm(part, { force: true });
  }
  throw otherBytes(model, url);
}

/** Asks until the part is as long as the model. @returns whether any of it was there before, or came in pieces */
async function download(model: ZooModel, url: string, part: string, options: PullOptions): Promise<boolean> {
  const patience = options.patience ?? defaultPatience;
  let continued = false;
  let most = 0;
  for (let fruitless = 0; ; ) {
    const from = await beginning(part, model);
    if (from === model.bytes) return true;
    try {
      // Without truncation: another process that pulls the same file writes the same bytes to the same places.
      const file = await open(part, constants.O_RDWR | constants.O_CREAT);
      try {
        const { idleMilliseconds } = patience;
        const onBytes = (received: number) => {
          if (received > most) fruitless = 0;
          most = Math.max(most, received);
          options.onProgress?.(received, model.bytes);
        };
        const { signal } = options;
        const request = { url, file, from, total: model.bytes, idleMilliseconds, signal, onBytes };
        return (await transfer(request)) || continued;
      } finally {
        await file.close();
      }
    } catch (fault) {
      if (!(fault instanceof TransferFault)) throw fault;
      fruitless++;
      if (!fault.passing || fruitless >= patience.attempts) throw failed(model, url, fault);
      continued = true;
      const pause = Math.min(patience.firstPauseMilliseconds * 2 ** (fruitless - 1), longestPause);
      await sleep(Math.max(pause, fault.waitMilliseconds), undefined, { signal: options.signal });
    }
  }
}

/** How much of the model an earlier transfer has left. */
async function beginning(part: string, model: ZooModel): Promise<number> {
  const size = (await sizeOf(part)) ?? 0;
  if (size <= model.bytes) return size;
  await rm(part, { force: true });
  return 0;
}

function failed(model: ZooModel, url: string, fault: TransferFault): WamletError {
  return new WamletError(
    "WAMLET_DOWNLOAD_FAILED",
    `${model.file} could not be downloaded from ${url}: ${fault.message}.`,
    fault.passing
      ? "Run it again to continue where it stopped, or name a folder or address that has the file in WAMLET_ZOO_MIRROR."
      : `Name a folder or address that has the file (SHA-256 ${model.sha256.slice(0, 16)}…) in WAMLET_ZOO_MIRROR.`,
    { cause: fault },
  );
}

function otherBytes(model: ZooModel, from: string): WamletError {
  return new WamletError(
    "WAMLET_HASH_MISMATCH",
    `${from} is not the ${model.file} of the zoo: its SHA-256 is another than ${model.sha256}.`,
    "It was changed there or on the way, and is not kept. Name another place in WAMLET_ZOO_MIRROR.",
  );
}
