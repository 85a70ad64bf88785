/**
 * The zoo's manifest, `zoo.json`: read and checked field by field, since what stands in it becomes addresses to ask
 * and names of files to write.
 */
import { type ElementType, elementBytes } from "../element_type.js";
import { WamletError } from "../errors.js";

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

/** Largest download that a manifest can ask for; models for microcontrollers are far smaller. */
const mostBytes = 1 << 28;

const elementTypes = new Set<unknown>(Object.keys(elementBytes));

/**
 * @param text content of the manifest
 * @param path for messages
 * @throws WamletError WAMLET_INVALID_ZOO, naming the field
 */
export function parseZoo(text: string, path: string): readonly ZooModel[] {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (cause) {
    throw invalid(path, `it is no JSON: ${(cause as Error).message}`, cause);
  }
  const { format, models } = fieldsOf(json);
  if (format !== 1) throw invalid(path, "its format is not 1");
  if (!Array.isArray(models)) throw invalid(path, '"models" is no list');
  const read = models.map((model, index) => readModel(fieldsOf(model), `models[${index}]`, path));
  const names = new Set(read.flatMap(({ name, file }) => [name, file]));
  if (names.size !== 2 * read.length) throw invalid(path, "two models share a name or a file");
  return read;
}

function readModel(fields: Fields, where: string, path: string): ZooModel {
  const text = (name: string, pattern: RegExp = /./) => textOf(fields, name, pattern, where, path);
  const { bytes, inputs, labels, quality } = fields;
  if (!isCount(bytes) || bytes > mostBytes) throw invalid(path, `${where}.bytes is no length`);
  if (!Array.isArray(inputs)) throw invalid(path, `${where}.inputs is no list`);
  if (!Array.isArray(labels) || labels.some((label) => typeof label !== "string")) {
    throw invalid(path, `${where}.labels is no list of texts`);
  }
  return {
    name: text("name", /^[a-z0-9_.-]{1,31}$/),
    title: text("title"),
    task: text("task"),
    // A name alone, never a path: a file is written by it.
    file: text("file", /^\w[\w.-]{0,99}\.tflite$/),
    source: text("source", /^https:\/\/\S+$/),
    bytes,
    sha256: text("sha256", /^[0-9a-f]{64}$/),
    licence: text("licence"),
    inputs: inputs.map((input, index) => readInput(fieldsOf(input), `${where}.inputs[${index}]`, path)),
    labels: labels as string[],
    quality: quality === null ? null : readQuality(fieldsOf(quality), `${where}.quality`, path),
    goldens: text("goldens"),
  };
}

function readInput(fields: Fields, where: string, path: string): ZooModel["inputs"][number] {
  const { type, shape } = fields;
  if (!elementTypes.has(type)) throw invalid(path, `${where}.type is no element type`);
  if (!Array.isArray(shape) || !shape.every(isCount)) throw invalid(path, `${where}.shape is no shape`);
  return { type: type as ElementType, shape, meaning: textOf(fields, "meaning", /./, where, path) };
}

function readQuality(fields: Fields, where: string, path: string): ZooModel["quality"] {
  const text = (name: string) => textOf(fields, name, /./, where, path);
  return { text: text("text"), source: text("source") };
}

type Fields = Readonly<Record<string, unknown>>;

function fieldsOf(value: unknown): Fields {
  return typeof value === "object" && value !== null ? (value as Fields) : {};
}

function textOf(fields: Fields, name: string, pattern: RegExp, where: string, path: string): string {
  const value = fields[name];
  if (typeof value !== "string" || !pattern.test(value)) {
    throw invalid(path, `${where}.${name} is missing, or not what it should be`);
  }
  return value;
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) > 0;
}

function invalid(path: string, what: string, cause?: unknown): WamletError {
  return new WamletError(
    "WAMLET_INVALID_ZOO",
    `${path} is no manifest of a zoo: ${what}.`,
    "It is part of Wamlet: install Wamlet again, or restore the file.",
    { cause },
  );
}
