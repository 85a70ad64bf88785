/** A model or module by its path, or by its name in the zoo: `zoo:kws` is downloaded once and then kept. */
import { join } from "node:path";
import { cacheFolder } from "../cache_folder.js";
import type { PulledModel } from "../zoo/pull_model.js";
import { findZooModel, type ZooModel, zooName } from "../zoo/zoo_models.js";
import { formatBytes } from "./format.js";
import type { Progress } from "./progress.js";
import { readFileBytes } from "./read_file.js";

export interface Surroundings {
  readonly progress: Pick<Progress, "show" | "clear" | "note" | "colors">;
  readonly signal: AbortSignal;
  readonly environment: Readonly<Record<string, string | undefined>>;
}

/**
 * The bytes of a model or module.
 * @param which a path, or `zoo:` and a name
 * @param what what the file should be, for the error
 * @throws WamletError what reading throws; WAMLET_UNKNOWN_MODEL and what `pullModel` throws
 */
export async function readModelFile(
  which: string,
  what: string,
  surroundings: Surroundings,
): Promise<Uint8Array> {
  const name = zooName(which);
  if (name === null) return readFileBytes(which, what);
  const { path } = await pullWithProgress(findZooModel(name), surroundings);
  return readFileBytes(path, what);
}

/** The class names that the zoo knows of a model; undefined for any other file. */
export function zooLabels(which: string): readonly string[] | undefined {
  const name = zooName(which);
  return name === null ? undefined : findZooModel(name).labels;
}

/** Brings a model of the zoo into the user's cache, from WAMLET_ZOO_MIRROR where that is set. */
export async function pullWithProgress(
  model: ZooModel,
  { progress, signal, environment }: Surroundings,
): Promise<PulledModel> {
  const { pullModel } = await import("../zoo/pull_model.js");
  try {
    return await pullModel(model, {
      folder: zooFolder(environment),
      mirror: environment.WAMLET_ZOO_MIRROR || undefined,
      signal,
      onProgress: (received, total) =>
        progress.show(`${model.file} ${formatBytes(received)} of ${formatBytes(total)}`, received / total),
    });
  } finally {
    progress.clear();
  }
}

/** Where models of the zoo are kept. */
export function zooFolder(environment: Surroundings["environment"]): string {
  return join(cacheFolder(environment), "zoo");
}
