/** Element types of tensors, shared by every room from the module's description to the frames. */

export type ElementType = "int8" | "uint8" | "int16" | "int32" | "int64" | "float32" | "bool";

/** Bytes per element. */
export const elementBytes: Readonly<Record<ElementType, number>> = {
  int8: 1,
  uint8: 1,
  bool: 1,
  int16: 2,
  int32: 4,
  float32: 4,
  int64: 8,
};
