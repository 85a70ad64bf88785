/** The operators that Wamlet compiles, by their names in the TensorFlow Lite schema. A new one is added here. */
import { WamletError } from "../../errors.js";
import type { Operator } from "../../model/graph.js";
import { type OperatorCompiler, where } from "../layer.js";
import { abs } from "./abs.js";
import { add, sub } from "./add.js";
import { argMax, argMin } from "./arg_max.js";
import { batchMatmul } from "./batch_matmul.js";
import { equal, greater, greaterEqual, less, lessEqual, notEqual } from "./compare.js";
import { concatenation, pack } from "./concatenation.js";
import { conv2d } from "./conv_2d.js";
import { depthwiseConv2d } from "./depthwise_conv_2d.js";
import { dequantize } from "./dequantize.js";
import { elu } from "./elu.js";
import { fullyConnected } from "./fully_connected.js";
import { gather } from "./gather.js";
import { hardSwish } from "./hard_swish.js";
import { l2Normalization } from "./l2_normalization.js";
import { leakyRelu } from "./leaky_relu.js";
import { logistic, tanh } from "./logistic.js";
import { maximum, minimum } from "./maximum_minimum.js";
import { mean, sum } from "./mean.js";
import { mirrorPad } from "./mirror_pad.js";
import { mul } from "./mul.js";
import { pad, padV2 } from "./pad.js";
import { averagePool2d, maxPool2d } from "./pool_2d.js";
import { prelu } from "./prelu.js";
import { quantize } from "./quantize.js";
import { reduceMax } from "./reduce_max.js";
import { relu, relu6 } from "./relu.js";
import { expandDims, reshape, squeeze } from "./reshape.js";
import { resizeBilinear, resizeNearestNeighbor } from "./resize.js";
import { slice, stridedSlice } from "./slice.js";
import { softmax } from "./softmax.js";
import { batchToSpaceNd, spaceToBatchNd } from "./space_to_batch_nd.js";
import { depthToSpace, spaceToDepth } from "./space_to_depth.js";
import { splitEvenly, splitV, unpack } from "./split.js";
import { squaredDifference } from "./squared_difference.js";
import { svdf } from "./svdf.js";
import { transpose } from "./transpose.js";
import { transposeConv } from "./transpose_conv.js";
import { unidirectionalSequenceLstm } from "./unidirectional_sequence_lstm.js";

const table: ReadonlyMap<string, OperatorCompiler> = new Map(
  [
    abs,
    add,
    argMax,
    argMin,
    averagePool2d,
    batchMatmul,
    batchToSpaceNd,
    concatenation,
    conv2d,
    depthToSpace,
    depthwiseConv2d,
    dequantize,
    elu,
    equal,
    expandDims,
    fullyConnected,
    gather,
    greater,
    greaterEqual,
    hardSwish,
    l2Normalization,
    leakyRelu,
    less,
    lessEqual,
    logistic,
    maximum,
    maxPool2d,
    mean,
    minimum,
    mirrorPad,
    mul,
    notEqual,
    pack,
    pad,
    padV2,
    prelu,
    quantize,
    reduceMax,
    relu,
    relu6,
    reshape,
    resizeBilinear,
    resizeNearestNeighbor,
    slice,
    softmax,
    spaceToBatchNd,
    spaceToDepth,
    splitEvenly,
    splitV,
    squaredDifference,
    squeeze,
    stridedSlice,
    sub,
    sum,
    svdf,
    tanh,
    transpose,
    transposeConv,
    unidirectionalSequenceLstm,
    unpack,
  ].map((operator) => [operator.name, operator]),
);

/** Names of the operators that can be compiled, sorted. */
export const supportedOperators: readonly string[] = [...table.keys()].sort();

/**
 * The table's entry for an operator of a model.
 * @throws WamletError WAMLET_UNSUPPORTED_OPERATOR, naming the operator and what is supported
 */
export function operatorCompiler(operator: Operator): OperatorCompiler {
  const found = table.get(operator.name);
  if (found) return found;
  throw new WamletError(
    "WAMLET_UNSUPPORTED_OPERATOR",
    `${where(operator)} is not supported.`,
    `Supported operators: ${supportedOperators.join(", ")}.`,
  );
}
