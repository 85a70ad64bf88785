/** MEAN and SUM over constant axes. Kernels: mean.ts, channel_sums.ts. */
import type { Operator } from "../../model/graph.js";
import { rowsOf, sumEightOpcodes, sumScratchBytes, sumsChannels } from "../channel_sums.js";
import type { Loop } from "../dimensions.js";
import { type QuantizedMultiplier, quantizeMultiplier, shifts } from "../fixed_point.js";
import { type Argument, defineOperator, type KernelForm } from "../layer.js";
import { constantAxes } from "../limits.js";
import { perTensor } from "../operands.js";
import { lowerReduction, type Reduction, reductionArguments, reductionCost } from "../reduction.js";

interface Mean extends Reduction {
  readonly inputZeroPoint: number;
  readonly outputZeroPoint: number;
  readonly multiplier: QuantizedMultiplier;
}

const plain: KernelForm<Mean> = {
  name: "mean_plain",
  applies: () => true,
  cost: (layer) => reductionCost(layer, 32, 7),
  scratch: () => [],
  weights: () => [],
  emit: (layer, places) => [
    {
      file: "kernels/mean",
      function: "mean",
      arguments: [...reductionArguments(layer, places), ...requantisation(layer)],
    },
  ],
};

function requantisation(layer: Mean): Argument[] {
  const { left, right } = shifts(layer.multiplier.shift);
  return [
    ["offset", layer.count * layer.inputZeroPoint],
    ["multiplier", layer.multiplier.multiplier],
    ["left", left],
    ["right", right],
    ["outputZeroPoint", layer.outputZeroPoint],
  ];
}

/** The loops as rows of elements over which a row of channels is summed up, or null where they are not so. */
function channelLoops(layer: Mean) {
  const [outer0, outer1, channels] = layer.kept as [Loop, Loop, Loop];
  const rows = rowsOf(layer.reduced);
  if (!rows || channels.steps[0] !== 1 || !sumsChannels(channels.size, rows.width)) return null;
  return { outer0, outer1, channels: channels.size, ...rows };
}

/** Eight channels at once. */
const byChannels: KernelForm<Mean> = {
  name: "mean_channels",
  when: "the innermost dimension stays and has 8 elements at least; two separate dimensions go at most, the inner one of 256 at most",
  applies: (layer) => channelLoops(layer) !== null,
  cost(layer) {
    const loops = channelLoops(layer);
    if (!loops) return plain.cost(layer, { board: null });
    const windows = loops.outer0.size * loops.outer1.size;
    const groups = Math.ceil(loops.channels / 8);
    const rows = windows * loops.rows;
    const sums = sumEightOpcodes({ windows, rows, pixels: rows * loops.width });
    return {
      opcodes: groups * (sums + windows * (8 * 34 + 7)) + windows * 12,
      bytesMoved: windows * groups * sumScratchBytes,
    };
  },
  scratch: () => [{ kind: "scratch", bytes: sumScratchBytes }],
  weights: () => [],
  emit(layer, places) {
    const loops = channelLoops(layer);
    if (!loops) return plain.emit(layer, places);
    return [
      {
        file: "kernels/channel_sums",
        function: "meanChannels",
        arguments: [
          ["input", places.address(layer.input)],
          ["output", places.address(layer.output)],
          ["sums", places.scratch[0] as number],
          ["outer0", loops.outer0.size],
          ["outer1", loops.outer1.size],
          ["outerStep0", loops.outer0.steps[0] as number],
          ["outerStep1", loops.outer1.steps[0] as number],
          ["channels", loops.channels],
          ["rows", loops.rows],
          ["width", loops.width],
          ["rowStep", loops.rowStep],
          ["pixelStep", loops.pixelStep],
          ...requantisation(layer),
        ],
      },
    ];
  },
};

/** QuantizedMeanOrSum in reference/reduce.h: for a mean, 1/count goes into the multiplier, as many bits as fit. */
function lower(operator: Operator, divide: boolean): Mean {
  const layer = lowerReduction(operator);
  const from = perTensor(operator, layer.input);
  const to = perTensor(operator, layer.output);
  const real = quantizeMultiplier(from.scale / to.scale);
  const divisor = divide ? layer.count : 1;
  const extra = Math.min(Math.floor(Math.log2(divisor)), 32, 31 + real.shift);
  return {
    ...layer,
    inputZeroPoint: from.zeroPoint,
    outputZeroPoint: to.zeroPoint,
    multiplier: {
      multiplier: Number((BigInt(real.multiplier) << BigInt(extra)) / BigInt(divisor)),
      shift: real.shift - extra,
    },
  };
}

export const mean = defineOperator({
  name: "MEAN",
  limits: [constantAxes],
  lower: (operator) => lower(operator, true),
  forms: [plain, byChannels],
});

export const sum = defineOperator({
  name: "SUM",
  limits: [constantAxes],
  lower: (operator) => lower(operator, false),
  forms: [plain, byChannels],
});
