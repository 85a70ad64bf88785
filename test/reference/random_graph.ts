/**
 * Random single-operator models and inputs for them, by seed: shapes, strides, paddings, dilations, groups,
 * multipliers, extreme weights and scales. All stay within what TensorFlow Lite Micro defines (it crashes on a
 * DEPTHWISE_CONV_2D without bias, though, which counts as a bias of 0 here), so a kernel that differs from
 * run_reference.ts on any of them is wrong.
 */

import type { Graph, Tensor } from "../../host/model/graph.js";
import { readModel } from "../../host/model/read_model.js";
import { buildModel } from "../model/model_builder.js";
import { Random } from "../model/random.js";
import { randomConv2d, randomDepthwiseConv2d, randomFullyConnected } from "./random_convolutions.js";
import {
  randomDequantize,
  randomQuantize,
  randomRelu,
  randomRelu6,
  randomSoftmax,
} from "./random_elementwise.js";
import { fixedOutput, randomFunction, randomLeakyRelu } from "./random_functions.js";
import {
  randomConcatenation,
  randomPack,
  randomSplit,
  randomSplitV,
  randomUnpack,
} from "./random_joining.js";
import {
  randomBatchToSpaceNd,
  randomDepthToSpace,
  randomExpandDims,
  randomGather,
  randomMirrorPad,
  randomPadV2,
  randomResizeBilinear,
  randomResizeNearestNeighbor,
  randomSlice,
  randomSpaceToBatchNd,
  randomSpaceToDepth,
  randomSqueeze,
  randomStridedSlice,
  randomTranspose,
} from "./random_movement.js";
import {
  randomComparison,
  randomExtreme,
  randomPrelu,
  randomProduct,
  randomSquaredDifference,
  randomSum,
} from "./random_pairs.js";
import type { LayerGenerator } from "./random_parts.js";
import { randomLstm, randomSvdf } from "./random_recurrent.js";
import { randomArgMax, randomBatchMatmul, randomReduceMax, randomTotal } from "./random_reductions.js";
import { randomMean, randomPad, randomPool, randomReshape } from "./random_shaping.js";
import { randomTransposeConv } from "./random_transpose_conv.js";

const generators: Readonly<Record<string, LayerGenerator>> = {
  ABS: randomFunction,
  ADD: randomSum,
  ARG_MAX: randomArgMax,
  ARG_MIN: randomArgMax,
  AVERAGE_POOL_2D: randomPool,
  BATCH_MATMUL: randomBatchMatmul,
  BATCH_TO_SPACE_ND: randomBatchToSpaceNd,
  CONCATENATION: randomConcatenation,
  CONV_2D: randomConv2d,
  DEPTHWISE_CONV_2D: randomDepthwiseConv2d,
  DEPTH_TO_SPACE: randomDepthToSpace,
  DEQUANTIZE: randomDequantize,
  ELU: randomFunction,
  EQUAL: randomComparison,
  EXPAND_DIMS: randomExpandDims,
  FULLY_CONNECTED: randomFullyConnected,
  GATHER: randomGather,
  GREATER: randomComparison,
  GREATER_EQUAL: randomComparison,
  HARD_SWISH: randomFunction,
  L2_NORMALIZATION: fixedOutput(2 ** -7, 0),
  LEAKY_RELU: randomLeakyRelu,
  LESS: randomComparison,
  LESS_EQUAL: randomComparison,
  LOGISTIC: fixedOutput(2 ** -8, -128),
  MAXIMUM: randomExtreme,
  MAX_POOL_2D: randomPool,
  MEAN: randomMean,
  MINIMUM: randomExtreme,
  MIRROR_PAD: randomMirrorPad,
  MUL: randomProduct,
  NOT_EQUAL: randomComparison,
  PACK: randomPack,
  PAD: randomPad,
  PADV2: randomPadV2,
  PRELU: randomPrelu,
  QUANTIZE: randomQuantize,
  REDUCE_MAX: randomReduceMax,
  RELU: randomRelu,
  RELU6: randomRelu6,
  RESHAPE: randomReshape,
  RESIZE_BILINEAR: randomResizeBilinear,
  RESIZE_NEAREST_NEIGHBOR: randomResizeNearestNeighbor,
  SLICE: randomSlice,
  SOFTMAX: randomSoftmax,
  SPACE_TO_BATCH_ND: randomSpaceToBatchNd,
  SPACE_TO_DEPTH: randomSpaceToDepth,
  SPLIT: randomSplit,
  SPLIT_V: randomSplitV,
  SQUARED_DIFFERENCE: randomSquaredDifference,
  SQUEEZE: randomSqueeze,
  STRIDED_SLICE: randomStridedSlice,
  SUB: randomSum,
  SUM: randomTotal,
  SVDF: randomSvdf,
  TANH: fixedOutput(2 ** -7, 0),
  TRANSPOSE: randomTranspose,
  TRANSPOSE_CONV: randomTransposeConv,
  UNIDIRECTIONAL_SEQUENCE_LSTM: randomLstm,
  UNPACK: randomUnpack,
};

