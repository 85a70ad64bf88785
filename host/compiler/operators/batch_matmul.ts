/** BATCH_MATMUL: a matrix product for each batch; either side may be given transposed. Kernels: batch_matmul.ts. */
import type { Operator, Tensor } from "../../model/graph.js";
import { broadcastShape, broadcastSteps, denseSteps, joinLoops, type Loop, padLoops } from "../dimensions.js";
import { type QuantizedMultiplier, quantizeMultiplier, shifts } from "../fixed_point.js";
import { type Argument, defineOperator, type KernelForm, type LoweredLayer } from "../layer.js";
import { input, malformed, output, perTensor, requireShape, requireType, unsupported } from "../operands.js";

/** One side of the product. */
interface Matrix {
  readonly tensor: Tensor;
  /** Shape and steps of the batches, then of what the product has (rows or columns) and of what it sums over. */
  readonly batches: readonly number[];
  readonly outer: number;
  readonly outerStep: number;
  readonly depth: number;
  readonly depthStep: number;
  readonly zeroPoint: number;
}

interface BatchMatmul extends LoweredLayer {
  readonly left: Matrix;
  readonly right: Matrix;
  /** Exactly three over the batches; steps of both sides. */
  readonly loops: readonly Loop[];
  readonly outputZeroPoint: number;
  readonly multiplier: QuantizedMultiplier;
}

const plain: KernelForm<BatchMatmul> = {
  name: "batch_matmul_plain",
  applies: () => true,
  cost(layer) {
    const { elements } = layer.outputs[0] as Tensor;
    return { opcodes: 30 + elements * (32 + layer.left.depth * 11), bytesMoved: 0 };
  },
  scratch: () => [],
  weights: () => [],
  emit(layer, places) {
    const { left, right } = shifts(layer.multiplier.shift);
    const numbered = (name: string, value: (loop: Loop) => number) =>
      layer.loops.map((loop, index): Argument => [`${name}${index}`, value(loop)]);
    return [
      {
        file: "kernels/batch_matmul",
        function: "batchMatmul",
        arguments: [
          ["left", places.address(layer.left.tensor)],
          ["right", places.address(layer.right.tensor)],
          ["output", places.address(layer.outputs[0] as Tensor)],
          ...numbered("size", (loop) => loop.size),
          ...numbered("leftStep", (loop) => loop.steps[0] as number),
          ...numbered("rightStep", (loop) => loop.steps[1] as number),
          ["rows", layer.left.outer],
          ["columns", layer.right.outer],
          ["depth", layer.left.depth],
          ["leftRowStep", layer.left.outerStep],
          ["leftDepthStep", layer.left.depthStep],
          ["rightColumnStep", layer.right.outerStep],
          ["rightDepthStep", layer.right.depthStep],
          ["leftZeroPoint", layer.left.zeroPoint],
          ["rightZeroPoint", layer.right.zeroPoint],
          ["outputZeroPoint", layer.outputZeroPoint],
          ["multiplier", layer.multiplier.multiplier],
          ["shiftLeft", left],
          ["shiftRight", right],
        ],
      },
    ];
  },
};

/** @param depthAxis 1 where the last dimension is summed over, 0 where the one before it is */
function matrix(operator: Operator, tensor: Tensor, depthAxis: 0 | 1): Matrix {
  requireType(operator, tensor, "int8");
  const rank = tensor.shape.length;
  if (rank < 2) throw malformed(operator, `tensor '${tensor.name}' is no matrix`);
  const steps = denseSteps(tensor.shape);
  const depth = rank - 2 + depthAxis;
  const outer = rank - 1 - depthAxis;
  return {
    tensor,
    batches: tensor.shape.slice(0, -2),
    outer: tensor.shape[outer] as number,
    outerStep: steps[outer] as number,
    depth: tensor.shape[depth] as number,
    depthStep: steps[depth] as number,
    zeroPoint: perTensor(operator, tensor).zeroPoint,
  };
}

function lower(operator: Operator): BatchMatmul {
  const y = output(operator);
  requireType(operator, y, "int8");
  const { adjointLeft, adjointRight } = operator.options.fields;
  const left = matrix(operator, input(operator, 0), adjointLeft === true ? 0 : 1);
  const right = matrix(operator, input(operator, 1), adjointRight === true ? 1 : 0);
  const batches = broadcastShape(left.batches, right.batches);
  if (!batches || left.depth !== right.depth) {
    throw malformed(
      operator,
      `matrices of [${left.tensor.shape.join(",")}] and [${right.tensor.shape.join(",")}] have no product`,
    );
  }
  requireShape(operator, y, [...batches, left.outer, right.outer]);
  const steps = [left, right].map((side) =>
    broadcastSteps(side.batches, batches).map((step) => step * side.outer * side.depth),
  );
  const loops = padLoops(joinLoops(batches, steps), 3, 2);
  if (!loops)
    throw unsupported(operator, "broadcasting over more than three batch dimensions", "Reshape first.");
  const scale = (tensor: Tensor) => perTensor(operator, tensor).scale;
  return {
    inputs: [left.tensor, right.tensor],
    outputs: [y],
    macs: y.elements * left.depth,
    parameters: [left.tensor, right.tensor].reduce(
      (sum, { data, elements }) => sum + (data ? elements : 0),
      0,
    ),
    left,
    right,
    loops,
    outputZeroPoint: perTensor(operator, y).zeroPoint,
    // GetQuantizedConvolutionMultipler, as for FULLY_CONNECTED: the scales' product in float32.
    multiplier: quantizeMultiplier(Math.fround(scale(left.tensor) * scale(right.tensor)) / scale(y)),
  };
}

export const batchMatmul = defineOperator({
  name: "BATCH_MATMUL",
  limits: ["two dimensions at least; batches broadcast through at most three"],
  lower,
  forms: [plain],
});
