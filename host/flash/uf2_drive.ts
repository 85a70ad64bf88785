/** The drive that a UF2 boot loader shows: found by its INFO_UF2.TXT, written as one file, gone when it is done. */
import { existsSync } from "node:fs";
import { open, readdir, readFile } from "node:fs/promises";
import { userInfo } from "node:os";
import { join } from "node:path";
import type { Uf2Loader } from "../descriptor/board.js";
import { WamletError } from "../errors.js";
import { interrupted } from "../transport/abort.js";

const infoFile = "INFO_UF2.TXT";
const firmwareFile = "WAMLET.UF2";
const mostInfoBytes = 4096;
const pieceBytes = 1 << 16;

export interface Uf2Drive {
  readonly path: string;
  readonly boardId: string;
}

/** Folders whose folders are drives, on this system. */
export function driveRoots(): readonly string[] {
  if (process.platform === "win32") return [];
  if (process.platform === "darwin") return ["/Volumes"];
  const user = userInfo().username;
  return [join("/media", user), join("/run/media", user), "/media", "/mnt"];
}

/** The drives of UF2 boot loaders that are there now. */
export async function findUf2Drives(roots = driveRoots()): Promise<Uf2Drive[]> {
  const letters =
    process.platform === "win32" ? [..."DEFGHIJKLMNOPQRSTUVWXYZ"].map((each) => `${each}:\\`) : [];
  const inRoots = await Promise.all(
    roots.map(async (root) => (await readdir(root).catch(() => [])).map((name) => join(root, name))),
  );
  const drives: Uf2Drive[] = [];
  for (const path of [...letters, ...inRoots.flat()]) {
    const info = await readFile(join(path, infoFile)).catch(() => null);
    const text = info?.subarray(0, mostInfoBytes).toString("latin1") ?? "";
    const boardId = /^Board-ID:\s*(.*?)\s*$/im.exec(text)?.[1];
    if (boardId !== undefined) drives.push({ path, boardId: boardId.replace(/[^\x20-\x7e]/g, "?") });
  }
  return drives;
}

/**
 * The one drive of a board.
 * @param named a drive that the user names
 * @throws WamletError WAMLET_NO_UF2_DRIVE, WAMLET_PORT_AMBIGUOUS
 */
export function chooseUf2Drive(
  drives: readonly Uf2Drive[],
  loader: Uf2Loader,
  title: string,
  named: string | undefined,
): Uf2Drive {
  const fitting = drives.filter(
    ({ boardId, path }) => boardId.startsWith(loader.boardId) && (named === undefined || path === named),
  );
  const [drive, ...others] = fitting;
  if (drive === undefined) {
    const listed = drives.map(({ path, boardId }) => `${path} (${boardId})`).join(", ");
    throw new WamletError(
      "WAMLET_NO_UF2_DRIVE",
      `No drive of ${title} is there${listed === "" ? "" : `; other boot loaders: ${listed}`}.`,
      `${loader.enter}, and run the command again once the drive "${loader.boardId}" is mounted.`,
    );
  }
  if (others.length === 0) return drive;
  throw new WamletError(
    "WAMLET_PORT_AMBIGUOUS",
    `${fitting.length} boards wait for firmware: ${fitting.map(({ path }) => path).join(", ")}.`,
    `Say which one with --drive ${drive.path}.`,
  );
}

/**
 * Copies a checked UF2 file. The boot loader starts the firmware as soon as it has the last block, often before the
 * system has closed the file: a drive that goes away once everything was handed over has done its work.
 * @throws WamletError WAMLET_LINE_CLOSED where the drive goes away before, WAMLET_INTERRUPTED
 */
export async function copyToDrive(
  drive: Uf2Drive,
  bytes: Uint8Array,
  onProgress: (share: number) => void,
  signal?: AbortSignal,
): Promise<void> {
  let handedOver = 0;
  try {
    const file = await open(join(drive.path, firmwareFile), "w");
    try {
      while (handedOver < bytes.length) {
        if (signal?.aborted) throw interrupted();
        const piece = bytes.subarray(handedOver, handedOver + pieceBytes);
        await file.write(piece);
        await file.datasync();
        handedOver += piece.length;
        onProgress(handedOver / bytes.length);
      }
    } finally {
      await file.close();
    }
  } catch (cause) {
    if (cause instanceof WamletError) throw cause;
    const isLast = handedOver + pieceBytes >= bytes.length;
    if (isLast && !existsSync(join(drive.path, infoFile))) return;
    throw new WamletError(
      "WAMLET_LINE_CLOSED",
      `${drive.path} took ${handedOver} of ${bytes.length} bytes (${(cause as Error).message}).`,
      "Bring the board into its boot loader again and run the command again; the boot loader itself is never written.",
      { cause },
    );
  }
}
