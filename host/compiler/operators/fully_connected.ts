/** FULLY_CONNECTED: one dot product per output. Kernels: fully_connected.ts; as a 1×1 convolution the others. */
import type { Operator, Tensor } from "../../model/graph.js";
import { type ClampRange, fusedActivation } from "../activation.js";
import { columnsForms } from "../columns.js";
import { constantWeightsForms } from "../constant_weights.js";
import { biases, channelMultipliers, foldBias, int8Data } from "../filter.js";
import { requireInt16 } from "../filter_int16.js";
import { type QuantizedMultiplier, quantizeMultiplier, shifts } from "../fixed_point.js";
import { lanesForms } from "../lanes.js";
import { defineOperator, type KernelForm, type LoweredLayer, mapForm } from "../layer.js";
import { filterQuantisation, fusedActivations, int16Sums } from "../limits.js";
import { input, malformed, optionalInput, output, perTensor, requireType, unsupported } from "../operands.js";

import { quads } from "../quads.js";
import { type Convolution, isInt16 } from "../sliding_filter.js";
import type { Window } from "../window.js";
import { plain as convolution, int16 as int16Convolution } from "./conv_2d.js";

interface FullyConnected extends LoweredLayer {
  readonly batches: number;
  readonly inputDepth: number;
  readonly outputDepth: number;
  readonly inputZeroPoint: number;
  readonly outputZeroPoint: number;
  readonly clamp: ClampRange;
  readonly filters: readonly Int8Array[];
  readonly bias: readonly number[];
  /** One for all outputs, or null where each output has its own. */
  readonly shared: QuantizedMultiplier | null;
  /** One per output, equal ones where they are shared. */
  readonly multipliers: readonly QuantizedMultiplier[];
  /** false where int16 activations are summed up in 64 bits. */
  readonly int32Sums: boolean;
}

const recordBytes = (layer: FullyConnected) => (4 + layer.inputDepth + 3) & ~3;

const plain: KernelForm<FullyConnected> = {
  name: "fully_connected_plain",
  when: "int8, one scale for all weights",
  applies: (layer) => !isInt16(layer) && layer.shared !== null,
  cost(layer) {
    const dot = Math.floor(layer.inputDepth / 4) * 20 + (layer.inputDepth % 4) * 8;
    return {
      opcodes: layer.outputDepth * (16 + layer.batches * (40 + dot)),
      bytesMoved: layer.outputDepth * recordBytes(layer),
    };
  },
  scratch: (layer) => [{ kind: "weights", bytes: recordBytes(layer) }],
  weights(layer) {
    const stride = recordBytes(layer);
    const bytes = new Uint8Array(stride * layer.outputDepth);
    const view = new DataView(bytes.buffer);
    layer.filters.forEach((weights, index) => {
      view.setInt32(index * stride, foldBias(layer.bias[index] ?? 0, weights, layer.inputZeroPoint), true);
      bytes.set(new Uint8Array(weights.buffer, weights.byteOffset, weights.length), index * stride + 4);
    });
    return [bytes];
  },
  emit(layer, places) {
    const { multiplier, shift } = layer.shared as QuantizedMultiplier;
    const { left, right } = shifts(shift);
    return [
      {
        file: "kernels/fully_connected",
        function: "fullyConnected",
        arguments: [
          ["input", places.address(layer.inputs[0] as Tensor)],
          ["output", places.address(layer.outputs[0] as Tensor)],
          ["weights", places.weights[0] as number],
          ["tile", places.scratch[0] as number],
          ["batches", layer.batches],
          ["inputDepth", layer.inputDepth],
          ["outputDepth", layer.outputDepth],
          ["multiplier", multiplier],
          ["left", left],
          ["right", right],
          ["outputZeroPoint", layer.outputZeroPoint],
          ["activationMin", layer.clamp.minimum],
          ["activationMax", layer.clamp.maximum],
        ],
      },
    ];
  },
};

const single: Window = { size: 1, stride: 1, dilation: 1, outputs: 1, pad: 0, padded: false };

