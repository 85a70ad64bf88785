/**
 * Where a worker's code lies. Workers run built JavaScript only (Node 20 reads no TypeScript), so the file is the
 * one under dist/ whether the caller runs from host/*.ts under vitest or from dist/host/*.js.
 */
import { existsSync } from "node:fs";
import { pathToFileURL } from "node:url";
import { WamletError } from "./errors.js";
import { packagePath } from "./package_root.js";

/**
 * @param path of the worker below host/, without ending: `compiler/assemble_worker`
 * @throws WamletError WAMLET_INTERNAL where the package is not built
 */
export function workerUrl(path: string): URL {
  const file = packagePath("dist", "host", `${path}.js`);
  if (existsSync(file)) return pathToFileURL(file);
  throw new WamletError(
    "WAMLET_INTERNAL",
    `The built file dist/host/${path}.js is missing.`,
    "Build the package first: `npm run build`.",
  );
}
