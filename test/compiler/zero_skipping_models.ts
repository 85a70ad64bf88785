/** Convolutions behind a rectifier, and frames of which a given share is zero: what kernels that skip zeros are for. */
import { buildModel } from "../model/model_builder.js";
import { Random } from "../model/random.js";

export interface ConvolutionShape {
  readonly height: number;
  readonly width: number;
  readonly inputs: number;
  readonly outputs: number;
  readonly size: number;
  readonly stride: number;
  /** Between rows of the filter. */
  readonly dilation: number;
  readonly padding: "SAME" | "VALID";
  readonly zeroPoint: number;
  readonly outputZeroPoint: number;
  readonly activation: "NONE" | "RELU" | "RELU6";
  readonly weight: (index: number) => number;
}

export const pointwise = {
  height: 6,
  width: 5,
  inputs: 32,
  outputs: 64,
  size: 1,
  stride: 1,
  dilation: 1,
  padding: "SAME",
  zeroPoint: -128,
  outputZeroPoint: -128,
  activation: "RELU",
  weight: (index: number) => ((index * 37) % 255) - 127,
} as const satisfies ConvolutionShape;

/** A random shape with extreme weights; some are large enough for sums by segment and for starts of their own. */
export function randomShape(seed: number): ConvolutionShape {
  const random = new Random(seed);
  const size = random.pick([1, 1, 2, 3]);
  const heavy = random.chance(0.25);
  const zeroPoint = random.pick([-128, -128, 127, 0, random.integer(-128, 127)]);
  const sign = random.pick([1, -1]);
  return {
    height: random.integer(size * 2, 8),
    width: random.integer(size * 2, 9),
    inputs: heavy ? random.integer(20, 21) : random.integer(1, 14),
    outputs: random.integer(3, 40),
    size: heavy ? 3 : size,
    stride: random.pick([1, 1, 2]),
    dilation: 1,
    padding: heavy || size === 1 ? "SAME" : random.pick(["SAME", "VALID"]),
    zeroPoint,
    outputZeroPoint: random.integer(-128, 127),
    activation: random.pick(["NONE", "RELU", "RELU6"]),
    weight: () =>
      heavy ? sign * random.integer(100, 127) : random.pick([-127, 127, 0, random.integer(-127, 127)]),
  };
}

/** A model of one convolution, or of a rectifier and then the convolution. */
export function convolutionModel(shape: ConvolutionShape, rectified = false): Uint8Array {
  const { height, width, inputs, outputs, size, stride, dilation, padding } = shape;
  const reach = (length: number, dilated: number) =>
    Math.ceil((padding === "SAME" ? length : length - (size - 1) * dilated) / stride);
  const weights = Int8Array.from({ length: outputs * size * size * inputs }, (_, index) =>
    shape.weight(index),
  );
  const bias = Int32Array.from({ length: outputs }, (_, index) => ((index * 7919) % 9001) - 4500);
  const scales = Array.from({ length: outputs }, (_, index) => 0.002 * (1 + (index % 9)));
  const image = { type: "int8", shape: [1, height, width, inputs] } as const;
  const quantisation = { scales: [0.1], zeroPoints: [shape.zeroPoint] };
  const tensors = [
    { name: "in", ...image, quantisation },
    {
      name: "out",
      type: "int8",
      shape: [1, reach(height, dilation), reach(width, 1), outputs],
      quantisation: { scales: [3], zeroPoints: [shape.outputZeroPoint] },
    },
    {
      name: "weights",
      type: "int8",
      shape: [outputs, size, size, inputs],
      data: new Uint8Array(weights.buffer),
      quantisation: { scales, zeroPoints: scales.map(() => 0), axis: 0 },
    },
    { name: "bias", type: "int32", shape: [outputs], data: new Uint8Array(bias.buffer) },
    ...(rectified ? [{ name: "rectified", ...image, quantisation }] : []),
  ] as const;
  return buildModel({
    tensors: [...tensors],
    operators: [
      ...(rectified ? [{ name: "RELU", inputs: [0], outputs: [4] }] : []),
      {
        name: "CONV_2D",
        inputs: [rectified ? 4 : 0, 2, 3],
        outputs: [1],
        options: {
          padding,
          strideWidth: stride,
          strideHeight: stride,
          dilationWidth: 1,
          dilationHeight: dilation,
          fusedActivation: shape.activation,
        },
      },
    ],
    inputs: [0],
    outputs: [1],
  });
}

/** A frame of which about this share is the zero point, the rest extremes and anything else. */
export function frame(shape: ConvolutionShape, zeros: number, seed: number): Uint8Array {
  const random = new Random(seed);
  const { height, width, inputs, zeroPoint } = shape;
  const other = () => {
    const value = random.pick([-128, 127, random.integer(-128, 127)]);
    return value === zeroPoint ? (zeroPoint === 127 ? 126 : zeroPoint + 1) : value;
  };
  return Uint8Array.from(
    { length: height * width * inputs },
    () => (random.chance(zeros) ? zeroPoint : other()) & 0xff,
  );
}
