/**
 * DEPTHWISE_CONV_2D: each input channel under filters of its own. Kernels: depthwise_conv_2d.ts,
 * depthwise_conv_2d_int16.ts, and the strip forms of depthwise_strips.ts.
 */
import type { Operator } from "../../model/graph.js";
import { constantWeightsForms } from "../constant_weights.js";
import { depthwiseForms } from "../depthwise_strips.js";
import { lanesForms } from "../lanes.js";
import { defineOperator, mapForm } from "../layer.js";
import { filterQuantisation, fourDimensions, fusedActivations, int16Sums, slidingWindow } from "../limits.js";
import { input, malformed, nhwc } from "../operands.js";
import {
  type Convolution,
  type DepthwiseConvolution,
  lowerSlidingFilter,
  plainForms,
} from "../sliding_filter.js";
import { taps } from "../window.js";

const { int8, int16 } = plainForms<DepthwiseConvolution>({
  file: "depthwise_conv_2d",
  function: "depthwiseConv2d",
  channels: (layer) => [["depthMultiplier", layer.depthMultiplier]],
  int8Opcodes(layer) {
    const { vertical, horizontal, batches, outputChannels } = layer;
    const rows = taps(vertical, layer.inputHeight);
    const columns = taps(horizontal, layer.inputWidth);
    const outputs = batches * vertical.outputs * horizontal.outputs;
    const inside = batches * rows.inside * columns.inside;
    const size = vertical.size * horizontal.size;
    const borderTaps = batches * rows.read * columns.read - inside * size;
    return (
      outputChannels *
      (60 +
        size * 5 +
        outputs * 38 +
        inside * (22 + vertical.size * 8 + size * 8) +
        (outputs - inside) * (14 + vertical.size * 9 + size * 10) +
        borderTaps * 10)
    );
  },
  int16Opcodes(layer) {
    const { vertical, horizontal, batches, outputChannels } = layer;
    const size = vertical.size * horizontal.size;
    const outputs = batches * vertical.outputs * horizontal.outputs;
    const read = batches * taps(vertical, layer.inputHeight).read * taps(horizontal, layer.inputWidth).read;
    return outputChannels * (30 + outputs * (34 + vertical.size * 8 + size * 9) + read * 12);
  },
});

function lower(operator: Operator): DepthwiseConvolution {
  const filter = input(operator, 1);
  const [, , , inputChannels] = nhwc(operator, input(operator, 0));
  const [one, kernelHeight, kernelWidth, outputChannels] = nhwc(operator, filter);
  if (one !== 1 || outputChannels % inputChannels !== 0) {
    throw malformed(
      operator,
      `the filter's shape [${filter.shape.join(",")}] does not fit ${inputChannels} channels`,
    );
  }
  const size = kernelHeight * kernelWidth;
  // The file interleaves channels; the kernel wants each channel's filter in one piece.
  const layer = lowerSlidingFilter(operator, { kernelHeight, kernelWidth, outputChannels }, (weights) =>
    Array.from({ length: outputChannels }, (_, channel) =>
      Int8Array.from({ length: size }, (_, tap) => weights[tap * outputChannels + channel] as number),
    ),
  );
  return { ...layer, depthMultiplier: outputChannels / inputChannels };
}

const convolutions = new WeakMap<DepthwiseConvolution, Convolution>();

/** With one input channel it is an ordinary convolution: every filter sees that channel. */
function asConvolution(layer: DepthwiseConvolution): Convolution {
  let found = convolutions.get(layer);
  if (!found) {
    found = { ...layer, filterChannels: 1 };
    convolutions.set(layer, found);
  }
  return found;
}

const ofOneChannel = [...lanesForms, ...constantWeightsForms].map((form) =>
  mapForm(form, (layer: DepthwiseConvolution) => layer.inputChannels === 1, asConvolution),
);

export const depthwiseConv2d = defineOperator({
  name: "DEPTHWISE_CONV_2D",
  limits: [fourDimensions, filterQuantisation, slidingWindow, fusedActivations, int16Sums],
  lower,
  forms: [int8, int16, ...depthwiseForms, ...ofOneChannel],
});
