/**
 * Where this package lies on disk, so that its data (boards/, assembly/, asconfig.json, examples/) is found
 * from `host/*.ts` under vitest and from `dist/host/*.js` once built, whatever the working directory is.
 */
import { existsSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { WamletError } from "./errors.js";

let found: { readonly folder: string; readonly version: string } | null = null;

/** The folder that holds Wamlet's own package.json. */
export function packageRoot(): string {
  return ownPackage().folder;
}

/** Path of a file or folder of the package, `packagePath("boards", "esp32.json")`. */
export function packagePath(...parts: string[]): string {
  return join(packageRoot(), ...parts);
}

/** Version of this package, `0.1.0`. */
export function packageVersion(): string {
  return ownPackage().version;
}

function ownPackage(): { readonly folder: string; readonly version: string } {
  if (found !== null) return found;
  let folder = dirname(fileURLToPath(import.meta.url));
  for (;;) {
    const manifest = join(folder, "package.json");
    if (existsSync(manifest)) {
      const { name, version } = JSON.parse(readFileSync(manifest, "utf8")) as {
        name?: string;
        version?: string;
      };
      if (name === "wamlet" && version !== undefined) {
        found = { folder, version };
        return found;
      }
    }
    const parent = dirname(folder);
    if (parent === folder) break;
    folder = parent;
  }
  throw new WamletError(
    "WAMLET_INTERNAL",
    "Wamlet's own package.json is nowhere above its code.",
    "The installation is damaged: install the package again with npm.",
  );
}
