/** RESHAPE: the same bytes under another shape, which is the output tensor's; the second input is not read. */

import type { KernelCall } from "./tensor_values.js";

export function reshape({ input, output }: KernelCall): void {
  output.numbers.set(input(0).numbers);
}
