/** One element of each type: its range, and how it stands in little-endian bytes. */

import type { ElementType } from "../element_type.js";

type IntegerType = Exclude<ElementType, "float32">;

/** Lowest and highest value that an element can hold (for int64 the nearest numbers that JavaScript has). */
export const elementRange: Readonly<Record<IntegerType, { lowest: number; highest: number }>> = {
  bool: { lowest: 0, highest: 1 },
  int8: { lowest: -128, highest: 127 },
  uint8: { lowest: 0, highest: 255 },
  int16: { lowest: -32768, highest: 32767 },
  int32: { lowest: -(2 ** 31), highest: 2 ** 31 - 1 },
  int64: { lowest: -(2 ** 63), highest: 2 ** 63 - 1024 },
};

/** Element `index` of an array of `type` that begins at the view's start. */
export function readElement(view: DataView, type: ElementType, index: number): number {
  switch (type) {
    case "int8":
      return view.getInt8(index);
    case "uint8":
    case "bool":
      return view.getUint8(index);
    case "int16":
      return view.getInt16(index * 2, true);
    case "int32":
      return view.getInt32(index * 4, true);
    case "float32":
      return view.getFloat32(index * 4, true);
    case "int64":
      return Number(view.getBigInt64(index * 8, true));
  }
}

/** Stores a value that the type can hold. */
export function writeElement(view: DataView, type: ElementType, index: number, value: number): void {
  switch (type) {
    case "int8":
      view.setInt8(index, value);
      break;
    case "uint8":
    case "bool":
      view.setUint8(index, value);
      break;
    case "int16":
      view.setInt16(index * 2, value, true);
      break;
    case "int32":
      view.setInt32(index * 4, value, true);
      break;
    case "float32":
      view.setFloat32(index * 4, value, true);
      break;
    case "int64":
      view.setBigInt64(index * 8, BigInt(value), true);
      break;
  }
}
