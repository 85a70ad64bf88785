/**
 * Writes `.tflite` files for tests with the flatbuffers package's Builder, so that a clean clone has models to
 * read, compile and run. What it writes is what TensorFlow Lite's converter would; a few switches write what
 * a reader must refuse.
 */

import { Builder, type Offset } from "flatbuffers";
import type { ElementType } from "../../host/element_type.js";
import { builtinOperators, CUSTOM_OPERATOR } from "../../host/model/builtin_operators.js";
import type { OperatorOptions } from "../../host/model/graph.js";
import { optionFields, optionsOfOperator, optionsUnion } from "../../host/model/options_schema.js";
import { tensorTypeNames } from "../../host/model/tensor_types.js";

export interface TensorSpec {
  readonly name?: string;
  readonly type: ElementType;
  readonly shape: readonly number[];
  /** Scales and zero points; a single zero point may stand for all. */
  readonly quantisation?: {
    readonly scales: readonly number[];
    readonly zeroPoints: readonly number[];
    readonly axis?: number;
  };
  /** Bytes of a constant. */
  readonly data?: Uint8Array;
  readonly isVariable?: boolean;
  /** What a reader must cope with or refuse. */
  readonly unusual?: {
    /** The schema's type code, instead of `type`. */
    readonly typeCode?: number;
    readonly shapeSignature?: readonly number[];
    readonly sparse?: boolean;
    /** Writes `data` behind the FlatBuffer, as the converter does for models over 2 GB. */
    readonly dataBehind?: boolean;
    readonly externalBuffer?: number;
    readonly bufferNumber?: number;
    readonly blockwise?: boolean;
  };
}

export interface OperatorSpec {
  /** Builtin name, or `CUSTOM:<name>`. */
  readonly name: string;
  readonly version?: number;
  /** Positions in `ModelSpec.tensors`; null or -1 for an input that is left out. */
  readonly inputs: readonly (number | null)[];
  readonly outputs: readonly number[];
  /** Options fields by their names in options_schema.ts; null writes no options table. */
  readonly options?: OperatorOptions["fields"] | null;
  readonly unusual?: { readonly optionsKind?: string; readonly customOptions?: Uint8Array };
}

export interface ModelSpec {
  readonly description?: string;
  readonly tensors: readonly TensorSpec[];
  readonly operators: readonly OperatorSpec[];
  readonly inputs: readonly number[];
  readonly outputs: readonly number[];
  readonly unusual?: {
    readonly schemaVersion?: number;
    readonly subgraphs?: number;
    /** Lists all operators this many times, by sharing their tables. */
    readonly repeatOperators?: number;
    readonly identifier?: string;
  };
}

/** The alignment in bytes that the schema forces on constants. */
const DATA_ALIGNMENT = 16;

/** The bytes of a `.tflite` file. */
export function buildModel(spec: ModelSpec): Uint8Array {
  const behind = spec.tensors.map((tensor) => (tensor.unusual?.dataBehind ? tensor.data : undefined));
  // Offsets count from the start of the file, which is known once the FlatBuffer is: its size does not depend on them.
  const start = align(writeFlatbuffer(spec, 2 ** 20).length);
  const file = writeFlatbuffer(spec, start);
  const total = behind.reduce((bytes, data) => bytes + align(data?.length ?? 0), start);
  if (total === start) return file;
  const whole = new Uint8Array(total);
  whole.set(file);
  let position = start;
  for (const data of behind) {
    if (data === undefined) continue;
    whole.set(data, position);
    position += align(data.length);
  }
  return whole;
}

function align(bytes: number): number {
  return Math.ceil(bytes / DATA_ALIGNMENT) * DATA_ALIGNMENT;
}

