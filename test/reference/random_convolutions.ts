/** Random CONV_2D, DEPTHWISE_CONV_2D and FULLY_CONNECTED layers. */

import type { TensorSpec } from "../model/model_builder.js";
import type { Random } from "../model/random.js";
import { type LayerSpec, randomActivation } from "./random_parts.js";
import { randomWeights, type WeightShape } from "./random_weights.js";

/** One spatial dimension: sizes, stride and dilation that give at least one output. */
interface Axis {
  readonly input: number;
  readonly filter: number;
  readonly stride: number;
  readonly dilation: number;
  readonly output: number;
}

/** Draws one spatial dimension for the given padding. */
export function randomAxis(random: Random, padding: string, dilated: boolean): Axis {
  const filter = random.pick([1, 1, 2, 3, 3, 4, 5]);
  const dilation = dilated ? random.integer(1, 3) : 1;
  const stride = random.pick([1, 1, 1, 2, 2, 3]);
  const effective = (filter - 1) * dilation + 1;
  const smallest = padding === "VALID" ? effective : 1;
  const input = smallest + random.integer(0, 10);
  const output = padding === "SAME" ? Math.ceil(input / stride) : Math.ceil((input - effective + 1) / stride);
  return { input, filter, stride, dilation, output };
}

/** A dimension under a filter of three without gaps. */
function usualAxis(random: Random, padding: string, stride: number): Axis {
  const input = random.integer(padding === "VALID" ? 3 : 1, 14);
  const output = padding === "SAME" ? Math.ceil(input / stride) : Math.ceil((input - 2) / stride);
  return { input, filter: 3, stride, dilation: 1, output };
}

export function randomConv2d(random: Random): LayerSpec {
  const groups = random.chance(0.15) ? random.integer(2, 4) : 1;
  const filterDepth = random.integer(1, groups > 1 ? 4 : 20);
  const channels = groups * random.integer(1, groups > 1 ? 4 : 20);
  return convolution(random, filterDepth * groups, channels, (rows, columns) => ({
    shape: [channels, rows.filter, columns.filter, filterDepth],
    channelAxis: 0,
    perChannel: random.chance(0.75),
    int16: random.chance(0.2),
  }));
}

export function randomDepthwiseConv2d(random: Random): LayerSpec {
  // Most of the world's: 3×3, one filter per channel, both strides alike.
  const usual = random.chance(0.3);
  const depth = random.integer(1, 20);
  const depthMultiplier = usual ? 1 : random.pick([1, 1, 1, 2, 3, 8]);
  const channels = depth * depthMultiplier;
  const layer = convolution(
    random,
    depth,
    channels,
    (rows, columns) => ({
      shape: [1, rows.filter, columns.filter, channels],
      channelAxis: 3,
      perChannel: random.chance(0.75),
      int16: random.chance(0.2),
    }),
    usual,
  );
  return { ...layer, options: { ...layer.options, depthMultiplier } };
}

function convolution(
  random: Random,
  depth: number,
  channels: number,
  weightShape: (rows: Axis, columns: Axis) => WeightShape,
  usual = false,
): LayerSpec {
  const padding = random.pick(["SAME", "VALID"]);
  const dilated = random.chance(0.25);
  const stride = random.integer(1, 2);
  const axis = () => (usual ? usualAxis(random, padding, stride) : randomAxis(random, padding, dilated));
  const rows = axis();
  const columns = axis();
  const batch = !usual && random.chance(0.15) ? 2 : 1;
  return weighted(random, {
    weights: weightShape(rows, columns),
    inputShape: [batch, rows.input, columns.input, depth],
    outputShape: [batch, rows.output, columns.output, channels],
    options: {
      padding,
      strideHeight: rows.stride,
      strideWidth: columns.stride,
      dilationHeight: rows.dilation,
      dilationWidth: columns.dilation,
    },
  });
}

export function randomFullyConnected(random: Random): LayerSpec {
  const depth = random.integer(1, 100);
  const channels = random.integer(1, 40);
  const outer = Array.from({ length: random.integer(1, 2) }, () => random.pick([1, 1, 2, 3]));
  const keepDimensions = random.chance(0.3);
  const rows = outer.reduce((product, size) => product * size, 1);
  return weighted(random, {
    weights: {
      shape: [channels, depth],
      channelAxis: 0,
      perChannel: channels > 1 && random.chance(0.4),
      int16: random.chance(0.2),
    },
    inputShape: [...outer, depth],
    outputShape: keepDimensions ? [...outer, channels] : [rows, channels],
    options: { keepDimensions },
  });
}

/** A layer with weights and an optional bias. */
function weighted(
  random: Random,
  layer: {
    readonly weights: WeightShape;
    readonly inputShape: readonly number[];
    readonly outputShape: readonly number[];
    readonly options: LayerSpec["options"];
  },
): LayerSpec {
  const { filter, bias, input, output } = randomWeights(random, layer.weights);
  const type = layer.weights.int16 ? "int16" : "int8";
  const tensors: TensorSpec[] = [
    { name: "input", type, shape: layer.inputShape, quantisation: input },
    { name: "output", type, shape: layer.outputShape, quantisation: output },
    filter,
  ];
  if (bias !== null) tensors.push(bias);
  return {
    tensors,
    inputs: [0, 2, bias === null ? null : 3],
    graphInputs: [0],
    output: 1,
    options: { ...layer.options, fusedActivation: randomActivation(random) },
  };
}
