/**
 * One line of JSON → one frame:
 *   [0.1, 0.2, …]                                     the values of the one input tensor
 *   {"values": …, "label": "yes"}                     the same with a label; `input` may stand for `values`
 *   {"inputs": [first, second], "label": 3}           several input tensors, in order
 *   {"inputs": {"sound": first, "gain": second}}      or by name
 * A tensor is a flat array, an array nested as the tensor's shape (dimensions of 1 may be left out), a number for
 * a tensor of one element, or a string: the tensor's own bytes in base64. Other keys are passed over.
 */

import { WamletError } from "../errors.js";
import { fitsTensor } from "./frame_shape.js";
import { type FrameTensor, quantiseValues, storeQuantised, tensorElements } from "./quantise.js";

export interface JsonFrame {
  readonly inputs: readonly Uint8Array[];
  readonly label: string | null;
  readonly clamped: number;
}

/** Deeper than any tensor's shape. */
const deepest = 16;

/** Bytes of a line within which a frame and an answer fit, with room for other keys. */
export function longestJsonLine(expected: readonly FrameTensor[]): number {
  return expected.reduce((sum, tensor) => sum + tensorElements(tensor) * 64, 1 << 22);
}

/**
 * @param key where the tensors stand: `outputs` reads the answers of a recording
 * @param where how errors name the line, `line 3 of frames.jsonl`
 * @throws WamletError WAMLET_INVALID_FRAMES, WAMLET_WRONG_SHAPE, WAMLET_INVALID_LABELS
 */
export function jsonFrame(
  text: string,
  expected: readonly FrameTensor[],
  values: "quantised" | "real",
  where: string,
  key: "inputs" | "outputs" = "inputs",
): JsonFrame {
  const parsed = parseJson(text, where);
  const { tensors, label } = Array.isArray(parsed)
    ? { tensors: [parsed], label: null }
    : fromObject(parsed, expected, where, key);
  if (tensors.length !== expected.length) {
    throw new WamletError(
      "WAMLET_WRONG_SHAPE",
      `${capital(where)} holds ${tensors.length} tensors; expected ${expected.length} (${names(expected)}).`,
      'Write {"inputs": [first, second, …]} with one entry for each tensor.',
    );
  }
  let clamped = 0;
  const inputs = expected.map((tensor, index) => {
    const stored = storeTensor(tensors[index], tensor, values, where);
    clamped += stored.clamped;
    return stored.bytes;
  });
  return { inputs, label, clamped };
}

/** @throws WamletError WAMLET_INVALID_FRAMES */
export function parseJson(text: string, where: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new WamletError(
      "WAMLET_INVALID_FRAMES",
      `${capital(where)} is no JSON: '${text.slice(0, 40)}${text.length > 40 ? "…" : ""}'.`,
      "Write one array or object to a line; NaN and Infinity are no JSON.",
      { cause },
    );
  }
}

export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function fromObject(
  parsed: unknown,
  expected: readonly FrameTensor[],
  where: string,
  key: "inputs" | "outputs",
): { tensors: unknown[]; label: string | null } {
  const keys = key === "outputs" ? ["outputs"] : ["values", "input", "inputs"];
  const object = isRecord(parsed) ? parsed : {};
  const present = keys.filter((name) => Object.hasOwn(object, name));
  const [found] = present;
  if (found === undefined || present.length > 1) {
    throw new WamletError(
      "WAMLET_INVALID_FRAMES",
      `${capital(where)} has ${present.length === 0 ? `none` : "more than one"} of ${keys.join(", ")}.`,
      'Write [1, 2, …] or {"values": [1, 2, …], "label": "name"}.',
    );
  }
  const label = labelOf(Object.hasOwn(object, "label") ? object.label : null, where);
  const value = object[found];
  if (found !== key) return { tensors: [value], label };
  if (isRecord(value)) {
    const tensors = expected.map(({ name }) => {
      if (Object.hasOwn(value, name)) return value[name];
      throw new WamletError(
        "WAMLET_WRONG_SHAPE",
        `${capital(where)} has no tensor ${name}; expected ${names(expected)}.`,
        "Name the tensors as `wamlet inspect` does, or write them as an array in order.",
      );
    });
    return { tensors, label };
  }
  return { tensors: Array.isArray(value) ? value : [value], label };
}

