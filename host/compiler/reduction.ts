/** What reductions over constant axes share: the axes checked, three loops over what stays and three over what goes. */
import type { Operator, Tensor } from "../model/graph.js";
import { denseSteps, joinLoops, type Loop, padLoops } from "./dimensions.js";
import type { Argument, KernelCost, LoweredLayer, Places } from "./layer.js";
import { constantIntegers, input, malformed, output, requireType, unsupported } from "./operands.js";

export interface Reduction extends LoweredLayer {
  readonly input: Tensor;
  readonly output: Tensor;
  /** Three loops each; the only step is the input's. */
  readonly kept: readonly Loop[];
  readonly reduced: readonly Loop[];
  /** Elements that become one. */
  readonly count: number;
}

/** The axes that go, negative ones counted from the end, each once. */
function reducedAxes(operator: Operator, x: Tensor): Set<number> {
  const axes = new Set<number>();
  for (const axis of constantIntegers(operator, input(operator, 1))) axes.add(resolveAxis(operator, x, axis));
  return axes;
}

/** An axis of a tensor, a negative one counted from the end. */
export function resolveAxis(operator: Operator, tensor: Tensor, axis: number): number {
  const resolved = axis < 0 ? axis + tensor.shape.length : axis;
  if (resolved >= 0 && resolved < tensor.shape.length) return resolved;
  throw malformed(operator, `axis ${axis} of ${tensor.shape.length} dimensions`);
}

/** An int8 reduction's loops. The output's shape may keep the axes that go with length 1, or leave them out. */
export function lowerReduction(operator: Operator): Reduction {
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
    throw unsupported(operator, "a reduction over so many separate axes", "Reshape first.");
  const count = reduced.sizes.reduce((product, size) => product * size, 1);
  if (y.elements * count !== x.elements) {
    throw malformed(operator, `${y.elements} outputs of ${count} elements each from ${x.elements}`);
  }
  return {
    inputs: [x],
    outputs: [y],
    macs: 0,
    parameters: 0,
    input: x,
    output: y,
    kept: kept.loops,
    reduced: reduced.loops,
    count,
  };
}

/** The first fourteen arguments of a reduction's kernel: addresses, sizes, steps. */
export function reductionArguments(layer: Reduction, places: Places): Argument[] {
  const numbered = (prefix: string, loops: readonly Loop[], value: (loop: Loop) => number) =>
    loops.map((loop, index): Argument => [`${prefix}${index}`, value(loop)]);
  const size = (loop: Loop) => loop.size;
  const step = (loop: Loop) => loop.steps[0] as number;
  return [
    ["input", places.address(layer.input)],
    ["output", places.address(layer.output)],
    ...numbered("keptSize", layer.kept, size),
    ...numbered("keptStep", layer.kept, step),
    ...numbered("size", layer.reduced, size),
    ...numbered("step", layer.reduced, step),
  ];
}

/** Opcodes of a reduction: so many an output, so many an input. */
export function reductionCost(
  layer: Reduction,
  opcodesPerOutput: number,
  opcodesPerInput: number,
): KernelCost {
  const rows = layer.count / (layer.reduced[2]?.size ?? 1);
  const each = opcodesPerOutput + layer.count * opcodesPerInput + rows * 8;
  return { opcodes: layer.output.elements * each, bytesMoved: 0 };
}
