/** MEAN over constant axes. Kernels: mean.ts. */
import type { Operator, Tensor } from "../../model/graph.js";
import { denseSteps, joinLoops, type Loop, padLoops } from "../dimensions.js";
import { quantizeMultiplier, shifts } from "../fixed_point.js";
import { defineOperator, type KernelForm, type LoweredLayer } from "../layer.js";
import {
  constantIntegers,
  input,
  malformed,
  output,
  perTensor,
  requireType,
  unsupported,
} from "../operands.js";

interface Mean extends LoweredLayer {
  /** Three loops each; the only step is the input's. */
  readonly kept: readonly Loop[];
  readonly reduced: readonly Loop[];
  readonly count: number;
  readonly inputZeroPoint: number;
  readonly outputZeroPoint: number;
  readonly multiplier: number;
  readonly shift: number;
}

const plain: KernelForm<Mean> = {
  name: "mean_plain",
  applies: () => true,
  cost(layer) {
    const elements = (layer.outputs[0] as Tensor).elements;
    const inner = layer.reduced[2]?.size ?? 1;
    return { opcodes: elements * (45 + layer.count * 5 + (layer.count / inner) * 8), bytesMoved: 0 };
  },
  scratch: () => [],
  weights: () => [],
  emit(layer, places) {
    const { left, right } = shifts(layer.shift);
    const numbered = (prefix: string, loops: readonly Loop[], value: (loop: Loop) => number) =>
      loops.map((loop, index) => [`${prefix}${index}`, value(loop)] as const);
    const size = (loop: Loop) => loop.size;
    const step = (loop: Loop) => loop.steps[0] as number;
    return [
      {
        file: "kernels/mean",
        function: "mean",
        arguments: [
          ["input", places.address(layer.inputs[0] as Tensor)],
          ["output", places.address(layer.outputs[0] as Tensor)],
          ...numbered("keptSize", layer.kept, size),
          ...numbered("keptStep", layer.kept, step),
          ...numbered("size", layer.reduced, size),
          ...numbered("step", layer.reduced, step),
          ["offset", layer.count * layer.inputZeroPoint],
          ["multiplier", layer.multiplier],
          ["left", left],
          ["right", right],
          ["outputZeroPoint", layer.outputZeroPoint],
        ],
      },
    ];
  },
};

/** The axes that are summed over, negative ones counted from the end, each once. */
function reducedAxes(operator: Operator, x: Tensor): Set<number> {
  const axes = new Set<number>();
  for (const axis of constantIntegers(operator, input(operator, 1))) {
    const resolved = axis < 0 ? axis + x.shape.length : axis;
    if (resolved < 0 || resolved >= x.shape.length) {
      throw malformed(operator, `axis ${axis} of ${x.shape.length} dimensions`);
    }
    axes.add(resolved);
  }
  return axes;
}

function lower(operator: Operator): Mean {
  const x = input(operator, 0);
  const y = output(operator);
  requireType(operator, x, "int8");
  requireType(operator, y, "int8");
  const axes = reducedAxes(operator, x);
  const steps = denseSteps(x.shape);
  const loopsOver = (wanted: boolean) => {
    const chosen = x.shape.map((_, axis) => axis).filter((axis) => axes.has(axis) === wanted);
    const sizes = chosen.map((axis) => x.shape[axis] as number);
    return { sizes, loops: padLoops(joinLoops(sizes, [chosen.map((axis) => steps[axis] as number)]), 3, 1) };
  };
  const kept = loopsOver(false);
  const reduced = loopsOver(true);
  if (!kept.loops || !reduced.loops)
    throw unsupported(operator, "a mean over so many separate axes", "Reshape first.");
  const count = reduced.sizes.reduce((product, size) => product * size, 1);
  if (y.elements * count !== x.elements) {
    throw malformed(operator, `${y.elements} outputs of ${count} elements each from ${x.elements}`);
  }
  const from = perTensor(operator, x);
  const to = perTensor(operator, y);
  // QuantizedMeanOrSum in reference/reduce.h: 1/count goes into the multiplier, as many bits as fit.
  const real = quantizeMultiplier(from.scale / to.scale);
  const extra = Math.min(Math.floor(Math.log2(count)), 32, 31 + real.shift);
  return {
    inputs: [x],
    outputs: [y],
    macs: 0,
    parameters: 0,
    kept: kept.loops,
    reduced: reduced.loops,
    count,
    inputZeroPoint: from.zeroPoint,
    outputZeroPoint: to.zeroPoint,
    multiplier: Number((BigInt(real.multiplier) << BigInt(extra)) / BigInt(count)),
    shift: real.shift - extra,
  };
}

export const mean = defineOperator({ name: "MEAN", lower, forms: [plain] });
