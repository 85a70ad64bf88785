/**
 * Modules that were deployed from this machine, by the SHA-256 of their payload. A board keeps payload and manifest
 * only; shapes, scales and names, which frames and answers need, are in the file that it came from.
 */
import { mkdir, readdir, rm, stat, utimes } from "node:fs/promises";
import { join } from "node:path";
import { cacheFolder as userCacheFolder } from "../cache_folder.js";
import { WamletError } from "../errors.js";
import type { WamletModule } from "../module/layout.js";
import { readFileBytes } from "./read_file.js";
import { writeFileWhole } from "./write_file.js";

type Environment = Readonly<Record<string, string | undefined>>;

/** A few megabytes; the longest unused make room. */
const mostModules = 64;

/** Where the modules lie: WAMLET_CACHE itself, or a folder of the user's cache. */
export function cacheFolder(environment: Environment): string {
  return environment.WAMLET_CACHE || join(userCacheFolder(environment), "modules");
}

/** Keeps a module's file. A cache that cannot be written is no reason to fail: the module is on the board. */
export async function rememberModule(module: WamletModule, environment: Environment): Promise<void> {
  const folder = cacheFolder(environment);
  try {
    await mkdir(folder, { recursive: true });
    await writeFileWhole(pathOf(folder, module.manifest.payloadSha256), module.bytes);
    await prune(folder);
  } catch (error) {
    if (!(error instanceof WamletError) && (error as NodeJS.ErrnoException).code === undefined) throw error;
  }
}

/** The module with this payload; null where it is not kept, or no longer what it was. */
export async function recallModule(
  sha256: Uint8Array,
  environment: Environment,
): Promise<WamletModule | null> {
  const path = pathOf(cacheFolder(environment), sha256);
  const { readModule } = await import("../module/layout.js");
  try {
    const module = readModule(await readFileBytes(path, "a module that was deployed"));
    if (Buffer.compare(module.manifest.payloadSha256, sha256) !== 0) return null;
    const now = new Date();
    // Used now: the last to make room. Whoever may not say so may still read it.
    await utimes(path, now, now).catch(() => {});
    return module;
  } catch (error) {
    if (error instanceof WamletError) return null;
    throw error;
  }
}

function pathOf(folder: string, sha256: Uint8Array): string {
  return join(folder, `${Buffer.from(sha256).toString("hex")}.wasm`);
}

async function prune(folder: string): Promise<void> {
  const names = (await readdir(folder)).filter((name) => /^[0-9a-f]{64}\.wasm$/.test(name));
  if (names.length <= mostModules) return;
  const aged = await Promise.all(
    names.map(async (name) => ({ name, used: (await stat(join(folder, name))).mtimeMs })),
  );
  aged.sort((one, other) => other.used - one.used);
  for (const { name } of aged.slice(mostModules)) await rm(join(folder, name), { force: true });
}
