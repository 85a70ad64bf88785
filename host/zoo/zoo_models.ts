/** The well-known models that Wamlet can fetch by name: `examples/zoo.json`, which ships with the package. */
import { readFileSync } from "node:fs";
import { closestName } from "../closest_name.js";
import { WamletError } from "../errors.js";
import { packagePath } from "../package_root.js";
import { parseZoo, type ZooModel } from "./zoo_manifest.js";

export type { ZooModel } from "./zoo_manifest.js";

/** How a model of the zoo is written where a path is expected: `zoo:kws`. */
const prefix = "zoo:";

/**
 * All models, in the order of the file.
 * @throws WamletError WAMLET_INVALID_ZOO where the package is damaged
 */
export function listZoo(): readonly ZooModel[] {
  const path = packagePath("examples", "zoo.json");
  return parseZoo(readFileSync(path, "utf8"), path);
}

/** `kws` of `zoo:kws`; null for anything that is no name of the zoo. */
export function zooName(which: string): string | null {
  return which.startsWith(prefix) ? which.slice(prefix.length) : null;
}

/**
 * @param name `kws`, or the name of its file
 * @throws WamletError WAMLET_UNKNOWN_MODEL, with the name that was probably meant
 */
export function findZooModel(name: string): ZooModel {
  const models = listZoo();
  const found = models.find((model) => model.name === name || model.file === name);
  if (found !== undefined) return found;
  const names = models.map((model) => model.name);
  const meant = closestName(name, names);
  throw new WamletError(
    "WAMLET_UNKNOWN_MODEL",
    `The zoo has no model "${name}".${meant === null ? "" : ` Did you mean ${meant}?`}`,
    `It has ${names.join(", ")}; "wamlet zoo list" describes them.`,
  );
}