const convolutions = new WeakMap<FullyConnected, Convolution>();

/** The same layer as a 1×1 convolution: a batch of vectors is a column of pixels. */
function asConvolution(layer: FullyConnected): Convolution {
  let found = convolutions.get(layer);
  if (!found) {
    found = {
      ...layer,
      batches: 1,
      inputHeight: layer.batches,
      inputWidth: 1,
      inputChannels: layer.inputDepth,
      outputChannels: layer.outputDepth,
      filterChannels: layer.inputDepth,
      vertical: { ...single, outputs: layer.batches },
      horizontal: single,
    };
    convolutions.set(layer, found);
  }
  return found;
}

const perOutput: KernelForm<FullyConnected> = {
  ...mapForm(convolution, (layer: FullyConnected) => layer.shared === null, asConvolution),
  name: "fully_connected_per_output",
  when: "int8, a scale per output",
};

const int16: KernelForm<FullyConnected> = {
  ...mapForm(int16Convolution, isInt16, asConvolution),
  name: "fully_connected_int16",
};

const asWords = [...lanesForms, ...constantWeightsForms, ...columnsForms, quads].map((form) =>
  mapForm(form, (layer: FullyConnected) => !isInt16(layer), asConvolution),
);

function lower(operator: Operator): FullyConnected {
  const x = input(operator, 0);
  const filter = input(operator, 1);
  const y = output(operator);
  requireType(operator, x, "int8", "int16");
  requireType(operator, y, x.type);
  const format = operator.options.fields.weightsFormat;
  if (format !== undefined && format !== "DEFAULT") {
    throw unsupported(operator, `weights format ${format}`, "Convert the model with default weights.");
  }
  const [outputDepth, inputDepth] = filter.shape;
  if (filter.shape.length !== 2 || !outputDepth || !inputDepth || x.elements % inputDepth !== 0) {
    throw malformed(
      operator,
      `a filter of shape [${filter.shape.join(",")}] for an input of [${x.shape.join(",")}]`,
    );
  }
  const batches = x.elements / inputDepth;
  if (y.elements !== batches * outputDepth) {
    throw malformed(
      operator,
      `the output has ${y.elements} elements where ${batches * outputDepth} follow from the inputs`,
    );
  }
  const weights = int8Data(operator, filter);
  const perChannel = (filter.quantisation?.scales.length ?? 1) > 1;
  // GetQuantizedConvolutionMultipler multiplies the two scales in float32, unlike the convolutions' road.
  const shared = perChannel
    ? null
    : quantizeMultiplier(
        Math.fround(perTensor(operator, x).scale * perTensor(operator, filter).scale) /
          perTensor(operator, y).scale,
      );
  const multipliers = shared
    ? new Array<QuantizedMultiplier>(outputDepth).fill(shared)
    : channelMultipliers(operator, x, filter, y, outputDepth);
  const biasTensor = optionalInput(operator, 2);
  const bias = biases(operator, biasTensor, outputDepth, x.type === "int16");
  if (x.type === "int16") requireInt16(operator, [x, y], bias, multipliers);
  return {
    inputs: [x],
    outputs: [y],
    macs: y.elements * inputDepth,
    parameters: filter.elements + outputDepth,
    batches,
    inputDepth,
    outputDepth,
    inputZeroPoint: perTensor(operator, x).zeroPoint,
    outputZeroPoint: perTensor(operator, y).zeroPoint,
    clamp: fusedActivation(operator, y),
    filters: Array.from({ length: outputDepth }, (_, index) =>
      weights.subarray(index * inputDepth, (index + 1) * inputDepth),
    ),
    bias,
    shared,
    multipliers,
    int32Sums: x.type === "int8" || biasTensor?.type === "int32",
  };
}

export const fullyConnected = defineOperator({
  name: "FULLY_CONNECTED",
  limits: ["filter of two dimensions in the default format", filterQuantisation, fusedActivations, int16Sums],
  lower,
  forms: [plain, perOutput, int16, ...asWords],
});
