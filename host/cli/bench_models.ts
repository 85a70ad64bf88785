/** Which models a benchmark measures where nobody names one, and what it calls them. */
import { existsSync, readdirSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { packagePath } from "../package_root.js";

/** Bundled examples, then the conformance models where they are. */
export function benchModels(environment: Readonly<Record<string, string | undefined>>): string[] {
  const found = ["digits", "motion"].map((name) => packagePath("examples", name, `${name}.tflite`));
  const conformance = environment.WAMLET_CONFORMANCE ?? packagePath("../shared/conformance");
  const models = join(conformance, "models");
  if (!existsSync(models)) return found;
  const others = readdirSync(models)
    .sort()
    .map((name) => join(models, name, "model.tflite"));
  return [...found, ...others.filter((path) => existsSync(path))];
}

/** The published models are all called model.tflite; their folder says which. */
export function benchModelName(path: string): string {
  const name = basename(path).replace(/\.tflite$/i, "");
  return name === "model" ? basename(dirname(path)) : name;
}
