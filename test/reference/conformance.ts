/**
 * Where the conformance data lies: real models and single-operator models with golden outputs of TensorFlow
 * Lite Micro. It is not part of the repository; tests that need it are skipped where it is absent.
 */

import { existsSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";

/** The folder of the data, or null. */
export const conformanceFolder: string | null = locate();

/** How a test says why it was skipped. */
export const conformanceMissing =
  "no conformance data: set WAMLET_CONFORMANCE or put it at ../shared/conformance beside the repository";

function locate(): string | null {
  const folder =
    process.env.WAMLET_CONFORMANCE ?? resolve(import.meta.dirname, "../../../shared/conformance");
  return existsSync(join(folder, "ops/index.json")) ? folder : null;
}

/** One single-operator model; inputs and outputs hold `samples` samples one after the other. */
export interface OperatorCase {
  readonly id: string;
  readonly op: string;
  readonly model: string;
  readonly input: string;
  readonly output: string;
  readonly samples: number;
  /** Variables between samples: "fresh" starts each anew, "sequence" keeps them. */
  readonly state: "fresh" | "sequence";
}

/** A real model's golden inputs and outputs. */
export interface ModelIndex {
  readonly model: string;
  readonly cases: readonly { readonly input: string; readonly output: string }[];
}

/** All single-operator cases, empty where the data is absent. */
export function operatorCases(): readonly OperatorCase[] {
  return conformanceFolder === null ? [] : JSON.parse(readConformance("ops/index.json").toString("utf8"));
}

/** The index of a real model. */
export function modelIndex(name: string): ModelIndex {
  return JSON.parse(readConformance(`models/${name}/index.json`).toString("utf8"));
}

/** A file of the data, by its path inside the folder. */
export function readConformance(path: string): Buffer {
  if (conformanceFolder === null) throw new Error(conformanceMissing);
  return readFileSync(join(conformanceFolder, path));
}
