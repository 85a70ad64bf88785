/** SVDF with int8 activations; state and time weights int8 or int16. Kernels: svdf.ts. */
import type { Operator, Tensor } from "../../model/graph.js";
import { typeRange } from "../activation.js";
import { biases, foldBias, int8Data } from "../filter.js";
import { type QuantizedMultiplier, quantizeMultiplier, shifts } from "../fixed_point.js";
import { defineOperator, type KernelForm, type LoweredLayer } from "../layer.js";
import {
  constant,
  input,
  integerOption,
  malformed,
  optionalInput,
  output,
  perTensor,
  requireShape,
  requireType,
  requireVariable,
} from "../operands.js";

interface Svdf extends LoweredLayer {
  readonly x: Tensor;
  readonly state: Tensor;
  readonly batches: number;
  readonly width: number;
  readonly units: number;
  readonly rank: number;
  readonly memory: number;
  readonly features: Int8Array;
  readonly times: readonly number[];
  readonly bias: readonly number[];
  readonly inputZeroPoint: number;
  readonly stateZeroPoint: number;
  readonly outputZeroPoint: number;
  readonly stateMultiplier: QuantizedMultiplier;
  readonly outputMultiplier: QuantizedMultiplier;
}

/** Bytes of one element of the state and of the time weights. */
const stateBytes = (layer: Svdf) => (layer.state.type === "int16" ? 2 : 1);

const recordBytes = (layer: Svdf) => (8 + layer.memory * stateBytes(layer) + layer.width + 3) & ~3;

/** One record per filter, as the kernel documents it. */
function packRecords(layer: Svdf): Uint8Array {
  const { width, rank, memory } = layer;
  const filters = layer.units * rank;
  const stride = recordBytes(layer);
  const bytes = new Uint8Array(stride * filters);
  const view = new DataView(bytes.buffer);
  for (let filter = 0; filter < filters; filter++) {
    const start = filter * stride;
    const features = layer.features.subarray(filter * width, (filter + 1) * width);
    const times = layer.times.slice(filter * memory, (filter + 1) * memory);
    const bias = filter % rank === 0 ? (layer.bias[filter / rank] ?? 0) : 0;
    view.setInt32(start, foldBias(0, features, layer.inputZeroPoint), true);
    view.setInt32(start + 4, foldBias(bias, times, layer.stateZeroPoint), true);
    times.forEach((time, index) => {
      if (stateBytes(layer) === 2) view.setInt16(start + 8 + 2 * index, time, true);
      else view.setInt8(start + 8 + index, time);
    });
    new Int8Array(bytes.buffer).set(features, start + 8 + memory * stateBytes(layer));
  }
  return bytes;
}

const plain: KernelForm<Svdf> = {
  name: "svdf_plain",
  applies: () => true,
  cost(layer) {
    const filters = layer.batches * layer.units * layer.rank;
    return {
      opcodes: 30 + layer.batches * layer.units * 35 + filters * (44 + layer.width * 5 + layer.memory * 7),
      bytesMoved: filters * (recordBytes(layer) + (layer.memory - 1) * stateBytes(layer)),
    };
  },
  scratch: (layer) => [{ kind: "weights", bytes: recordBytes(layer) }],
  weights: (layer) => [packRecords(layer)],
  emit(layer, places) {
    const toState = shifts(layer.stateMultiplier.shift);
    const toOutput = shifts(layer.outputMultiplier.shift);
    const range = typeRange(layer.state.type);
    return [
      {
        file: "kernels/svdf",
        function: "svdf",
        types: [layer.state.type === "int16" ? "i16" : "i8"],
        arguments: [
          ["input", places.address(layer.x)],
          ["output", places.address(layer.outputs[0] as Tensor)],
          ["state", places.address(layer.state)],
          ["weights", places.weights[0] as number],
          ["tile", places.scratch[0] as number],
          ["record", recordBytes(layer)],
          ["batches", layer.batches],
          ["inputs", layer.width],
          ["units", layer.units],
          ["rank", layer.rank],
          ["memorySize", layer.memory],
          ["stateMultiplier", layer.stateMultiplier.multiplier],
          ["stateLeft", toState.left],
          ["stateRight", toState.right],
          ["stateZeroPoint", layer.stateZeroPoint],
          ["stateMin", range.minimum],
          ["stateMax", range.maximum],
          ["outputMultiplier", layer.outputMultiplier.multiplier],
          ["outputLeft", toOutput.left],
          ["outputRight", toOutput.right],
          ["outputZeroPoint", layer.outputZeroPoint],
        ],
      },
    ];
  },
};

/** The time weights, of the state's type. */
function timeWeights(operator: Operator, tensor: Tensor): number[] {
  const data = constant(operator, tensor);
  const view = new DataView(data.buffer, data.byteOffset, data.byteLength);
  return Array.from({ length: tensor.elements }, (_, index) =>
    tensor.type === "int16" ? view.getInt16(2 * index, true) : view.getInt8(index),
  );
}

function lower(operator: Operator): Svdf {
  const x = input(operator, 0);
  const features = input(operator, 1);
  const times = input(operator, 2);
  const bias = optionalInput(operator, 3);
  const state = requireVariable(operator, 4);
  const y = output(operator);
  requireType(operator, x, "int8");
  requireType(operator, y, "int8");
  requireType(operator, state, "int8", "int16");
  requireType(operator, times, state.type);
  const [batches, width] = x.shape;
  const [filters, memory] = times.shape;
  const rank = integerOption(operator, "rank", 1, 1 << 15);
  if (!batches || !width || !filters || !memory || x.shape.length !== 2 || filters % rank !== 0) {
    throw malformed(
      operator,
      `an input of [${x.shape.join(",")}], time weights of [${times.shape.join(",")}], rank ${rank}`,
    );
  }
  const units = filters / rank;
  requireShape(operator, features, [filters, width]);
  requireShape(operator, times, [filters, memory]);
  requireShape(operator, state, [batches, filters * memory]);
  requireShape(operator, y, [batches, units]);
  const from = perTensor(operator, x);
  const kept = perTensor(operator, state);
  const to = perTensor(operator, y);
  const featureScale = perTensor(operator, features).scale;
  const timeScale = perTensor(operator, times).scale;
  // PrepareSvdf in micro/kernels/svdf_common.cc computes both in float32. The fused activation is not applied there.
  const product = (a: number, b: number, divisor: number) => Math.fround(Math.fround(a * b) / divisor);
  return {
    inputs: [x, state],
    outputs: [y],
    macs: batches * filters * (width + memory),
    parameters: features.elements + times.elements + (bias?.elements ?? 0),
    x,
    state,
    batches,
    width,
    units,
    rank,
    memory,
    features: int8Data(operator, features),
    times: timeWeights(operator, times),
    bias: biases(operator, bias, units),
    inputZeroPoint: from.zeroPoint,
    stateZeroPoint: kept.zeroPoint,
    outputZeroPoint: to.zeroPoint,
    stateMultiplier: quantizeMultiplier(product(from.scale, featureScale, kept.scale)),
    outputMultiplier: quantizeMultiplier(product(kept.scale, timeScale, to.scale)),
  };
}

export const svdf = defineOperator({
  name: "SVDF",
  limits: [
    "input of two dimensions; weights and bias constant",
    "time weights of the state's type",
    "the fused activation is not applied, as in TensorFlow Lite Micro",
  ],
  lower,
  forms: [plain],
});
