/**
 * Checked access to an operator's tensors and options: what a kernel relies on is asked for here, and what does
 * not hold is refused with the operator, the tensor and what would be right.
 */
import type { ElementType } from "../element_type.js";
import { WamletError } from "../errors.js";
import type { Operator, Tensor } from "../model/graph.js";
import { where } from "./layer.js";

/** The input at `index`. @throws WamletError where it is left out */
export function input(operator: Operator, index: number): Tensor {
  const tensor = operator.inputs[index];
  if (!tensor) throw malformed(operator, `input ${index} is missing`);
  return tensor;
}

/** The input at `index`, or null where it is left out. */
export function optionalInput(operator: Operator, index: number): Tensor | null {
  return operator.inputs[index] ?? null;
}

/** The input at `index`, which must be a variable: state that lives from inference to inference. */
export function requireVariable(operator: Operator, index: number): Tensor {
  const tensor = input(operator, index);
  if (!tensor.isVariable)
    throw malformed(operator, `tensor '${tensor.name}' is no variable, it cannot keep state`);
  return tensor;
}

/** The only output. */
export function output(operator: Operator): Tensor {
  const [tensor, ...more] = operator.outputs;
  if (!tensor || more.length > 0)
    throw malformed(operator, `${operator.outputs.length} outputs where one is expected`);
  return tensor;
}

/** Refuses a tensor whose element type is not among `types`. */
export function requireType(operator: Operator, tensor: Tensor, ...types: ElementType[]): void {
  if (types.includes(tensor.type)) return;
  throw new WamletError(
    "WAMLET_UNSUPPORTED_TYPE",
    `${where(operator)}: tensor '${tensor.name}' is ${tensor.type}; supported: ${types.join(", ")}.`,
    "Convert the model with full-integer (int8) quantisation, inputs and outputs included.",
  );
}

/** Scale and zero point of a tensor quantised as a whole. */
export function perTensor(operator: Operator, tensor: Tensor): { scale: number; zeroPoint: number } {
  const quantisation = tensor.quantisation;
  const scale = quantisation?.scales[0];
  if (!quantisation || scale === undefined || quantisation.scales.length !== 1) {
    throw malformed(operator, `tensor '${tensor.name}' needs one scale and zero point`);
  }
  if (!(scale > 0 && Number.isFinite(scale))) {
    throw malformed(operator, `tensor '${tensor.name}' has the scale ${scale}`);
  }
  return { scale, zeroPoint: quantisation.zeroPoints[0] ?? 0 };
}

/** Data of a constant tensor. */
export function constant(operator: Operator, tensor: Tensor): Uint8Array {
  if (!tensor.data) {
    throw new WamletError(
      "WAMLET_UNSUPPORTED_OPTION",
      `${where(operator)}: tensor '${tensor.name}' must be a constant of the model, it is computed.`,
      "Convert the model so that filters, biases, shapes, axes and paddings are constants.",
    );
  }
  return tensor.data;
}

/** A constant int32 or int64 tensor as numbers. */
export function constantIntegers(operator: Operator, tensor: Tensor): number[] {
  requireType(operator, tensor, "int32", "int64");
  const data = constant(operator, tensor);
  const view = new DataView(data.buffer, data.byteOffset, data.byteLength);
  return Array.from({ length: tensor.elements }, (_, index) =>
    tensor.type === "int32" ? view.getInt32(index * 4, true) : Number(view.getBigInt64(index * 8, true)),
  );
}

/** An integer option. */
export function integerOption(operator: Operator, name: string, low: number, high: number): number {
  const value = operator.options.fields[name];
  if (typeof value !== "number" || !Number.isInteger(value))
    throw malformed(operator, `option ${name} is missing`);
  if (value < low || value > high)
    throw malformed(operator, `option ${name} is ${value}, not ${low}…${high}`);
  return value;
}

/** A shape as [batches, height, width, channels]. */
export function nhwc(operator: Operator, tensor: Tensor): readonly [number, number, number, number] {
  const [batches, height, width, channels] = tensor.shape;
  if (tensor.shape.length !== 4 || !batches || !height || !width || !channels) {
    throw malformed(
      operator,
      `tensor '${tensor.name}' has shape [${tensor.shape.join(",")}], four dimensions are expected`,
    );
  }
  return [batches, height, width, channels];
}

/** Refuses a shape other than the expected one. */
export function requireShape(operator: Operator, tensor: Tensor, shape: readonly number[]): void {
  if (tensor.shape.length === shape.length && shape.every((size, axis) => size === tensor.shape[axis]))
    return;
  throw malformed(
    operator,
    `tensor '${tensor.name}' has shape [${tensor.shape.join(",")}] where [${shape.join(",")}] follows from the inputs`,
  );
}

/** An operator that contradicts itself. */
export function malformed(operator: Operator, what: string): WamletError {
  return new WamletError(
    "WAMLET_INVALID_MODEL",
    `${where(operator)}: ${what}.`,
    "The model file is damaged or was made by a faulty converter; convert it again.",
  );
}

/** An option or combination that Wamlet does not compute. */
export function unsupported(operator: Operator, what: string, hint: string): WamletError {
  return new WamletError("WAMLET_UNSUPPORTED_OPTION", `${where(operator)}: ${what}.`, hint);
}

/** A float32's bits as a signed integer, the way kernels take real constants. */
export function float32Bits(value: number): number {
  const view = new DataView(new ArrayBuffer(4));
  view.setFloat32(0, value);
  return view.getInt32(0);
}

/** An axis of a tensor of `rank` dimensions, a negative one counted from the end. */
export function resolveAxis(operator: Operator, axis: number, rank: number): number {
  const resolved = axis < 0 ? axis + rank : axis;
  if (Number.isInteger(axis) && resolved >= 0 && resolved < rank) return resolved;
  throw malformed(operator, `axis ${axis} of ${rank} dimensions`);
}

/** The inputs, all of them there. */
export function allInputs(operator: Operator): Tensor[] {
  return operator.inputs.map((_, index) => input(operator, index));
}