function writeFlatbuffer(spec: ModelSpec, behindStart: number): Uint8Array {
  const builder = new Builder(1024);
  let behindPosition = behindStart;
  const buffers = [table(builder, 3, [])];
  const tensors = spec.tensors.map((tensor) => {
    if (tensor.data === undefined) return writeTensor(builder, tensor, 0);
    buffers.push(writeBuffer(builder, tensor, behindPosition));
    if (tensor.unusual?.dataBehind) behindPosition += align(tensor.data.length);
    return writeTensor(builder, tensor, buffers.length - 1);
  });
  const codes = uniqueCodes(spec.operators);
  const operators = spec.operators.map((operator) =>
    writeOperator(builder, operator, codes.indexOf(codeOf(operator))),
  );
  const repeated = Array.from({ length: spec.unusual?.repeatOperators ?? 1 }, () => operators).flat();
  const subgraph = table(builder, 5, [
    [0, offsets(builder, tensors)],
    [1, int32Vector(builder, spec.inputs)],
    [2, int32Vector(builder, spec.outputs)],
    [3, offsets(builder, repeated)],
    [4, builder.createString("main")],
  ]);
  const subgraphs = Array.from({ length: spec.unusual?.subgraphs ?? 1 }, () => subgraph);
  const operatorCodes = codes.map((code) => writeOperatorCode(builder, code));
  const fields: [number, Offset][] = [
    [1, offsets(builder, operatorCodes)],
    [2, offsets(builder, subgraphs)],
    [3, builder.createString(spec.description ?? "")],
    [4, offsets(builder, buffers)],
  ];
  const model = table(builder, 5, fields, () =>
    builder.addFieldInt32(0, spec.unusual?.schemaVersion ?? 3, 0),
  );
  builder.finish(model, spec.unusual?.identifier ?? "TFL3");
  return builder.asUint8Array().slice();
}

function writeBuffer(builder: Builder, tensor: TensorSpec, behindPosition: number): Offset {
  const data = tensor.data ?? new Uint8Array();
  if (tensor.unusual?.dataBehind) {
    return table(builder, 3, [], () => {
      builder.addFieldInt64(1, BigInt(behindPosition), 0n);
      builder.addFieldInt64(2, BigInt(data.length), 0n);
    });
  }
  builder.prep(DATA_ALIGNMENT, data.length);
  return table(builder, 3, [[0, builder.createByteVector(data)]]);
}

function writeTensor(builder: Builder, tensor: TensorSpec, buffer: number): Offset {
  const { unusual = {} } = tensor;
  const offsetsOfFields: [number, Offset][] = [
    [0, int32Vector(builder, tensor.shape)],
    [3, builder.createString(tensor.name ?? "")],
  ];
  if (tensor.quantisation || unusual.blockwise) {
    offsetsOfFields.push([4, writeQuantisation(builder, tensor)]);
  }
  if (unusual.sparse) offsetsOfFields.push([6, table(builder, 3, [])]);
  if (unusual.shapeSignature) offsetsOfFields.push([7, int32Vector(builder, unusual.shapeSignature)]);
  return table(builder, 11, offsetsOfFields, () => {
    builder.addFieldInt8(1, unusual.typeCode ?? tensorTypeNames.indexOf(tensor.type.toUpperCase()), 0);
    builder.addFieldInt32(2, unusual.bufferNumber ?? buffer, 0);
    builder.addFieldInt8(5, tensor.isVariable ? 1 : 0, 0);
    builder.addFieldInt32(10, unusual.externalBuffer ?? 0, 0);
  });
}

function writeQuantisation(builder: Builder, tensor: TensorSpec): Offset {
  const { scales, zeroPoints, axis = 0 } = tensor.quantisation ?? { scales: [], zeroPoints: [] };
  const scale = vector(builder, 4, scales, (value) => builder.addFloat32(value));
  const zeroPoint = vector(builder, 8, zeroPoints, (value) => builder.addInt64(BigInt(value)));
  const details: [number, Offset][] = tensor.unusual?.blockwise ? [[5, table(builder, 1, [])]] : [];
  return table(builder, 7, [[2, scale], [3, zeroPoint], ...details], () => {
    builder.addFieldInt8(4, tensor.unusual?.blockwise ? 2 : 0, 0);
    builder.addFieldInt32(6, axis, 0);
  });
}