function labelOf(label: unknown, where: string): string | null {
  if (label === null || label === undefined) return null;
  if (typeof label === "string" && label.trim() !== "") return label.trim();
  if (typeof label === "number" && Number.isSafeInteger(label)) return String(label);
  throw new WamletError(
    "WAMLET_INVALID_LABELS",
    `The label of ${where} is neither a name nor a whole number.`,
    'Write "label": "yes" or "label": 3, or leave it out.',
  );
}

function storeTensor(
  value: unknown,
  tensor: FrameTensor,
  values: "quantised" | "real",
  where: string,
): { bytes: Uint8Array; clamped: number } {
  if (typeof value === "string") return { bytes: decodeBase64(value, tensor, where), clamped: 0 };
  const shape = shapeOf(value);
  if (!fitsTensor(shape, tensor)) {
    throw new WamletError(
      "WAMLET_WRONG_SHAPE",
      `${capital(where)} holds an array of [${shape.join(", ")}]; tensor ${tensor.name} takes [${tensor.shape.join(", ")}].`,
      "Write the values flat or nested as the tensor's shape; dimensions of 1 may be left out.",
    );
  }
  const numbers = new Float64Array(tensorElements(tensor));
  fill(value, shape, 0, numbers, { next: 0 }, where);
  if (values === "real") return quantiseValues(numbers, tensor, where);
  return { bytes: storeQuantised(numbers, tensor, where), clamped: 0 };
}

/** Lengths along the first entries; whether all others agree, `fill` finds out. */
function shapeOf(value: unknown): number[] {
  const shape: number[] = [];
  let inner = value;
  while (Array.isArray(inner) && shape.length < deepest) {
    shape.push(inner.length);
    inner = inner[0];
  }
  return shape;
}

function fill(
  value: unknown,
  shape: readonly number[],
  depth: number,
  numbers: Float64Array,
  at: { next: number },
  where: string,
): void {
  const length = shape[depth];
  if (length === undefined) {
    if (typeof value !== "number") {
      throw new WamletError(
        "WAMLET_INVALID_FRAMES",
        `Value ${at.next + 1} of ${where} is no number: ${JSON.stringify(value)?.slice(0, 40)}.`,
        "Write plain numbers.",
      );
    }
    numbers[at.next++] = value;
    return;
  }
  if (!Array.isArray(value) || value.length !== length) {
    throw new WamletError(
      "WAMLET_WRONG_SHAPE",
      `${capital(where)} is not the regular array of [${shape.join(", ")}] that it begins as.`,
      "Every nested array of one depth must have the same length.",
    );
  }
  for (const inner of value) fill(inner, shape, depth + 1, numbers, at, where);
}

function decodeBase64(text: string, tensor: FrameTensor, where: string): Uint8Array {
  const bytes = Buffer.from(text, "base64");
  if (bytes.toString("base64") !== text) {
    throw new WamletError(
      "WAMLET_INVALID_FRAMES",
      `Tensor ${tensor.name} in ${where} is no base64: '${text.slice(0, 40)}'.`,
      "A string holds the tensor's own bytes in base64; numbers go into an array.",
    );
  }
  if (bytes.length !== tensor.bytes) {
    throw new WamletError(
      "WAMLET_WRONG_SHAPE",
      `Tensor ${tensor.name} in ${where} has ${bytes.length} bytes; expected ${tensor.bytes} (${tensor.type} [${tensor.shape.join(", ")}]).`,
      "A string holds the tensor's own bytes in base64, as many as `wamlet inspect` shows.",
    );
  }
  // Of its own: small Buffers share one block of memory.
  return Uint8Array.from(bytes);
}

function names(tensors: readonly FrameTensor[]): string {
  return tensors.map(({ name }) => name).join(", ");
}

/** For the beginning of a sentence. */
export function capital(where: string): string {
  return where.charAt(0).toUpperCase() + where.slice(1);
}
