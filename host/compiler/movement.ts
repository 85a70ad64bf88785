/**
 * Operators that only move elements: each is lowered to a few strided copies from one tensor to another, which two
 * kernels compute (kernels/copy.ts), whatever the element type. A copy that leaves everything where it was costs
 * nothing at all.
 */
import { type ElementType, elementBytes } from "../element_type.js";
import type { Operator, Tensor } from "../model/graph.js";
import { alias } from "./alias.js";
import { joinLoops, type Loop, padLoops } from "./dimensions.js";
import {
  defineOperator,
  type KernelCall,
  type KernelForm,
  type LoweredLayer,
  type OperatorCompiler,
} from "./layer.js";
import { fiveLoops, sameQuantisation } from "./limits.js";
import { malformed, unsupported } from "./operands.js";

/** to[toStart + Σ iₐ·toStepsₐ] = from[fromStart + Σ iₐ·fromStepsₐ] for all 0 ≤ iₐ < shapeₐ; counted in elements. */
export interface StridedCopy {
  readonly from: Tensor;
  readonly to: Tensor;
  readonly fromStart: number;
  readonly toStart: number;
  readonly shape: readonly number[];
  readonly fromSteps: readonly number[];
  readonly toSteps: readonly number[];
}

/** What an operator's file says of a movement. */
export interface Movement {
  readonly inputs: readonly Tensor[];
  readonly outputs: readonly Tensor[];
  /** In this order; a later one may read what an earlier one wrote. */
  readonly copies: readonly StridedCopy[];
  /** Set every byte of the only output to this first. */
  readonly fill?: number;
}

/** A copy ready for the kernel: the contiguous run taken off the loops. */
interface RunCopy {
  readonly from: Tensor;
  readonly to: Tensor;
  /** Bytes from here on. */
  readonly fromStart: number;
  readonly toStart: number;
  readonly run: number;
  readonly loops: readonly Loop[];
}

interface LoweredMovement extends LoweredLayer {
  readonly copies: readonly RunCopy[];
  readonly fill: number | null;
}

/** Loops of the kernels around one run. */
const kernelLoops = 5;

/** AssemblyScript types that move a run of so many bytes at once. */
const elementTypes: Readonly<Record<number, string>> = { 1: "u8", 2: "u16", 4: "u32", 8: "u64" };

const copying: KernelForm<LoweredMovement> = {
  name: "copy",
  when: "anything moves",
  applies: (layer) => layer.alias === undefined,
  cost(layer) {
    let opcodes = 0;
    let bytesMoved = layer.fill === null ? 0 : (layer.outputs[0] as Tensor).bytes;
    for (const { loops, run } of layer.copies) {
      let iterations = 1;
      opcodes += 4;
      loops.forEach(({ size }, depth) => {
        iterations *= size;
        // A loop of one pass loses its counting to the optimiser.
        opcodes += iterations * (depth === kernelLoops - 1 ? 8 : size === 1 ? 6 : 12);
      });
      if (!(run in elementTypes)) bytesMoved += iterations * run;
    }
    return { opcodes, bytesMoved };
  },
  scratch: () => [],
  weights: () => [],
  emit(layer, places) {
    const calls: KernelCall[] = [];
    if (layer.fill !== null) {
      const [y] = layer.outputs as readonly [Tensor];
      calls.push({
        file: "kernels/copy",
        function: "fill",
        arguments: [
          ["target", places.address(y)],
          ["value", layer.fill],
          ["bytes", y.bytes],
        ],
      });
    }
    for (const copy of layer.copies) {
      const type = elementTypes[copy.run];
      const numbered = (prefix: string, value: (loop: Loop) => number) =>
        copy.loops.map((loop, index) => [`${prefix}${index}`, value(loop)] as const);
      calls.push({
        file: "kernels/copy",
        function: type ? "copyElements" : "copyRuns",
        ...(type ? { types: [type] } : {}),
        arguments: [
          ["source", places.address(copy.from) + copy.fromStart],
          ["target", places.address(copy.to) + copy.toStart],
          ...(type ? [] : [["run", copy.run] as const]),
          ...numbered("size", (loop) => loop.size),
          ...numbered("sourceStep", (loop) => loop.steps[0] as number),
          ...numbered("targetStep", (loop) => loop.steps[1] as number),
        ],
      });
    }
    return calls;
  },
};

