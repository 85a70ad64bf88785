/** Where Wamlet keeps what it can get again: modules that were deployed, models that were downloaded. */
import { homedir } from "node:os";
import { join } from "node:path";

/** The user's own cache folder: WAMLET_CACHE, or what the system has for such things. */
export function cacheFolder(environment: Readonly<Record<string, string | undefined>>): string {
  if (environment.WAMLET_CACHE) return environment.WAMLET_CACHE;
  const base =
    process.platform === "win32"
      ? (environment.LOCALAPPDATA ?? join(homedir(), "AppData", "Local"))
      : process.platform === "darwin"
        ? join(homedir(), "Library", "Caches")
        : environment.XDG_CACHE_HOME || join(homedir(), ".cache");
  return join(base, "wamlet");
}
