/** ADD: elementwise sum with broadcasting. Kernels: add.ts. */
import type { Operator, Tensor } from "../../model/graph.js";
import { type ClampRange, fusedActivation } from "../activation.js";
import { broadcastShape, broadcastSteps, joinLoops, type Loop, padLoops } from "../dimensions.js";
import { type QuantizedMultiplier, quantizeMultiplier, shifts } from "../fixed_point.js";
import { defineOperator, type KernelForm, type LoweredLayer } from "../layer.js";
import { input, malformed, output, perTensor, requireShape, requireType, unsupported } from "../operands.js";

interface Add extends LoweredLayer {
  readonly left: Tensor;
  readonly right: Tensor;
  /** Exactly four, outermost first; steps of the left and the right operand. */
  readonly loops: readonly Loop[];
  readonly leftZeroPoint: number;
  readonly rightZeroPoint: number;
  readonly outputZeroPoint: number;
  readonly leftMultiplier: QuantizedMultiplier;
  readonly rightMultiplier: QuantizedMultiplier;
  readonly outputMultiplier: QuantizedMultiplier;
  readonly clamp: ClampRange;
}

/** TFLite's left shift for 8-bit operands. */
const headroom = 20;

const plain: KernelForm<Add> = {
  name: "add_plain",
  applies: () => true,
  cost(layer) {
    const inner = layer.loops[3]?.size ?? 1;
    const elements = (layer.outputs[0] as Tensor).elements;
    return { opcodes: elements * 55 + (elements / inner) * 20, bytesMoved: 0 };
  },
  scratch: () => [],
  weights: () => [],
  emit(layer, places) {
    const sizes = layer.loops.map((loop) => loop.size);
    const left = layer.loops.map((loop) => loop.steps[0] as number);
    const right = layer.loops.map((loop) => loop.steps[1] as number);
    const outputShift = shifts(layer.outputMultiplier.shift);
    const numbered = (name: string, values: readonly number[]) =>
      values.map((value, index) => [`${name}${index}`, value] as const);
    return [
      {
        file: "kernels/add",
        function: "add",
        arguments: [
          ["left", places.address(layer.left)],
          ["right", places.address(layer.right)],
          ["output", places.address(layer.outputs[0] as Tensor)],
          ...numbered("size", sizes),
          ...numbered("leftStep", left),
          ...numbered("rightStep", right),
          ["leftZeroPoint", layer.leftZeroPoint],
          ["leftMultiplier", layer.leftMultiplier.multiplier],
          ["leftShift", -layer.leftMultiplier.shift],
          ["rightZeroPoint", layer.rightZeroPoint],
          ["rightMultiplier", layer.rightMultiplier.multiplier],
          ["rightShift", -layer.rightMultiplier.shift],
          ["outputZeroPoint", layer.outputZeroPoint],
          ["outputMultiplier", layer.outputMultiplier.multiplier],
          ["outputLeft", outputShift.left],
          ["outputRight", outputShift.right],
          ["activationMin", layer.clamp.minimum],
          ["activationMax", layer.clamp.maximum],
        ],
      },
    ];
  },
};

function lower(operator: Operator): Add {
  const left = input(operator, 0);
  const right = input(operator, 1);
  const y = output(operator);
  for (const tensor of [left, right, y]) requireType(operator, tensor, "int8");
  const shape = broadcastShape(left.shape, right.shape);
  if (!shape) {
    throw malformed(operator, `shapes [${left.shape.join(",")}] and [${right.shape.join(",")}] do not broadcast`);
  }
  requireShape(operator, y, shape);
  const steps = [broadcastSteps(left.shape, shape), broadcastSteps(right.shape, shape)];
  const loops = padLoops(joinLoops(shape, steps), 4, 2);
  if (!loops) throw unsupported(operator, "broadcasting over more than four dimensions", "Reshape the operands.");
  const a = perTensor(operator, left);
  const b = perTensor(operator, right);
  const to = perTensor(operator, y);
  const twiceLargest = 2 * Math.max(a.scale, b.scale);
  const same = (tensor: Tensor) => tensor.elements === y.elements && !tensor.data;
  return {
    inputs: [left, right],
    outputs: [y],
    inPlace: [left, right].filter(same),
    macs: 0,
    parameters: (left.data ? left.elements : 0) + (right.data ? right.elements : 0),
    left,
    right,
    loops,
    leftZeroPoint: a.zeroPoint,
    rightZeroPoint: b.zeroPoint,
    outputZeroPoint: to.zeroPoint,
    leftMultiplier: quantizeMultiplier(a.scale / twiceLargest),
    rightMultiplier: quantizeMultiplier(b.scale / twiceLargest),
    outputMultiplier: quantizeMultiplier(twiceLargest / (2 ** headroom * to.scale)),
    clamp: fusedActivation(operator, y),
  };
}

export const add = defineOperator({ name: "ADD", lower, forms: [plain] });
