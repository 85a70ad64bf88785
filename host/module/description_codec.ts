/**
 * The JSON of the custom section `wamlet.model`: a `ModelDescription` as UTF-8 and back. Every field is checked
 * for its type, since the file may come from anywhere; unknown fields are dropped.
 */
import { elementBytes } from "../element_type.js";
import { WamletError } from "../errors.js";
import type { LayerDescription, ModelDescription, PlannedBuffer, TensorDescription } from "./description.js";

/** Longest description that is read: a network of thousands of layers stays far below. */
export const descriptionLimit = 4 * 1024 * 1024;

const bufferKinds: readonly PlannedBuffer["kind"][] = [
  "input",
  "output",
  "activation",
  "scratch",
  "weights",
  "state",
];

/** @returns compact JSON in UTF-8; the same description gives the same bytes */
export function encodeDescription(description: ModelDescription): Uint8Array {
  return new TextEncoder().encode(JSON.stringify(description));
}

/**
 * @param bytes the section's body
 * @throws WamletError WAMLET_INVALID_MODULE where it is no description, naming the field
 */
export function decodeDescription(bytes: Uint8Array): ModelDescription {
  if (bytes.length > descriptionLimit) throw invalid("wamlet.model", `at most ${descriptionLimit} bytes`);
  let json: unknown;
  try {
    json = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
  } catch (error) {
    throw invalid("wamlet.model", "JSON in UTF-8", error);
  }
  const root = new Node(json, "wamlet.model");
  if (root.at("format").value !== 1) {
    throw new WamletError(
      "WAMLET_UNSUPPORTED_MODULE",
      "The module's description has a format that this release does not know.",
      "Update Wamlet to the release that compiled the module.",
    );
  }
  const source = root.at("source");
  const memory = root.at("memory");
  return {
    format: 1,
    name: root.at("name").text(),
    source: {
      sha256: source.at("sha256").text(),
      bytes: source.at("bytes").count(),
      description: source.at("description").text(),
    },
    tools: Object.fromEntries(
      root
        .at("tools")
        .entries()
        .map(([name, node]) => [name, node.text()]),
    ),
    board: root.at("board").orNull((node) => node.text()),
    inputs: root.at("inputs").items().map(readTensor),
    outputs: root.at("outputs").items().map(readTensor),
    labels: root
      .at("labels")
      .items()
      .map((node) => node.text()),
    layers: root.at("layers").items().map(readLayer),
    memory: {
      planBytes: memory.at("planBytes").count(),
      linearMemoryBytes: memory.at("linearMemoryBytes").count(),
      lowerBoundBytes: memory.at("lowerBoundBytes").count(),
      greedyBytes: memory.at("greedyBytes").count(),
      buffers: memory.at("buffers").items().map(readBuffer),
    },
  };
}

function readTensor(node: Node): TensorDescription {
  return {
    name: node.at("name").text(),
    type: node.at("type").oneOf(Object.keys(elementBytes) as TensorDescription["type"][]),
    shape: node
      .at("shape")
      .items()
      .map((size) => size.count()),
    scale: node.at("scale").orNull((scale) => scale.number()),
    zeroPoint: node.at("zeroPoint").orNull((zeroPoint) => zeroPoint.number()),
    offset: node.at("offset").count(),
    bytes: node.at("bytes").count(),
  };
}

function readLayer(node: Node): LayerDescription {
  return {
    index: node.at("index").count(),
    operator: node.at("operator").text(),
    name: node.at("name").text(),
    kernel: node.at("kernel").text(),
    outputShape: node
      .at("outputShape")
      .items()
      .map((size) => size.count()),
    macs: node.at("macs").count(),
    parameters: node.at("parameters").count(),
    opcodes: node.at("opcodes").amount(),
    bytesMoved: node.at("bytesMoved").amount(),
  };
}

function readBuffer(node: Node): PlannedBuffer {
  return {
    name: node.at("name").text(),
    kind: node.at("kind").oneOf(bufferKinds),
    offset: node.at("offset").count(),
    bytes: node.at("bytes").count(),
    first: node.at("first").number(),
    last: node.at("last").number(),
  };
}

/** A value of the JSON with its path, for the error. */
class Node {
  constructor(
    readonly value: unknown,
    readonly path: string,
  ) {}

  at(name: string): Node {
    const { value } = this;
    const known = typeof value === "object" && value !== null && Object.hasOwn(value, name);
    if (!known) throw invalid(`${this.path}.${name}`, "present");
    return new Node((value as Record<string, unknown>)[name], `${this.path}.${name}`);
  }

  items(): Node[] {
    if (!Array.isArray(this.value)) throw invalid(this.path, "a list");
    return this.value.map((item, index) => new Node(item, `${this.path}[${index}]`));
  }

  entries(): [string, Node][] {
    const { value } = this;
    if (typeof value !== "object" || value === null || Array.isArray(value))
      throw invalid(this.path, "an object");
    return Object.entries(value).map(([name, item]) => [name, new Node(item, `${this.path}.${name}`)]);
  }

  text(): string {
    if (typeof this.value !== "string") throw invalid(this.path, "text");
    return this.value;
  }

  number(): number {
    if (typeof this.value !== "number" || !Number.isFinite(this.value)) throw invalid(this.path, "a number");
    return this.value;
  }

  /** A number that is not negative. */
  amount(): number {
    const value = this.number();
    if (value < 0) throw invalid(this.path, "not negative");
    return value;
  }

  /** An amount that is a whole number. */
  count(): number {
    const value = this.amount();
    if (!Number.isSafeInteger(value)) throw invalid(this.path, "a whole number");
    return value;
  }

  oneOf<Choice extends string>(choices: readonly Choice[]): Choice {
    const found = choices.find((choice) => choice === this.value);
    if (found === undefined) throw invalid(this.path, `one of ${choices.join(", ")}`);
    return found;
  }

  orNull<Value>(read: (node: Node) => Value): Value | null {
    return this.value === null ? null : read(this);
  }
}

function invalid(path: string, expected: string, cause?: unknown): WamletError {
  return new WamletError(
    "WAMLET_INVALID_MODULE",
    `The module's description is damaged: ${path} is not ${expected}.`,
    "Compile the model again with `wamlet compile`; docs/MODULE.md, chapter wamlet.model, lists the fields.",
    { cause },
  );
}
