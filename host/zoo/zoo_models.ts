/** The well-known models that Wamlet can fetch by name: `examples/zoo.json`, which ships with the package. */
import { readFileSync } from "node:fs";
import { closestName } from "../closest_name.js";
import type { ElementType } from "../element_type.js";
import { WamletError } from "../errors.js";
import { packagePath } from "../package_root.js";

export interface ZooModel {
  /** What the user calls it: `kws`. */
  readonly name: string;
  readonly title: string;
  readonly task: string;
  /** Name of the file, at its source and on a mirror. */
  readonly file: string;
  /** Address of the file at a fixed commit. */
  readonly source: string;
  readonly bytes: number;
  /** Lowercase hex. */
  readonly sha256: string;
  /** SPDX identifier. */
  readonly licence: string;
  readonly inputs: readonly {
    readonly type: ElementType;
    readonly shape: readonly number[];
    readonly meaning: string;
  }[];
  /** Class names of the first output; empty where there are no classes. */
  readonly labels: readonly string[];
  /** What is published of its accuracy, and where; null where nothing is. */
  readonly quality: { readonly text: string; readonly source: string } | null;
  /** What Wamlet's own tests hold its answers against. */
  readonly goldens: string;
}

/** How a model of the zoo is written where a path is expected: `zoo:kws`. */
const prefix = "zoo:";

/** All models, in the order of the file. */
export function listZoo(): readonly ZooModel[] {
  const { models } = JSON.parse(readFileSync(packagePath("examples", "zoo.json"), "utf8")) as {
    models: readonly ZooModel[];
  };
  return models;
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
