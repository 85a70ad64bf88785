/** FULLY_CONNECTED: one dot product per output. Kernels: fully_connected.ts, conv_2d.ts for a scale per output. */
import type { Operator, Tensor } from "../../model/graph.js";
import { type ClampRange, fusedActivation } from "../activation.js";
import { biases, channelMultipliers, foldBias, int8Data } from "../filter.js";
import { type QuantizedMultiplier, quantizeMultiplier, shifts } from "../fixed_point.js";
import { defineOperator, type KernelForm, type LoweredLayer } from "../layer.js";
import { input, malformed, optionalInput, output, perTensor, requireType, unsupported } from "../operands.js";
import type { Window } from "../window.js";
import { type Convolution, plain as convolution } from "./conv_2d.js";

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
  readonly multipliers: readonly QuantizedMultiplier[];
}

const recordBytes = (layer: FullyConnected) => (4 + layer.inputDepth + 3) & ~3;

const plain: KernelForm<FullyConnected> = {
  name: "fully_connected_plain",
  applies: (layer) => layer.shared !== null,
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

/** The same layer as a 1×1 convolution: a batch of vectors is a column of pixels. */
function asConvolution(layer: FullyConnected): Convolution {
  const single: Window = { size: 1, stride: 1, dilation: 1, outputs: 1, pad: 0, padded: false };
  return {
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
}

const perOutput: KernelForm<FullyConnected> = {
  name: "fully_connected_per_output",
  applies: (layer) => layer.shared === null,
  cost: (layer, target) => convolution.cost(asConvolution(layer), target),
  scratch: (layer) => convolution.scratch(asConvolution(layer)),
  weights: (layer) => convolution.weights(asConvolution(layer)),
  emit: (layer, places) => convolution.emit(asConvolution(layer), places),
};

function lower(operator: Operator): FullyConnected {
  const x = input(operator, 0);
  const filter = input(operator, 1);
  const y = output(operator);
  requireType(operator, x, "int8");
  requireType(operator, y, "int8");
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
  const inputScale = perTensor(operator, x).scale;
  const outputScale = perTensor(operator, y).scale;
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
    bias: biases(operator, optionalInput(operator, 2), outputDepth),
    // GetQuantizedConvolutionMultipler multiplies the two scales in float32, unlike the convolutions' road.
    shared: perChannel
      ? null
      : quantizeMultiplier(Math.fround(inputScale * perTensor(operator, filter).scale) / outputScale),
    multipliers: perChannel ? channelMultipliers(operator, x, filter, y, outputDepth) : [],
  };
}

export const fullyConnected = defineOperator({ name: "FULLY_CONNECTED", lower, forms: [plain, perOutput] });
