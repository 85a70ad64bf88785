/** Reads and checks one tensor: type, shape, quantisation and, for a constant, its bytes. */

import { type ElementType, elementBytes } from "../element_type.js";
import { WamletError } from "../errors.js";
import { type CheckedTable, invalidModel } from "./checked_table.js";
import type { Quantisation, Tensor } from "./graph.js";
import { readBuffer } from "./read_buffers.js";
import { elementTypeOf, tensorTypeName } from "./tensor_types.js";

/** Field numbers of the schema's table Tensor. */
const SHAPE = 0;
const TYPE = 1;
const BUFFER = 2;
const NAME = 3;
const QUANTISATION = 4;
const IS_VARIABLE = 5;
const SPARSITY = 6;
const EXTERNAL_BUFFER = 10;

/** Field numbers of the schema's table QuantizationParameters. */
const SCALE = 2;
const ZERO_POINT = 3;
const DETAILS_TYPE = 4;
const QUANTISED_DIMENSION = 6;

/** TensorFlow Lite's own kernels stop at 6 to 8 dimensions. */
const MAXIMUM_RANK = 8;

/** No tensor of a 32-bit machine is larger. */
const MAXIMUM_BYTES = 2 ** 31 - 1;

/** Zero points must be values of the tensor's type; those of other types are int32 in TensorFlow Lite. */
const zeroPointRange: Readonly<Partial<Record<ElementType, readonly [number, number]>>> = {
  int8: [-128, 127],
  uint8: [0, 255],
  int16: [-32768, 32767],
};

/** What a tensor needs from the rest of the file. */
export interface TensorSource {
  readonly file: Uint8Array;
  readonly buffers: readonly CheckedTable[];
}

/** How messages name a tensor: `tensor 'conv/weights' (7)`. */
export function tensorLabel(table: CheckedTable, fileIndex: number): string {
  return `tensor '${(table.string(NAME, "name") ?? "").slice(0, 100)}' (${fileIndex})`;
}

/**
 * Reads a tensor and checks all that Graph promises of it.
 * @param table the schema's table Tensor
 * @param fileIndex the tensor's number in the file, for messages
 * @param index its position in `Graph.tensors`
 * @throws WamletError WAMLET_UNSUPPORTED_TYPE for element types and encodings that Wamlet does not hold,
 *   WAMLET_INVALID_MODEL for the rest
 */
export function readTensor(
  source: TensorSource,
  table: CheckedTable,
  fileIndex: number,
  index: number,
): Tensor {
  const label = tensorLabel(table, fileIndex);
  const type = readType(table, label);
  const shape = readShape(table, label);
  const elements = shape.reduce((product, dimension) => product * dimension, 1);
  const bytes = elements * elementBytes[type];
  if (bytes > MAXIMUM_BYTES) {
    throw invalidModel(`The ${label} of shape ${shape.join("×")} would take ${bytes} bytes.`, shapeHint);
  }
  const isVariable = table.bool(IS_VARIABLE);
  const data = readConstant(source, table, label);
  if (data !== null && isVariable) {
    throw invalidModel(`The ${label} is both a constant and a variable.`);
  }
  if (data !== null && data.length !== bytes) {
    throw invalidModel(
      `The ${label} needs ${bytes} bytes (${type}, shape ${shape.join("×") || "scalar"}), but has ${data.length}.`,
    );
  }
  const name = table.string(NAME, "name") ?? "";
  const quantisation = readQuantisation(table, type, shape, label);
  return { index, name, type, shape, elements, bytes, quantisation, data, isVariable };
}

const shapeHint = "Convert the model with a fixed input shape, such as a batch of 1.";

function readType(table: CheckedTable, label: string): ElementType {
  const code = table.int8(TYPE);
  const type = elementTypeOf(code);
  if (type === null) {
    throw new WamletError(
      "WAMLET_UNSUPPORTED_TYPE",
      `The ${label} has elements of type ${tensorTypeName(code)}, which Wamlet does not run.`,
      "Convert the model with full integer quantisation (int8 weights and activations).",
    );
  }
  if (table.has(SPARSITY)) {
    throw new WamletError(
      "WAMLET_UNSUPPORTED_TYPE",
      `The ${label} is stored sparse, which Wamlet does not read.`,
      "Convert the model without sparsity (converter.optimizations without EXPERIMENTAL_SPARSITY).",
    );
  }
  return type;
}

