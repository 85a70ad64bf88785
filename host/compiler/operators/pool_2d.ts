/**
 * AVERAGE_POOL_2D and MAX_POOL_2D: one number per window and channel. Kernels: pool_2d.ts,
 * channel_sums.ts, max_pool_channels.ts.
 */
import type { Operator, Tensor } from "../../model/graph.js";
import { type ClampRange, fusedActivation } from "../activation.js";
import { sumEightOpcodes, sumScratchBytes, sumsChannels } from "../channel_sums.js";
import { type Argument, defineOperator, type KernelForm, type LoweredLayer, type Places } from "../layer.js";
import { fourDimensions, fusedActivations, sameQuantisation, slidingWindow } from "../limits.js";
import {
  input,
  integerOption,
  malformed,
  nhwc,
  output,
  perTensor,
  requireShape,
  requireType,
} from "../operands.js";
import { slide, strides, taps, type Window } from "../window.js";

interface Pool extends LoweredLayer {
  readonly batches: number;
  readonly inputHeight: number;
  readonly inputWidth: number;
  readonly channels: number;
  readonly vertical: Window;
  readonly horizontal: Window;
  readonly clamp: ClampRange;
}

function plain(
  name: string,
  kernel: string,
  opcodesPerTap: number,
  opcodesPerOutput: number,
): KernelForm<Pool> {
  return {
    name,
    applies: () => true,
    cost(layer) {
      const rows = taps(layer.vertical, layer.inputHeight).read;
      const columns = taps(layer.horizontal, layer.inputWidth).read;
      const outputs = layer.vertical.outputs * layer.horizontal.outputs;
      const windowRows = rows * layer.horizontal.outputs;
      return {
        opcodes:
          layer.batches *
          (layer.channels * (rows * columns * opcodesPerTap + outputs * opcodesPerOutput + windowRows * 8) +
            outputs * 20),
        bytesMoved: 0,
      };
    },
    scratch: () => [],
    weights: () => [],
    emit: (layer, places) => [
      {
        file: "kernels/pool_2d",
        function: kernel,
        arguments: [...addresses(layer, places), ...geometry(layer)],
      },
    ],
  };
}

const addresses = (layer: Pool, places: Places): Argument[] => [
  ["input", places.address(layer.inputs[0] as Tensor)],
  ["output", places.address(layer.outputs[0] as Tensor)],
];

const geometry = (layer: Pool): Argument[] => [
  ["batches", layer.batches],
  ["inputHeight", layer.inputHeight],
  ["inputWidth", layer.inputWidth],
  ["channels", layer.channels],
  ["outputHeight", layer.vertical.outputs],
  ["outputWidth", layer.horizontal.outputs],
  ["filterHeight", layer.vertical.size],
  ["filterWidth", layer.horizontal.size],
  ["strideHeight", layer.vertical.stride],
  ["strideWidth", layer.horizontal.stride],
  ["padTop", layer.vertical.pad],
  ["padLeft", layer.horizontal.pad],
  ["activationMin", layer.clamp.minimum],
  ["activationMax", layer.clamp.maximum],
];

/** Eight channels at once. */
const averageChannels: KernelForm<Pool> = {
  name: "average_pool_2d_channels",
  when: "8 channels at least, and windows of 256 columns at most",
  applies: (layer) => sumsChannels(layer.channels, Math.min(layer.horizontal.size, layer.inputWidth)),
  cost(layer) {
    const rows = taps(layer.vertical, layer.inputHeight).read;
    const columns = taps(layer.horizontal, layer.inputWidth).read;
    const outputs = layer.vertical.outputs * layer.horizontal.outputs;
    const windowRows = rows * layer.horizontal.outputs;
    const groups = Math.ceil(layer.channels / 8);
    const sums = sumEightOpcodes({ windows: outputs, rows: windowRows, pixels: rows * columns });
    return {
      opcodes: layer.batches * (groups * (sums + outputs * (8 * 18 + 7)) + outputs * 24),
      bytesMoved: layer.batches * outputs * groups * sumScratchBytes,
    };
  },
  scratch: () => [{ kind: "scratch", bytes: sumScratchBytes }],
  weights: () => [],
  emit: (layer, places) => [
    {
      file: "kernels/channel_sums",
      function: "averagePool2dChannels",
      arguments: [...addresses(layer, places), ["sums", places.scratch[0] as number], ...geometry(layer)],
    },
  ],
};

/** The same for the largest. */
const maxChannels: KernelForm<Pool> = {
  name: "max_pool_2d_channels",
  when: "8 channels at least, and an activation that ends at 127",
  applies: ({ channels, clamp }) => channels >= 8 && clamp.maximum === 127,
  cost(layer) {
    const rows = taps(layer.vertical, layer.inputHeight).read;
    const columns = taps(layer.horizontal, layer.inputWidth).read;
    const outputs = layer.vertical.outputs * layer.horizontal.outputs;
    const groups = Math.ceil(layer.channels / 8);
    const perGroup = rows * columns * 17 + rows * layer.horizontal.outputs * 6 + outputs * 10;
    return { opcodes: layer.batches * (groups * perGroup + outputs * 24), bytesMoved: 0 };
  },
  scratch: () => [],
  weights: () => [],
  emit: (layer, places) => [
    {
      file: "kernels/max_pool_channels",
      function: "maxPool2dChannels",
      arguments: [
        ...addresses(layer, places),
        ...geometry(layer).filter(([name]) => name !== "activationMax"),
      ],
    },
  ],
};

function lower(operator: Operator): Pool {
  const x = input(operator, 0);
  const y = output(operator);
  requireType(operator, x, "int8");
  requireType(operator, y, "int8");
  const from = perTensor(operator, x);
  const to = perTensor(operator, y);
  if (from.scale !== to.scale || from.zeroPoint !== to.zeroPoint) {
    throw malformed(operator, "input and output are quantised differently, a pool cannot rescale");
  }
  const [batches, inputHeight, inputWidth, channels] = nhwc(operator, x);
  const [strideHeight, strideWidth] = strides(operator);
  const filterHeight = integerOption(operator, "filterHeight", 1, 1 << 16);
  const filterWidth = integerOption(operator, "filterWidth", 1, 1 << 16);
  const vertical = slide(operator, inputHeight, filterHeight, strideHeight, 1, "rows");
  const horizontal = slide(operator, inputWidth, filterWidth, strideWidth, 1, "columns");
  requireShape(operator, y, [batches, vertical.outputs, horizontal.outputs, channels]);
  return {
    inputs: [x],
    outputs: [y],
    macs: 0,
    parameters: 0,
    batches,
    inputHeight,
    inputWidth,
    channels,
    vertical,
    horizontal,
    clamp: fusedActivation(operator, y),
  };
}

export const averagePool2d = defineOperator({
  name: "AVERAGE_POOL_2D",
  limits: [fourDimensions, sameQuantisation, slidingWindow, fusedActivations],
  lower,
  forms: [plain("average_pool_2d_plain", "averagePool2d", 6, 30), averageChannels],
});

export const maxPool2d = defineOperator({
  name: "MAX_POOL_2D",
  limits: [fourDimensions, sameQuantisation, slidingWindow, fusedActivations],
  lower,
  forms: [plain("max_pool_2d_plain", "maxPool2d", 8, 20), maxChannels],
});
