/**
 * The oracle: runs a graph in TensorFlow Lite Micro's exact arithmetic (reference kernels, double rounding),
 * slowly and plainly. It shares nothing with the compiler or the AssemblyScript kernels, so that what agrees
 * with it agrees for a reason.
 */

import type { Graph, Operator, Tensor } from "../../host/model/graph.js";
import { add, sub } from "./add.js";
import { argMax, argMin } from "./arg_max.js";
import { batchMatmul } from "./batch_matmul.js";
import { equal, greater, greaterEqual, less, lessEqual, notEqual } from "./compare.js";
import { conv2d } from "./conv_2d.js";
import { depthwiseConv2d } from "./depthwise_conv_2d.js";
import { dequantize } from "./dequantize.js";
import { fullyConnected } from "./fully_connected.js";
import { l2Normalization } from "./l2_normalization.js";
import { maximum, minimum } from "./maximum_minimum.js";
import { mean, sum } from "./mean.js";
import {
  batchToSpaceNd,
  concatenation,
  depthToSpace,
  gather,
  mirrorPad,
  pack,
  padV2,
  slice,
  spaceToBatchNd,
  spaceToDepth,
  split,
  splitV,
  stridedSlice,
  transpose,
  unpack,
} from "./movement.js";
import { mul } from "./mul.js";
import { pad } from "./pad.js";
import { averagePool2d, maxPool2d } from "./pool.js";
import { prelu } from "./prelu.js";
import { quantize } from "./quantize.js";
import { reduceMax } from "./reduce_max.js";
import { relu } from "./relu.js";
import { relu6 } from "./relu6.js";
import { reshape } from "./reshape.js";
import { resizeBilinear, resizeNearestNeighbor } from "./resize.js";
import { softmax } from "./softmax.js";
import { squaredDifference } from "./squared_difference.js";
import { svdf } from "./svdf.js";
import { bytesOf, type KernelCall, type Values, valuesOf } from "./tensor_values.js";
import { transposeConv } from "./transpose_conv.js";
import { abs, elu, hardSwish, leakyRelu, logistic, tanh } from "./unary.js";
import { unidirectionalSequenceLstm } from "./unidirectional_sequence_lstm.js";

const kernels: Readonly<Record<string, (call: KernelCall) => void>> = {
  ABS: abs,
  ADD: add,
  ARG_MAX: argMax,
  ARG_MIN: argMin,
  AVERAGE_POOL_2D: averagePool2d,
  BATCH_MATMUL: batchMatmul,
  BATCH_TO_SPACE_ND: batchToSpaceNd,
  CONCATENATION: concatenation,
  CONV_2D: conv2d,
  DEPTHWISE_CONV_2D: depthwiseConv2d,
  DEPTH_TO_SPACE: depthToSpace,
  DEQUANTIZE: dequantize,
  ELU: elu,
  EQUAL: equal,
  EXPAND_DIMS: reshape,
  FULLY_CONNECTED: fullyConnected,
  GATHER: gather,
  GREATER: greater,
  GREATER_EQUAL: greaterEqual,
  HARD_SWISH: hardSwish,
  L2_NORMALIZATION: l2Normalization,
  LEAKY_RELU: leakyRelu,
  LESS: less,
  LESS_EQUAL: lessEqual,
  LOGISTIC: logistic,
  MAXIMUM: maximum,
  MAX_POOL_2D: maxPool2d,
  MEAN: mean,
  MINIMUM: minimum,
  MIRROR_PAD: mirrorPad,
  MUL: mul,
  NOT_EQUAL: notEqual,
  PACK: pack,
  PAD: pad,
  PADV2: padV2,
  PRELU: prelu,
  QUANTIZE: quantize,
  REDUCE_MAX: reduceMax,
  RELU: relu,
  RELU6: relu6,
  RESHAPE: reshape,
  RESIZE_BILINEAR: resizeBilinear,
  RESIZE_NEAREST_NEIGHBOR: resizeNearestNeighbor,
  SLICE: slice,
  SOFTMAX: softmax,
  SPACE_TO_BATCH_ND: spaceToBatchNd,
  SPACE_TO_DEPTH: spaceToDepth,
  SPLIT: split,
  SPLIT_V: splitV,
  SQUARED_DIFFERENCE: squaredDifference,
  SQUEEZE: reshape,
  STRIDED_SLICE: stridedSlice,
  SUB: sub,
  SUM: sum,
  SVDF: svdf,
  TANH: tanh,
  TRANSPOSE: transpose,
  TRANSPOSE_CONV: transposeConv,
  UNIDIRECTIONAL_SEQUENCE_LSTM: unidirectionalSequenceLstm,
  UNPACK: unpack,
};

