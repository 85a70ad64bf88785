/**
 * Exact pruning: a convolution on the channels that matter. Trained networks have output channels whose result is the
 * same for every input (all weights zero, or a scale so small that every sum rounds to one value), and input channels
 * that no remaining filter weighs. Both are known at compile time. The live input channels are gathered close together,
 * the smaller convolution runs in any three-lane form, and its results are scattered among the constants: not a bit
 * changes. Kernels: channels.ts, and those of lanes.ts.
 */
import type { Tensor } from "../model/graph.js";
import { foldBias } from "./filter.js";
import { multiplyByQuantizedMultiplier, type QuantizedMultiplier } from "./fixed_point.js";
import { sumRange } from "./lane_constants.js";
import { lanesForms } from "./lanes.js";
import type { KernelCall, KernelForm, Places } from "./layer.js";
import type { Convolution } from "./sliding_filter.js";
import { zeroSkippingForms } from "./zero_skipping.js";

/** Offered where at most this share of the products is left; gathering and scattering cost something too. */
const worthwhile = 0.8;
/** A word of the lanes. */
const fewestOutputs = 3;

interface Live {
  readonly inputs: readonly number[];
  readonly outputs: readonly number[];
  /** The byte of every output channel where it is constant, 0 elsewhere. */
  readonly row: Uint8Array;
  /** The convolution on live channels only. */
  readonly reduced: Convolution;
}

const found = new WeakMap<Convolution, Live | null>();

/** What is left of a layer, or null where too much is. */
function liveChannels(layer: Convolution): Live | null {
  let live = found.get(layer);
  if (live === undefined) {
    live = computeLive(layer);
    found.set(layer, live);
  }
  return live;
}

/**
 * The clamped value of a channel that does not depend on its input, or null. Requantisation never falls as the sum
 * grows, so equal at both ends of the sum's range is equal throughout.
 */
function constantOutput(layer: Convolution, channel: number): number | null {
  const weights = layer.filters[channel] ?? new Int8Array();
  const bias = foldBias(layer.bias[channel] ?? 0, weights, layer.inputZeroPoint);
  const multiplier = layer.multipliers[channel] as QuantizedMultiplier;
  const { lowest, highest } = sumRange(weights);
  const scale = 2 ** Math.max(multiplier.shift, 0);
  // Beyond int32 TensorFlow Lite wraps, and nothing is monotonic any more.
  if (Math.max(Math.abs(bias + lowest), Math.abs(bias + highest)) * scale >= 2 ** 31) return null;
  const value = (sum: number) => {
    const scaled = multiplyByQuantizedMultiplier(bias + sum, multiplier) + layer.outputZeroPoint;
    return Math.min(Math.max(scaled, layer.clamp.minimum), layer.clamp.maximum);
  };
  return value(lowest) === value(highest) ? value(lowest) : null;
}

function computeLive(layer: Convolution): Live | null {
  const { inputChannels, outputChannels } = layer;
  if (layer.inputs[0]?.type !== "int8" || layer.filterChannels !== inputChannels) return null;
  if (outputChannels < fewestOutputs) return null;
  const constants = layer.filters.map((_, channel) => constantOutput(layer, channel));
  const outputs = constants.flatMap((value, channel) => (value === null ? [channel] : []));
  // A word has three channels: constant ones fill it up.
  for (let channel = 0; outputs.length < fewestOutputs; channel++) {
    if (!outputs.includes(channel)) outputs.push(channel);
  }
  outputs.sort((a, b) => a - b);
  const weighs = (input: number) =>
    outputs.some((output) => {
      const filter = layer.filters[output] as Int8Array;
      for (let tap = input; tap < filter.length; tap += inputChannels) if (filter[tap] !== 0) return true;
      return false;
    });
  const inputs = Array.from({ length: inputChannels }, (_, input) => input).filter(weighs);
  if (inputs.length === 0) inputs.push(0);
  if (inputs.length * outputs.length > worthwhile * inputChannels * outputChannels) return null;
  const isLive = new Set(inputs);
  return {
    inputs,
    outputs,
    row: Uint8Array.from(constants, (value) => (value ?? 0) & 0xff),
    reduced: {
      ...layer,
      inputChannels: inputs.length,
      filterChannels: inputs.length,
      outputChannels: outputs.length,
      filters: outputs.map((output) =>
        (layer.filters[output] as Int8Array).filter((_, tap) => isLive.has(tap % inputChannels)),
      ),
      bias: outputs.map((output) => layer.bias[output] ?? 0),
      multipliers: outputs.map((output) => layer.multipliers[output] as QuantizedMultiplier),
    },
  };
}