/**
 * The shape as the file states it. Where `shape_signature` leaves a dimension open (-1, mostly the batch),
 * `shape` has 1 there, and that is what a board runs.
 */
function readShape(table: CheckedTable, label: string): readonly number[] {
  const shape = table.int32s(SHAPE, "shape");
  if (shape.length > MAXIMUM_RANK) {
    throw invalidModel(`The ${label} has ${shape.length} dimensions; at most ${MAXIMUM_RANK} are known.`);
  }
  if (shape.some((dimension) => dimension < 1)) {
    throw invalidModel(
      `The ${label} has the shape ${shape.join("×")}: every dimension must be at least 1.`,
      shapeHint,
    );
  }
  return shape;
}

function readConstant(source: TensorSource, table: CheckedTable, label: string): Uint8Array | null {
  if (table.uint32(EXTERNAL_BUFFER) !== 0) {
    throw new WamletError(
      "WAMLET_UNSUPPORTED_OPTION",
      `The ${label} keeps its data in another file.`,
      "Convert the model into one .tflite file, without external buffers.",
    );
  }
  const number = table.uint32(BUFFER);
  const buffer = source.buffers[number];
  // A model without any buffer cannot have constants; the schema makes buffer 0 the empty one.
  if (buffer === undefined && number !== 0) {
    throw invalidModel(`The ${label} refers to buffer ${number}; the model has ${source.buffers.length}.`);
  }
  return buffer === undefined ? null : readBuffer(buffer, source.file);
}

function readQuantisation(
  table: CheckedTable,
  type: ElementType,
  shape: readonly number[],
  label: string,
): Quantisation | null {
  const parameters = table.table(QUANTISATION, "quantization");
  if (parameters === null) return null;
  if (parameters.uint8(DETAILS_TYPE) !== 0) {
    throw new WamletError(
      "WAMLET_UNSUPPORTED_TYPE",
      `The ${label} is quantised by a custom or blockwise scheme.`,
      "Convert the model with int8 quantisation per tensor or per channel.",
    );
  }
  const scales = parameters.float32s(SCALE, "scale");
  if (scales.length === 0) return null;
  const wrong = scales.find((scale) => !Number.isFinite(scale) || scale < 0);
  if (wrong !== undefined) throw invalidModel(`The ${label} has the scale ${wrong}.`);
  // TensorFlow Lite's mark of a tensor that is not quantised.
  if (scales.length === 1 && scales[0] === 0) return null;
  const zeroPoints = readZeroPoints(parameters, scales.length, type, label);
  // With one scale the axis means nothing: person_detect states one that its shape does not have.
  if (scales.length === 1) return { scales, zeroPoints, axis: 0 };
  const axis = parameters.int32(QUANTISED_DIMENSION);
  if (shape[axis] !== scales.length) {
    throw invalidModel(
      `The ${label} of shape ${shape.join("×")} has ${scales.length} scales along dimension ${axis}, ` +
        `which has the length ${shape[axis] ?? "none"}.`,
    );
  }
  return { scales, zeroPoints, axis };
}

/** One zero point for each scale; TensorFlow Lite Micro lets a single one stand for all. */
function readZeroPoints(
  parameters: CheckedTable,
  scales: number,
  type: ElementType,
  label: string,
): number[] {
  const stated = parameters.int64s(ZERO_POINT, "zero_point");
  const [first] = stated;
  if (first === undefined || (stated.length !== 1 && stated.length !== scales)) {
    throw invalidModel(`The ${label} has ${scales} scales, but ${stated.length} zero points.`);
  }
  const [low, high] = zeroPointRange[type] ?? [-(2 ** 31), 2 ** 31 - 1];
  const wrong = stated.find((zeroPoint) => zeroPoint < low || zeroPoint > high);
  if (wrong !== undefined) {
    throw invalidModel(
      `The ${label} has the zero point ${wrong}, outside ${low} to ${high} of its type ${type}.`,
    );
  }
  return stated.length === scales ? stated : Array.from({ length: scales }, () => first);
}
