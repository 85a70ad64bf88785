/** The comparisons, int8 to bool, with broadcasting: each input scaled by its own scale with 8 bits to spare. */

import { combineElements, scaledFromZero } from "./elementwise.js";
import { type KernelCall, perTensor, type Values } from "./tensor_values.js";

const LEFT_SHIFT = 8;

function comparison(holds: (left: number, right: number) => boolean): (call: KernelCall) => void {
  return (call) => {
    const scaled = (values: Values) => scaledFromZero(values, LEFT_SHIFT, perTensor(values).scale);
    const left = scaled(call.input(0));
    const right = scaled(call.input(1));
    combineElements(call, (a, b) => (holds(left(a), right(b)) ? 1 : 0));
  };
}

export const equal = comparison((left, right) => left === right);
export const notEqual = comparison((left, right) => left !== right);
export const greater = comparison((left, right) => left > right);
export const greaterEqual = comparison((left, right) => left >= right);
export const less = comparison((left, right) => left < right);
export const lessEqual = comparison((left, right) => left <= right);
