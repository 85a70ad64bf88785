/** MAXIMUM and MINIMUM, int8, with broadcasting: the quantised values are compared as they are. */

import { combineElements } from "./elementwise.js";
import type { KernelCall } from "./tensor_values.js";

export function maximum(call: KernelCall): void {
  combineElements(call, Math.max);
}

export function minimum(call: KernelCall): void {
  combineElements(call, Math.min);
}
