/**
 * Windows that slide over an image: output sizes and padding as TensorFlow Lite computes them
 * (ComputePaddingHeightWidth in kernels/padding.h), shared by convolutions and pools.
 */
import type { Operator } from "../model/graph.js";
import { paddingOption } from "./fuse_padding.js";
import { integerOption, malformed, unsupported } from "./operands.js";

/** One dimension of a sliding window. */
export interface Window {
  readonly size: number;
  readonly stride: number;
  readonly dilation: number;
  readonly outputs: number;
  /** Padding before the first element; what TFLite adds behind is never read. */
  readonly pad: number;
  /** Whether any window reaches into the padding. */
  readonly padded: boolean;
}

/** The window over `inputs` elements with the operator's option `padding`. */
export function slide(
  operator: Operator,
  inputs: number,
  size: number,
  stride: number,
  dilation: number,
  along: "rows" | "columns",
): Window {
  const span = (size - 1) * dilation + 1;
  const padding = operator.options.fields.padding;
  const given = operator.options.fields[paddingOption];
  if (padding === "EXPLICIT" && typeof given === "object") {
    const [before = 0, behind = 0] = along === "rows" ? given.slice(0, 2) : given.slice(2, 4);
    return padExplicitly(inputs, { size, stride, dilation }, before, behind);
  }
  if (padding !== "SAME" && padding !== "VALID") {
    throw unsupported(operator, `padding ${String(padding)}`, "Supported are SAME and VALID.");
  }
  const outputs = Math.ceil(padding === "SAME" ? inputs / stride : (inputs - span + 1) / stride);
  if (outputs < 1) throw malformed(operator, `a window of ${span} does not fit into ${inputs}`);
  const total = Math.max(0, (outputs - 1) * stride + span - inputs);
  return { size, stride, dilation, outputs, pad: total >> 1, padded: total > 0 };
}

/** Padding that was a PAD's, already found to be less than the window at either end (`fuse_padding.ts`). */
function padExplicitly(
  inputs: number,
  { size, stride, dilation }: Pick<Window, "size" | "stride" | "dilation">,
  before: number,
  behind: number,
): Window {
  const span = (size - 1) * dilation + 1;
  const outputs = Math.floor((before + inputs + behind - span) / stride) + 1;
  const padded = before > 0 || (outputs - 1) * stride + span > before + inputs;
  return { size, stride, dilation, outputs, pad: before, padded };
}

/** Strides of the operator, height then width. */
export function strides(operator: Operator): readonly [number, number] {
  return [
    integerOption(operator, "strideHeight", 1, 1 << 16),
    integerOption(operator, "strideWidth", 1, 1 << 16),
  ];
}

/** Dilations of the operator, height then width. */
export function dilations(operator: Operator): readonly [number, number] {
  return [
    integerOption(operator, "dilationHeight", 1, 1 << 16),
    integerOption(operator, "dilationWidth", 1, 1 << 16),
  ];
}

/**
 * Taps of all windows that read the image, and outputs whose window lies inside it, for the cost model.
 * @param inputs elements of the image along this dimension
 */
export function taps(window: Window, inputs: number): { read: number; inside: number } {
  let read = 0;
  let inside = 0;
  for (let output = 0; output < window.outputs; output++) {
    let here = 0;
    for (let tap = 0; tap < window.size; tap++) {
      const at = output * window.stride - window.pad + tap * window.dilation;
      if (at >= 0 && at < inputs) here++;
    }
    read += here;
    if (here === window.size) inside++;
  }
  return { read, inside };
}
