/**
 * What all elementwise operators of two operands share: the checks, the broadcasting folded into four loops, and
 * the arguments by which their kernels walk them.
 */

import { type ElementType, elementBytes } from "../element_type.js";
import type { Operator, Tensor } from "../model/graph.js";
import { broadcastShape, broadcastSteps, joinLoops, type Loop, padLoops } from "./dimensions.js";
import { type QuantizedMultiplier, quantizeMultiplier } from "./fixed_point.js";
import type { Argument, KernelCost, LoweredLayer, Places } from "./layer.js";
import { input, malformed, output, perTensor, requireShape, requireType, unsupported } from "./operands.js";

/** Two operands that broadcast to one output. */
export interface Elementwise extends LoweredLayer {
  readonly left: Tensor;
  readonly right: Tensor;
  readonly output: Tensor;
  /** Exactly four, outermost first; steps of the left and the right operand. */
  readonly loops: readonly Loop[];
}

/**
 * The two operands of an elementwise operator, checked and broadcast.
 * @param types of both operands, which are of one type
 * @param outputType where it is not the operands' type
 */
export function lowerElementwise(
  operator: Operator,
  types: readonly ElementType[],
  outputType?: ElementType,
): Elementwise {
  const left = input(operator, 0);
  const right = input(operator, 1);
  const y = output(operator);
  requireType(operator, left, ...types);
  requireType(operator, right, left.type);
  requireType(operator, y, outputType ?? left.type);
  const shape = broadcastShape(left.shape, right.shape);
  if (!shape) {
    throw malformed(
      operator,
      `shapes [${left.shape.join(",")}] and [${right.shape.join(",")}] do not broadcast`,
    );
  }
  requireShape(operator, y, shape);
  const steps = [broadcastSteps(left.shape, shape), broadcastSteps(right.shape, shape)];
  const loops = padLoops(joinLoops(shape, steps), 4, 2);
  if (!loops)
    throw unsupported(operator, "broadcasting over more than four dimensions", "Reshape the operands.");
  const same = (tensor: Tensor) => tensor.elements === y.elements && !tensor.data;
  return {
    inputs: [left, right],
    outputs: [y],
    inPlace: [left, right].filter(same),
    macs: 0,
    parameters: (left.data ? left.elements : 0) + (right.data ? right.elements : 0),
    left,
    right,
    output: y,
    loops,
  };
}

/** The first fifteen arguments of an elementwise kernel: addresses, sizes, and steps in bytes. */
export function elementwiseArguments(layer: Elementwise, places: Places): Argument[] {
  const bytes = elementBytes[layer.left.type];
  const numbered = (name: string, value: (loop: Loop) => number) =>
    layer.loops.map((loop, index): Argument => [`${name}${index}`, value(loop)]);
  return [
    ["left", places.address(layer.left)],
    ["right", places.address(layer.right)],
    ["output", places.address(layer.output)],
    ...numbered("size", (loop) => loop.size),
    ...numbered("leftStep", (loop) => bytes * (loop.steps[0] as number)),
    ...numbered("rightStep", (loop) => bytes * (loop.steps[1] as number)),
  ];
}

/** Opcodes of an elementwise kernel: so many an element, and the loops around a row. */
export function elementwiseCost(layer: Elementwise, opcodesPerElement: number): KernelCost {
  const { elements } = layer.output;
  const rows = elements / (layer.loops[3]?.size ?? 1);
  return { opcodes: 20 + elements * opcodesPerElement + rows * 12, bytesMoved: 0 };
}

/** AssemblyScript's name of an element type that elementwise kernels are generic over. */
export function kernelType(tensor: Tensor): string {
  return tensor.type === "int16" ? "i16" : "i8";
}

/** Operands brought to a common scale, combined, and brought to the output's scale: ADD, SUB, SQUARED_DIFFERENCE. */
export interface CommonScale {
  readonly leftZeroPoint: number;
  readonly rightZeroPoint: number;
  readonly outputZeroPoint: number;
  readonly leftMultiplier: QuantizedMultiplier;
  readonly rightMultiplier: QuantizedMultiplier;
  readonly outputMultiplier: QuantizedMultiplier;
}

/** @param real the real multipliers of left, right and output, of these tensors' scales */
export function commonScale(
  operator: Operator,
  layer: Elementwise,
  real: (left: number, right: number, output: number) => readonly [number, number, number],
): CommonScale {
  const left = perTensor(operator, layer.left);
  const right = perTensor(operator, layer.right);
  const to = perTensor(operator, layer.output);
  const [leftReal, rightReal, outputReal] = real(left.scale, right.scale, to.scale);
  return {
    leftZeroPoint: left.zeroPoint,
    rightZeroPoint: right.zeroPoint,
    outputZeroPoint: to.zeroPoint,
    leftMultiplier: quantizeMultiplier(leftReal),
    rightMultiplier: quantizeMultiplier(rightReal),
    outputMultiplier: quantizeMultiplier(outputReal),
  };
}