function writeOperator(builder: Builder, operator: OperatorSpec, opcode: number): Offset {
  const inputs = operator.inputs.map((input) => input ?? -1);
  const fields: [number, Offset][] = [
    [1, int32Vector(builder, inputs)],
    [2, int32Vector(builder, operator.outputs)],
  ];
  const kind = operator.unusual?.optionsKind ?? optionsOfOperator[operator.name];
  const hasOptions = kind !== undefined && operator.options !== null;
  if (hasOptions) fields.push([4, writeOptions(builder, kind, operator.options ?? {})]);
  const custom = operator.unusual?.customOptions;
  if (custom) fields.push([5, builder.createByteVector(custom)]);
  return table(builder, 13, fields, () => {
    builder.addFieldInt32(0, opcode, 0);
    builder.addFieldInt8(3, hasOptions ? optionsUnion.indexOf(kind) : 0, 0);
  });
}

function writeOptions(builder: Builder, kind: string, values: OperatorOptions["fields"]): Offset {
  const fields = optionFields[kind] ?? [];
  const unknown = Object.keys(values).find((name) => !fields.some((field) => field.name === name));
  if (unknown !== undefined) throw new Error(`${kind} has no field ${unknown}.`);
  const vectors = fields.flatMap((field): [number, Offset][] => {
    const value = values[field.name];
    return field.type === "int32s" && Array.isArray(value)
      ? [[field.field, int32Vector(builder, value)]]
      : [];
  });
  return table(builder, 1 + Math.max(0, ...fields.map(({ field }) => field)), vectors, () => {
    for (const field of fields) {
      const value = values[field.name];
      if (field.type === "int32")
        builder.addFieldInt32(field.field, Number(value ?? field.absent), field.absent);
      if (field.type === "float32")
        builder.addFieldFloat32(field.field, Number(value ?? field.absent), field.absent);
      if (field.type === "bool") {
        builder.addFieldInt8(field.field, Number(value ?? field.absent), Number(field.absent));
      }
      if (field.type === "enumeration" && value !== undefined) {
        builder.addFieldInt8(
          field.field,
          typeof value === "number" ? value : field.words.indexOf(String(value)),
          0,
        );
      }
    }
  });
}

/** What makes operators share an entry among the operator codes. */
function codeOf(operator: OperatorSpec): string {
  return `${operator.name}/${operator.version ?? 1}`;
}

function uniqueCodes(operators: readonly OperatorSpec[]): string[] {
  return [...new Set(operators.map(codeOf))];
}

function writeOperatorCode(builder: Builder, code: string): Offset {
  const slash = code.lastIndexOf("/");
  const name = code.slice(0, slash);
  const custom = name.startsWith("CUSTOM:");
  const number = custom ? CUSTOM_OPERATOR : builtinOperators.indexOf(name);
  if (number < 0) throw new Error(`The schema has no operator ${name}.`);
  const fields: [number, Offset][] = custom ? [[1, builder.createString(name.slice("CUSTOM:".length))]] : [];
  return table(builder, 4, fields, () => {
    builder.addFieldInt8(0, Math.min(number, 127), 0);
    builder.addFieldInt32(2, Number(code.slice(slash + 1)), 1);
    builder.addFieldInt32(3, number, 0);
  });
}

/** Writes a table: offsets that were written before, then the scalars that `scalars` adds. */
function table(
  builder: Builder,
  fieldCount: number,
  fields: readonly (readonly [number, Offset])[],
  scalars: () => void = () => {},
): Offset {
  builder.startObject(fieldCount);
  for (const [field, offset] of fields) builder.addFieldOffset(field, offset, 0);
  scalars();
  return builder.endObject();
}

function vector<T>(builder: Builder, size: number, values: readonly T[], add: (value: T) => void): Offset {
  builder.startVector(size, values.length, size);
  for (const value of [...values].reverse()) add(value);
  return builder.endVector();
}

function int32Vector(builder: Builder, values: readonly number[]): Offset {
  return vector(builder, 4, values, (value) => builder.addInt32(value));
}

function offsets(builder: Builder, values: readonly Offset[]): Offset {
  return vector(builder, 4, values, (value) => builder.addOffset(value));
}