/** The operators that the oracle runs. */
export const referenceOperators: readonly string[] = Object.keys(kernels);

/** The bytes of a graph's variables, by tensor index: what lives from one run to the next. */
export type State = Map<number, Uint8Array>;

/** Variables before the first run: int8 at its zero point, all else 0 (ResetVariableTensors of TFLite Micro). */
export function initialState(graph: Graph): State {
  const variables = graph.tensors.filter((tensor) => tensor.isVariable);
  return new Map(
    variables.map(({ index, bytes, type, quantisation }) => {
      const value = type === "int8" ? (quantisation?.zeroPoints[0] ?? 0) : 0;
      return [index, new Uint8Array(bytes).fill(value)];
    }),
  );
}

/**
 * Runs a graph once.
 * @param inputs bytes of the graph inputs, in their order
 * @param state the variables, brought up to date
 * @returns the bytes of every tensor that has a value (constants, inputs, variables, results), by its index
 */
export function runReference(
  graph: Graph,
  inputs: readonly Uint8Array[],
  state: State = initialState(graph),
): Map<number, Uint8Array> {
  const bytes = new Map<number, Uint8Array>(state);
  for (const tensor of graph.tensors) if (tensor.data !== null) bytes.set(tensor.index, tensor.data);
  graph.inputs.forEach((tensor, position) => {
    const given = inputs[position];
    if (given?.length !== tensor.bytes) {
      throw new Error(`Input '${tensor.name}' needs ${tensor.bytes} bytes, not ${given?.length ?? 0}.`);
    }
    bytes.set(tensor.index, given);
  });
  for (const operator of graph.operators) {
    const written = runOperator(operator, (tensor) => {
      const known = bytes.get(tensor.index);
      if (known === undefined) throw new Error(`Tensor '${tensor.name}' has no value.`);
      return valuesOf(tensor, known);
    });
    for (const values of written) bytes.set(values.tensor.index, bytesOf(values));
  }
  for (const index of state.keys()) state.set(index, bytes.get(index) ?? new Uint8Array());
  return bytes;
}

/** Runs one operator. @returns its outputs and the variables among its inputs */
function runOperator(operator: Operator, valuesOfTensor: (tensor: Tensor) => Values): readonly Values[] {
  const kernel = kernels[operator.name];
  if (kernel === undefined) throw new Error(`The reference interpreter does not run ${operator.name}.`);
  const outputs = operator.outputs.map((tensor) => valuesOf(tensor, new Uint8Array(tensor.bytes)));
  const [output] = outputs;
  if (output === undefined) throw new Error(`${operator.name} needs an output.`);
  const inputs = operator.inputs.map((tensor) => (tensor ? valuesOfTensor(tensor) : null));
  const optionalInput = (position: number) => inputs[position] ?? null;
  const input = (position: number) => {
    const values = optionalInput(position);
    if (values === null) throw new Error(`${operator.name} needs input ${position}.`);
    return values;
  };
  kernel({ operator, input, optionalInput, output, outputs });
  const variables = inputs.filter((values) => values?.tensor.isVariable === true);
  return [...outputs, ...variables.filter((values) => values !== null)];
}
