/**
 * Suites of models with golden outputs, in two formats: a list of single-operator models (`ops/index.json`: each with
 * one input and one golden file that hold `samples` samples), and one real model with its cases (`index.json` beside
 * `model.tflite`). Paths are relative to the index; what is read is checked.
 */
import { readFile } from "node:fs/promises";
import { dirname, resolve } from "node:path";
import { WamletError } from "../errors.js";

/** A file of samples is read for each of them; more make no sense in one file. */
const mostSamples = 10_000;

/** One case of a suite: a single-operator model with its samples, or one frame of a real model. */
export interface SuiteCase {
  readonly id: string;
  /** Cases are counted by group: the operator's suite, or the model's name. */
  readonly group: string;
  readonly modelPath: string;
  readonly samples: readonly Sample[];
  /** Whether operator state goes on from sample to sample; otherwise each starts anew. */
  readonly sequence: boolean;
}

/** Bytes in, bytes expected: all tensors of the model, one after the other. */
export interface Sample {
  readonly name: string;
  input(): Promise<Uint8Array>;
  golden(): Promise<Uint8Array>;
}

/**
 * Reads an index.
 * @throws WamletError WAMLET_FILE_NOT_FOUND, WAMLET_INVALID_FRAMES where the index is not of either format
 */
export async function readSuite(path: string): Promise<SuiteCase[]> {
  const folder = dirname(path);
  let index: unknown;
  try {
    index = JSON.parse((await readSuiteFile(path)).toString("utf8"));
  } catch (error) {
    if (error instanceof WamletError) throw error;
    throw malformed(path, "it is no JSON");
  }
  if (Array.isArray(index)) return index.map((entry, at) => operatorCase(folder, path, entry, at));
  return modelCases(folder, path, record(path, index, "the index"));
}

type Fields = Readonly<Record<string, unknown>>;

function operatorCase(folder: string, path: string, value: unknown, at: number): SuiteCase {
  const entry = record(path, value, `entry ${at}`);
  const id = text(path, entry, "id");
  const samples = entry.samples;
  if (typeof samples !== "number" || !Number.isInteger(samples) || samples < 1 || samples > mostSamples) {
    throw malformed(path, `'samples' of ${id} is no integer from 1 to ${mostSamples}`);
  }
  const part = (name: string, file: string, sample: number) => async () => {
    const bytes = await readSuiteFile(resolve(folder, file));
    if (bytes.length % samples !== 0)
      throw malformed(path, `${name} of ${id} does not divide into ${samples} samples`);
    const length = bytes.length / samples;
    return Uint8Array.from(bytes.subarray(sample * length, (sample + 1) * length));
  };
  const [input, output] = [text(path, entry, "input"), text(path, entry, "output")];
  return {
    id,
    group: text(path, entry, "op"),
    modelPath: resolve(folder, text(path, entry, "model")),
    sequence: entry.state === "sequence",
    samples: Array.from({ length: samples }, (_, sample) => ({
      name: `sample ${sample}`,
      input: part("input", input, sample),
      golden: part("output", output, sample),
    })),
  };
}

function modelCases(folder: string, path: string, index: Fields): SuiteCase[] {
  const { cases, state } = index;
  if (!Array.isArray(cases)) throw malformed(path, "it is neither a list of models nor has it 'cases'");
  const model = text(path, index, "model");
  const group = typeof index.name === "string" ? index.name : model;
  // The published models say "fresh interpreter per case".
  const sequence = typeof state === "string" && state.startsWith("sequence");
  const file = (value: string) => async () => Uint8Array.from(await readSuiteFile(resolve(folder, value)));
  return cases.map((value, at) => {
    const entry = record(path, value, `case ${at}`);
    const name = text(path, entry, "input");
    return {
      id: `${group} ${name}`,
      group,
      modelPath: resolve(folder, model),
      sequence,
      samples: [{ name, input: file(name), golden: file(text(path, entry, "output")) }],
    };
  });
}

function record(path: string, value: unknown, what: string): Fields {
  if (typeof value !== "object" || value === null || Array.isArray(value))
    throw malformed(path, `${what} is no object`);
  return value as Fields;
}

function text(path: string, fields: Fields, name: string): string {
  const value = fields[name];
  if (typeof value !== "string" || value === "") throw malformed(path, `'${name}' is missing`);
  return value;
}

async function readSuiteFile(path: string): Promise<Buffer> {
  try {
    return await readFile(path);
  } catch (cause) {
    throw new WamletError(
      "WAMLET_FILE_NOT_FOUND",
      `${path} cannot be read: ${(cause as NodeJS.ErrnoException).code ?? String(cause)}.`,
      "Paths in a suite's index are relative to the index.",
      { cause },
    );
  }
}

function malformed(path: string, what: string): WamletError {
  return new WamletError(
    "WAMLET_INVALID_FRAMES",
    `${path} is no suite: ${what}.`,
    "Give an index.json with a list of {id, op, model, input, output, samples}, or with {model, cases}.",
  );
}
