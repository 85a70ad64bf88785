/**
 * CONV_2D: Σ over the window and all input channels, one filter per output channel. Kernels: conv_2d.ts,
 * conv_2d_int16.ts, and the three-lane forms of lanes.ts.
 */
import type { Operator } from "../../model/graph.js";
import { constantWeightsForms } from "../constant_weights.js";
import { lanesForms } from "../lanes.js";
import { defineOperator } from "../layer.js";
import { filterQuantisation, fourDimensions, fusedActivations, int16Sums, slidingWindow } from "../limits.js";
import { liveForms } from "../live_channels.js";
import { input, malformed, nhwc } from "../operands.js";
import { type Convolution, lowerSlidingFilter, plainForms } from "../sliding_filter.js";
import { taps } from "../window.js";
import { zeroSkippingForms, zeroSkippingInPlaceForms } from "../zero_skipping.js";
import { sweepForms } from "../zero_skipping_sweep.js";

const { int8, int16 } = plainForms<Convolution>({
  file: "conv_2d",
  function: "conv2d",
  channels: (layer) => [
    ["outputChannels", layer.outputChannels],
    ["filterChannels", layer.filterChannels],
    ["groupOutputs", (layer.outputChannels * layer.filterChannels) / layer.inputChannels],
  ],
  int8Opcodes(layer) {
    const { vertical, horizontal, filterChannels, outputChannels, batches } = layer;
    const rows = taps(vertical, layer.inputHeight);
    const columns = taps(horizontal, layer.inputWidth);
    const size = vertical.size * horizontal.size;
    const outputs = batches * vertical.outputs * horizontal.outputs;
    const inside = batches * rows.inside * columns.inside;
    const border = outputs - inside;
    const dense = horizontal.dilation === 1 && filterChannels === layer.inputChannels;
    const run = dense ? horizontal.size * filterChannels : filterChannels;
    const runs = dense ? vertical.size : size;
    const insideCost = 23 + runs * (18 + Math.floor(run / 4) * 20 + (run % 4) * 8);
    const borderCost = border * (14 + vertical.size * 9 + size * 9);
    const borderTaps = batches * rows.read * columns.read - inside * size;
    return (
      outputChannels *
      (60 +
        size * filterChannels * 5 +
        outputs * 38 +
        inside * insideCost +
        borderCost +
        borderTaps * (8 + filterChannels * 9))
    );
  },
  int16Opcodes(layer) {
    const { vertical, horizontal, filterChannels, outputChannels, batches } = layer;
    const size = vertical.size * horizontal.size;
    const outputs = batches * vertical.outputs * horizontal.outputs;
    const read = batches * taps(vertical, layer.inputHeight).read * taps(horizontal, layer.inputWidth).read;
    const dot = 18 + Math.floor(filterChannels / 4) * 21 + (filterChannels % 4) * 9;
    return outputChannels * (30 + outputs * (34 + vertical.size * 8 + size * 9) + read * dot);
  },
});

export { int8 as plain, int16 };

function lower(operator: Operator): Convolution {
  const [, , , inputChannels] = nhwc(operator, input(operator, 0));
  const [outputChannels, kernelHeight, kernelWidth, filterChannels] = nhwc(operator, input(operator, 1));
  const groups = inputChannels / filterChannels;
  if (!Number.isInteger(groups) || outputChannels % groups !== 0) {
    throw malformed(
      operator,
      `filters of ${filterChannels} channels do not divide ${inputChannels} input and ${outputChannels} output channels`,
    );
  }
  const size = kernelHeight * kernelWidth * filterChannels;
  const layer = lowerSlidingFilter(operator, { kernelHeight, kernelWidth, outputChannels }, (weights) =>
    Array.from({ length: outputChannels }, (_, channel) =>
      weights.subarray(channel * size, (channel + 1) * size),
    ),
  );
  return { ...layer, filterChannels };
}

export const conv2d = defineOperator({
  name: "CONV_2D",
  limits: [fourDimensions, filterQuantisation, slidingWindow, fusedActivations, int16Sums],
  lower,
  forms: [
    int8,
    int16,
    ...lanesForms,
    ...constantWeightsForms,
    ...zeroSkippingForms,
    ...zeroSkippingInPlaceForms,
    ...sweepForms,
    ...liveForms,
  ],
});