/** The operators of which there are random models. */
export const randomOperators: readonly string[] = Object.keys(generators);

/** A model with a single operator of this builtin name; the same seed gives the same bytes. */
export function randomModel(operator: string, seed: number): { bytes: Uint8Array; graph: Graph } {
  const generator = generators[operator];
  if (generator === undefined) throw new Error(`No random models of ${operator}.`);
  const layer = generator(new Random(seed));
  const outputs = [layer.output, ...(layer.moreOutputs ?? [])];
  const bytes = buildModel({
    description: `random ${operator} ${seed}`,
    tensors: layer.tensors,
    operators: [{ name: operator, inputs: layer.inputs, outputs, options: layer.options }],
    inputs: layer.graphInputs,
    outputs,
  });
  return { bytes, graph: readModel(bytes) };
}

/** Bytes for each input of a graph: anything, only the ends of the range, or one value throughout. */
export function randomInput(graph: Graph, seed: number): Uint8Array[] {
  const random = new Random(seed ^ 0x5eed);
  return graph.inputs.map((tensor) =>
    (tensor.type === "float32" ? realInput : integerInput)(random, graph, tensor),
  );
}

function integerInput(random: Random, _graph: Graph, tensor: Tensor): Uint8Array {
  const bits = (8 * tensor.bytes) / tensor.elements;
  // Beyond 26 bits, differences and sums of int32 overflow.
  const limit = Math.min(bits, 26) - 1;
  const unsigned = tensor.type === "uint8";
  const [low, high] = unsigned ? [0, 255] : [-(2 ** limit), 2 ** limit - 1];
  const kind = random.integer(0, 9);
  const constant = random.integer(low, high);
  const bytes = new Uint8Array(tensor.bytes);
  const view = new DataView(bytes.buffer);
  for (let index = 0; index < tensor.elements; index++) {
    const value = kind === 0 ? random.pick([low, high]) : kind === 1 ? constant : random.integer(low, high);
    if (bits === 8) view.setInt8(index, value);
    else if (bits === 16) view.setInt16(2 * index, value, true);
    else view.setInt32(4 * index, value, true);
  }
  return bytes;
}

/** Real numbers around the range of the graph's output, often midway between two steps, where rounding shows. */
function realInput(random: Random, graph: Graph, tensor: Tensor): Uint8Array {
  const output = graph.outputs[0];
  const scale = output?.quantisation?.scales[0] ?? 1;
  const steps = output?.type === "int16" ? 40_000 : 200;
  const values = Float32Array.from({ length: tensor.elements }, () => {
    const step = random.integer(-steps, steps);
    if (random.chance(0.3)) return (step + 0.5) * scale;
    if (random.chance(0.05)) return random.pick([0, -0, 1e-40, 2 ** 20 * scale, -(2 ** 20) * scale]);
    return (step + random.real()) * scale;
  });
  return new Uint8Array(values.buffer);
}