const inputPixels = (layer: Convolution) => layer.batches * layer.inputHeight * layer.inputWidth;
const outputPixels = (layer: Convolution) =>
  layer.batches * layer.vertical.outputs * layer.horizontal.outputs;

/** Both lists, then the row of constants. */
function packLists({ inputs, outputs, row }: Live): Uint8Array {
  const lists = Uint16Array.from([...inputs, ...outputs]);
  return Uint8Array.from([...new Uint8Array(lists.buffer), ...row]);
}

/** A lane form on the live channels. Its own scratch comes first, then the lists and both smaller images. */
function onLiveChannels(form: KernelForm<Convolution>): KernelForm<Convolution> {
  return {
    name: `${form.name}_live`,
    when: `as the same without _live, and at most ${100 * worthwhile} % of the products matter: the others' channels never change`,
    applies(layer, target) {
      const live = liveChannels(layer);
      return live !== null && form.applies(live.reduced, target);
    },
    generated: (layer) => form.generated?.((liveChannels(layer) as Live).reduced) ?? "",
    codeBytes: (layer) => form.codeBytes?.((liveChannels(layer) as Live).reduced) ?? 0,
    cost(layer, target) {
      const { inputs, outputs, reduced } = liveChannels(layer) as Live;
      const cost = form.cost(reduced, target);
      const gather = inputPixels(layer) * (6 + inputs.length * 8);
      const scatter = outputPixels(layer) * (8 + outputs.length * 9);
      return {
        opcodes: cost.opcodes + gather + scatter,
        bytesMoved: cost.bytesMoved + outputPixels(layer) * layer.outputChannels,
      };
    },
    scratch(layer) {
      const live = liveChannels(layer) as Live;
      return [
        ...form.scratch(live.reduced),
        { kind: "weights", bytes: packLists(live).length },
        { kind: "scratch", bytes: inputPixels(layer) * live.inputs.length },
        { kind: "scratch", bytes: outputPixels(layer) * live.outputs.length },
      ];
    },
    weights(layer) {
      const live = liveChannels(layer) as Live;
      return [...form.weights(live.reduced), packLists(live)];
    },
    emit: (layer, places) => emitLive(form, layer, places),
  };
}

function emitLive(form: KernelForm<Convolution>, layer: Convolution, places: Places): KernelCall[] {
  const live = liveChannels(layer) as Live;
  const [lists, smallInput, smallOutput] = places.scratch.slice(-3) as [number, number, number];
  const [input, output] = [layer.inputs[0] as Tensor, layer.outputs[0] as Tensor];
  const outputList = lists + live.inputs.length * 2;
  return [
    {
      file: "weights",
      function: "fetchWeights",
      arguments: [
        ["destination", lists],
        ["offset", places.weights.at(-1) as number],
        ["length", packLists(live).length],
      ],
    },
    {
      file: "kernels/channels",
      function: "gatherChannels",
      arguments: [
        ["input", places.address(input)],
        ["output", smallInput],
        ["pixels", inputPixels(layer)],
        ["channels", layer.inputChannels],
        ["list", lists],
        ["count", live.inputs.length],
      ],
    },
    ...form.emit(live.reduced, {
      ...places,
      address: (tensor) =>
        tensor === input ? smallInput : tensor === output ? smallOutput : places.address(tensor),
    }),
    {
      file: "kernels/channels",
      function: "scatterChannels",
      arguments: [
        ["input", smallOutput],
        ["output", places.address(output)],
        ["pixels", outputPixels(layer)],
        ["channels", layer.outputChannels],
        ["list", outputList],
        ["count", live.outputs.length],
        ["row", outputList + live.outputs.length * 2],
      ],
    },
  ];
}

/** Every lane form once more, on live channels. */
export const liveForms: readonly KernelForm<Convolution>[] = [...lanesForms, ...zeroSkippingForms].map(
  onLiveChannels,
);
