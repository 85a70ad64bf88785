/**
 * What each operator's options table holds: field number, name, type and the schema's default. One table for
 * reading (options.ts) and for building models in tests. Numbers and defaults are those of TensorFlow Lite's
 * schema (tensorflow/lite/schema/schema.fbs); names are spelled out. Enumerations read as the schema's words.
 */

import { tensorTypeNames } from "./tensor_types.js";

export type OptionField =
  | {
      readonly type: "int32" | "float32";
      readonly name: string;
      readonly field: number;
      readonly absent: number;
    }
  | { readonly type: "bool"; readonly name: string; readonly field: number; readonly absent: boolean }
  | { readonly type: "int32s"; readonly name: string; readonly field: number }
  | {
      readonly type: "enumeration";
      readonly name: string;
      readonly field: number;
      readonly words: readonly string[];
    };

const int32 = (field: number, name: string, absent = 0): OptionField => ({
  type: "int32",
  name,
  field,
  absent,
});
const int32s = (field: number, name: string): OptionField => ({ type: "int32s", name, field });
const float32 = (field: number, name: string): OptionField => ({ type: "float32", name, field, absent: 0 });
const bool = (field: number, name: string, absent = false): OptionField => ({
  type: "bool",
  name,
  field,
  absent,
});
/** The schema's default of every enumeration is its first word. */
const enumeration = (field: number, name: string, words: readonly string[]): OptionField => ({
  type: "enumeration",
  name,
  field,
  words,
});

const padding = (field: number) => enumeration(field, "padding", ["SAME", "VALID"]);
const activation = (field: number) =>
  enumeration(field, "fusedActivation", ["NONE", "RELU", "RELU_N1_TO_1", "RELU6", "TANH", "SIGN_BIT"]);
const tensorType = (field: number, name: string) => enumeration(field, name, tensorTypeNames);
const arithmetic = [activation(0), bool(1, "powerOfTwoScaleInt16", true)];
const resize = (field: number) => [bool(field, "alignCorners"), bool(field + 1, "halfPixelCenters")];

/** Fields by options table; a table that is not listed has none that matter. */
export const optionFields: Readonly<Record<string, readonly OptionField[]>> = {
  Conv2DOptions: [
    padding(0),
    int32(1, "strideWidth"),
    int32(2, "strideHeight"),
    activation(3),
    int32(4, "dilationWidth", 1),
    int32(5, "dilationHeight", 1),
    tensorType(6, "quantisedBiasType"),
  ],
  DepthwiseConv2DOptions: [
    padding(0),
    int32(1, "strideWidth"),
    int32(2, "strideHeight"),
    int32(3, "depthMultiplier"),
    activation(4),
    int32(5, "dilationWidth", 1),
    int32(6, "dilationHeight", 1),
  ],
  Pool2DOptions: [
    padding(0),
    int32(1, "strideWidth"),
    int32(2, "strideHeight"),
    int32(3, "filterWidth"),
    int32(4, "filterHeight"),
    activation(5),
  ],
  FullyConnectedOptions: [
    activation(0),
    enumeration(1, "weightsFormat", ["DEFAULT", "SHUFFLED4x16INT8"]),
    bool(2, "keepDimensions"),
    bool(3, "asymmetricQuantiseInputs"),
    tensorType(4, "quantisedBiasType"),
  ],
  TransposeConvOptions: [
    padding(0),
    int32(1, "strideWidth"),
    int32(2, "strideHeight"),
    activation(3),
    tensorType(4, "quantisedBiasType"),
  ],
  BatchMatMulOptions: [bool(0, "adjointLeft"), bool(1, "adjointRight"), bool(2, "asymmetricQuantiseInputs")],
  SVDFOptions: [int32(0, "rank"), activation(1), bool(2, "asymmetricQuantiseInputs")],
  LSTMOptions: [
    activation(0),
    float32(1, "cellClip"),
    float32(2, "projectionClip"),
    enumeration(3, "kernelType", ["FULL", "BASIC"]),
    bool(4, "asymmetricQuantiseInputs"),
  ],
  UnidirectionalSequenceLSTMOptions: [
    activation(0),
    float32(1, "cellClip"),
    float32(2, "projectionClip"),
    bool(3, "timeMajor"),
    bool(4, "asymmetricQuantiseInputs"),
    bool(5, "diagonalRecurrentTensors"),
  ],
  AddOptions: arithmetic,
  SubOptions: arithmetic,
  MulOptions: [activation(0)],
  DivOptions: [activation(0)],
  ConcatenationOptions: [int32(0, "axis"), activation(1)],
  L2NormOptions: [activation(0)],
  SoftmaxOptions: [float32(0, "beta")],
  LeakyReluOptions: [float32(0, "alpha")],
  GeluOptions: [bool(0, "approximate")],
  ReducerOptions: [bool(0, "keepDimensions")],
  CumsumOptions: [bool(0, "exclusive"), bool(1, "reverse")],
  ArgMaxOptions: [tensorType(0, "outputType")],
  ArgMinOptions: [tensorType(0, "outputType")],
  CastOptions: [tensorType(0, "inputType"), tensorType(1, "outputType")],
  ShapeOptions: [tensorType(0, "outputType")],
  ReshapeOptions: [int32s(0, "newShape")],
  SqueezeOptions: [int32s(0, "squeezeDimensions")],
  StridedSliceOptions: [
    int32(0, "beginMask"),
    int32(1, "endMask"),
    int32(2, "ellipsisMask"),
    int32(3, "newAxisMask"),
    int32(4, "shrinkAxisMask"),
    bool(5, "offset"),
  ],
  SplitOptions: [int32(0, "splits")],
  SplitVOptions: [int32(0, "splits")],
  PackOptions: [int32(0, "valuesCount"), int32(1, "axis")],
  UnpackOptions: [int32(0, "count"), int32(1, "axis")],
  GatherOptions: [int32(0, "axis"), int32(1, "batchDimensions")],
  OneHotOptions: [int32(0, "axis")],
  SpaceToDepthOptions: [int32(0, "blockSize")],
  DepthToSpaceOptions: [int32(0, "blockSize")],
  // Fields 0 and 1, a new height and width, are deprecated: the size comes as a tensor.
  ResizeBilinearOptions: resize(2),
  ResizeNearestNeighborOptions: resize(0),
  MirrorPadOptions: [enumeration(0, "mode", ["REFLECT", "SYMMETRIC"])],
  ReverseSequenceOptions: [int32(0, "sequenceDimension"), int32(1, "batchDimension")],
};

