/**
 * Whether an array in a file holds frames of a tensor. Dimensions of length 1 do not count (a batch of one,
 * a single channel), and a flat frame fits any shape with as many elements, since both are in C order.
 */

import { WamletError } from "../errors.js";
import { type FrameTensor, tensorElements } from "./quantise.js";

/**
 * Frames in an array of the shape `[N, ...tensor shape]`, or 1 where it is exactly one frame.
 * @throws WamletError WAMLET_WRONG_SHAPE, saying what is expected and what was found
 */
export function countFrames(shape: readonly number[], tensor: FrameTensor, name: string): number {
  const found = withoutOnes(shape);
  const wanted = withoutOnes(tensor.shape);
  if (fits(found, wanted, tensorElements(tensor))) return 1;
  const [count, ...rest] = shape;
  if (count !== undefined && count > 0 && fits(withoutOnes(rest), wanted, tensorElements(tensor)))
    return count;

  const whole = tensor.shape.join(", ");
  throw new WamletError(
    "WAMLET_WRONG_SHAPE",
    `${name} has the shape [${shape.join(", ")}]; tensor ${tensor.name} takes frames of [${whole}].`,
    `Give an array of the shape [N, ${(tensor.shape[0] === 1 ? tensor.shape.slice(1) : tensor.shape).join(", ")}] for N frames; dimensions of 1 may be left out.`,
  );
}

/** Whether an array of this shape is exactly one frame of the tensor. */
export function fitsTensor(shape: readonly number[], tensor: FrameTensor): boolean {
  return fits(withoutOnes(shape), withoutOnes(tensor.shape), tensorElements(tensor));
}

/**
 * The one input tensor of a model, for formats that cannot hold several.
 * @throws WamletError WAMLET_WRONG_SHAPE for a model with several inputs
 */
export function singleInput(expected: readonly FrameTensor[], format: string): FrameTensor {
  const [tensor] = expected;
  if (tensor !== undefined && expected.length === 1) return tensor;
  throw new WamletError(
    "WAMLET_WRONG_SHAPE",
    `The model has ${expected.length} input tensors (${expected.map(({ name }) => name).join(", ")}); a ${format} file holds frames of one.`,
    "Give a raw file (.bin) with the tensors of each frame one after the other.",
  );
}

function fits(found: readonly number[], wanted: readonly number[], elements: number): boolean {
  if (found.length <= 1 || wanted.length <= 1) {
    return found.reduce((product, length) => product * length, 1) === elements;
  }
  return found.length === wanted.length && found.every((length, index) => length === wanted[index]);
}

function withoutOnes(shape: readonly number[]): number[] {
  return shape.filter((length) => length !== 1);
}
