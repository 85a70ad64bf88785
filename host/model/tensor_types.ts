/** Tensor types of TensorFlow Lite's schema (enum TensorType) and those that Wamlet can hold. */

import type { ElementType } from "../element_type.js";

/** Names by code, as the schema spells them. */
export const tensorTypeNames: readonly string[] = [
  "FLOAT32",
  "FLOAT16",
  "INT32",
  "UINT8",
  "INT64",
  "STRING",
  "BOOL",
  "INT16",
  "COMPLEX64",
  "INT8",
  "FLOAT64",
  "COMPLEX128",
  "UINT64",
  "RESOURCE",
  "VARIANT",
  "UINT32",
  "UINT16",
  "INT4",
  "BFLOAT16",
  "INT2",
  "UINT4",
];

const elementTypes: Readonly<Record<string, ElementType>> = {
  FLOAT32: "float32",
  INT32: "int32",
  UINT8: "uint8",
  INT64: "int64",
  BOOL: "bool",
  INT16: "int16",
  INT8: "int8",
};

/** The schema's name of a type, or the code where the schema has none. */
export function tensorTypeName(code: number): string {
  return tensorTypeNames[code] ?? `number ${code}`;
}

/** The element type of a code; null where Wamlet has no such type. */
export function elementTypeOf(code: number): ElementType | null {
  return elementTypes[tensorTypeNames[code] ?? ""] ?? null;
}