/** The options table of each operator that has one with fields above. */
export const optionsOfOperator: Readonly<Record<string, string>> = {
  CONV_2D: "Conv2DOptions",
  DEPTHWISE_CONV_2D: "DepthwiseConv2DOptions",
  AVERAGE_POOL_2D: "Pool2DOptions",
  MAX_POOL_2D: "Pool2DOptions",
  L2_POOL_2D: "Pool2DOptions",
  FULLY_CONNECTED: "FullyConnectedOptions",
  TRANSPOSE_CONV: "TransposeConvOptions",
  BATCH_MATMUL: "BatchMatMulOptions",
  SVDF: "SVDFOptions",
  LSTM: "LSTMOptions",
  UNIDIRECTIONAL_SEQUENCE_LSTM: "UnidirectionalSequenceLSTMOptions",
  ADD: "AddOptions",
  SUB: "SubOptions",
  MUL: "MulOptions",
  DIV: "DivOptions",
  CONCATENATION: "ConcatenationOptions",
  L2_NORMALIZATION: "L2NormOptions",
  SOFTMAX: "SoftmaxOptions",
  LEAKY_RELU: "LeakyReluOptions",
  GELU: "GeluOptions",
  MEAN: "ReducerOptions",
  SUM: "ReducerOptions",
  REDUCE_PROD: "ReducerOptions",
  REDUCE_MAX: "ReducerOptions",
  REDUCE_MIN: "ReducerOptions",
  REDUCE_ANY: "ReducerOptions",
  REDUCE_ALL: "ReducerOptions",
  CUMSUM: "CumsumOptions",
  ARG_MAX: "ArgMaxOptions",
  ARG_MIN: "ArgMinOptions",
  CAST: "CastOptions",
  SHAPE: "ShapeOptions",
  RESHAPE: "ReshapeOptions",
  SQUEEZE: "SqueezeOptions",
  STRIDED_SLICE: "StridedSliceOptions",
  SPLIT: "SplitOptions",
  SPLIT_V: "SplitVOptions",
  PACK: "PackOptions",
  UNPACK: "UnpackOptions",
  GATHER: "GatherOptions",
  ONE_HOT: "OneHotOptions",
  SPACE_TO_DEPTH: "SpaceToDepthOptions",
  DEPTH_TO_SPACE: "DepthToSpaceOptions",
  RESIZE_BILINEAR: "ResizeBilinearOptions",
  RESIZE_NEAREST_NEIGHBOR: "ResizeNearestNeighborOptions",
  MIRROR_PAD: "MirrorPadOptions",
  REVERSE_SEQUENCE: "ReverseSequenceOptions",
};

/** Names of the union BuiltinOptions in the schema's order; the union's type 0 means none. */
const unionNames = `
NONE Conv2D DepthwiseConv2D ConcatEmbeddings LSHProjection Pool2D SVDF RNN FullyConnected Softmax Concatenation
Add L2Norm LocalResponseNormalization LSTM ResizeBilinear Call Reshape SkipGram SpaceToDepth
EmbeddingLookupSparse Mul Pad Gather BatchToSpaceND SpaceToBatchND Transpose Reducer Sub Div Squeeze SequenceRNN
StridedSlice Exp TopKV2 Split LogSoftmax Cast Dequantize MaximumMinimum ArgMax Less Neg PadV2 Greater
GreaterEqual LessEqual Select Slice TransposeConv SparseToDense Tile ExpandDims Equal NotEqual Shape Pow ArgMin
FakeQuant Pack LogicalOr OneHot LogicalAnd LogicalNot Unpack FloorDiv Square ZerosLike Fill
BidirectionalSequenceLSTM BidirectionalSequenceRNN UnidirectionalSequenceLSTM FloorMod Range
ResizeNearestNeighbor LeakyRelu SquaredDifference MirrorPad Abs SplitV Unique ReverseV2 AddN GatherNd Cos Where
Rank ReverseSequence MatrixDiag Quantize MatrixSetDiag HardSwish If While DepthToSpace NonMaxSuppressionV4
NonMaxSuppressionV5 ScatterNd SelectV2 Densify SegmentSum BatchMatMul Cumsum CallOnce BroadcastTo Rfft2d Conv3D
Hashtable HashtableFind HashtableImport HashtableSize VarHandle ReadVariable AssignVariable Random Bucketize
Gelu DynamicUpdateSlice UnsortedSegmentProd UnsortedSegmentMax UnsortedSegmentMin UnsortedSegmentSum ATan2 Sign
Bitcast BitwiseXor RightShift
`;

/** Options tables by their number in the union; `optionsUnion[1]` is `"Conv2DOptions"`, `[0]` is `"none"`. */
export const optionsUnion: readonly string[] = unionNames
  .trim()
  .split(/\s+/)
  .map((name) => (name === "NONE" ? "none" : `${name}Options`));