/** Loops joined, the innermost made a run where both sides are contiguous, everything in bytes. */
function prepare(operator: Operator, copy: StridedCopy): RunCopy {
  const bytes = elementBytes[copy.from.type];
  const joined = joinLoops(copy.shape, [copy.fromSteps, copy.toSteps]);
  const innermost = joined.at(-1);
  const contiguous = innermost?.steps.every((step) => step === 1) ?? false;
  const outer = (contiguous ? joined.slice(0, -1) : joined).map(({ size, steps }) => ({
    size,
    steps: steps.map((step) => step * bytes),
  }));
  const loops = padLoops(outer, kernelLoops, 2);
  if (!loops) {
    throw unsupported(
      operator,
      `a movement through ${outer.length} dimensions`,
      `At most ${kernelLoops} are supported.`,
    );
  }
  return {
    from: copy.from,
    to: copy.to,
    fromStart: copy.fromStart * bytes,
    toStart: copy.toStart * bytes,
    run: bytes * (contiguous ? (innermost as Loop).size : 1),
    loops,
  };
}

/** Whether the only output is the only input, byte by byte. */
function movesNothing({ inputs, outputs, fill }: Movement, copies: readonly RunCopy[]): boolean {
  const [copy] = copies;
  return (
    copies.length === 1 &&
    inputs.length === 1 &&
    outputs.length === 1 &&
    fill === undefined &&
    copy?.from === inputs[0] &&
    copy?.run === copy?.from.bytes &&
    copy?.run === copy?.to.bytes
  );
}

/**
 * Makes a table entry of a function that says which copies an operator is.
 * @throws WamletError (from `bind`) where tensors differ in type or quantisation, for a movement cannot rescale
 */
export function defineMovement(
  name: string,
  limits: readonly string[],
  lower: (operator: Operator) => Movement,
): OperatorCompiler {
  return defineOperator<LoweredMovement>({
    limits: [sameQuantisation, fiveLoops, ...limits],
    name,
    forms: [alias, copying],
    lower(operator) {
      const movement = lower(operator);
      for (const { from, to } of movement.copies) requireSameElements(operator, from, to);
      const copies = movement.copies.map((copy) => prepare(operator, copy));
      const constants = movement.inputs.filter((tensor) => tensor.data);
      return {
        inputs: movement.inputs,
        outputs: movement.outputs,
        macs: 0,
        parameters: constants.reduce((sum, tensor) => sum + tensor.elements, 0),
        copies,
        fill: movement.fill ?? null,
        ...(movesNothing(movement, copies) ? { alias: movement.inputs[0] as Tensor } : {}),
      };
    },
  });
}

/** Refuses to move elements into a tensor in which the same bytes would mean something else. */
export function requireSameElements(operator: Operator, from: Tensor, to: Tensor): void {
  if (from.type !== to.type) {
    throw malformed(operator, `tensor '${from.name}' is ${from.type}, '${to.name}' is ${to.type}`);
  }
  const a = from.quantisation;
  const b = to.quantisation;
  if (a && b && (a.scales[0] !== b.scales[0] || a.zeroPoints[0] !== b.zeroPoints[0])) {
    throw unsupported(
      operator,
      `tensors '${from.name}' and '${to.name}' are quantised differently`,
      "Convert the model with the operator's tensors quantised alike; TensorFlow Lite's converter does.",
    );
  }
}

/** The byte that stands for 0 in a tensor, the same in every byte of an element. */
export function zeroByte(tensor: Tensor): number {
  const bytewise: readonly ElementType[] = ["int8", "uint8"];
  return bytewise.includes(tensor.type) ? (tensor.quantisation?.zeroPoints[0] ?? 0) : 0;
}
