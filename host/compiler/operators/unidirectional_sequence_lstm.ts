/**
 * UNIDIRECTIONAL_SEQUENCE_LSTM with int8 activations and an int16 cell state: four gates, without peepholes,
 * projection and layer normalisation, as TensorFlow Lite Micro has it. Kernels: lstm.ts.
 */
import type { Operator, Tensor } from "../../model/graph.js";
import { biases, foldBias, int8Data } from "../filter.js";
import { type QuantizedMultiplier, quantizeMultiplier, shifts } from "../fixed_point.js";
import { defineOperator, type KernelForm, type LoweredLayer } from "../layer.js";
import {
  input,
  malformed,
  optionalInput,
  output,
  perTensor,
  requireShape,
  requireType,
  requireVariable,
  unsupported,
} from "../operands.js";
import { sigmoidTable } from "../sigmoid_table.js";

/** Positions of the inputs (micro/kernels/lstm_shared.h), gates in the order of the kernel's record. */
const gateInputs = [
  { input: 2, recurrent: 6, bias: 13 },
  { input: 1, recurrent: 5, bias: 12 },
  { input: 3, recurrent: 7, bias: 14 },
  { input: 4, recurrent: 8, bias: 15 },
] as const;
const hiddenInput = 18;
const cellInput = 19;
/** Peepholes, projection, layer normalisation. */
const variants = [9, 10, 11, 16, 17, 20, 21, 22, 23];

/** Sums before an activation are in Q3.12, results of sigmoid and tanh in Q0.15. */
const gateScale = 2 ** -12;
const activationScale = 2 ** -15;

interface Gate {
  readonly inputWeights: Int8Array;
  readonly recurrentWeights: Int8Array;
  readonly bias: readonly number[];
  readonly inputMultiplier: QuantizedMultiplier;
  readonly recurrentMultiplier: QuantizedMultiplier;
}

interface Lstm extends LoweredLayer {
  readonly x: Tensor;
  readonly hidden: Tensor;
  readonly cell: Tensor;
  readonly timeMajor: boolean;
  readonly batches: number;
  readonly steps: number;
  readonly width: number;
  readonly units: number;
  readonly gates: readonly Gate[];
  readonly inputZeroPoint: number;
  readonly hiddenZeroPoint: number;
  readonly forgetMultiplier: QuantizedMultiplier;
  readonly writeMultiplier: QuantizedMultiplier;
  readonly hiddenMultiplier: QuantizedMultiplier;
  readonly cellFactor: number;
  readonly cellShift: number;
  readonly cellClip: number;
}

/** Bytes of one gate in a record, a multiple of 4. */
const gateBytes = ({ width, units }: Lstm) => (8 + width + units + 3) & ~3;

/** One record per unit, as the kernel documents it. */
function packRecords(layer: Lstm): Uint8Array {
  const { width, units } = layer;
  const stride = gateBytes(layer);
  const bytes = new Uint8Array(4 * stride * units);
  const view = new DataView(bytes.buffer);
  const signed = new Int8Array(bytes.buffer);
  for (let unit = 0; unit < units; unit++) {
    layer.gates.forEach((gate, index) => {
      const start = (4 * unit + index) * stride;
      const inputWeights = gate.inputWeights.subarray(unit * width, (unit + 1) * width);
      const recurrentWeights = gate.recurrentWeights.subarray(unit * units, (unit + 1) * units);
      view.setInt32(start, foldBias(gate.bias[unit] ?? 0, inputWeights, layer.inputZeroPoint), true);
      view.setInt32(start + 4, foldBias(0, recurrentWeights, layer.hiddenZeroPoint), true);
      signed.set(inputWeights, start + 8);
      signed.set(recurrentWeights, start + 8 + width);
    });
  }
  return bytes;
}

/** The sigmoid table and the gates' multipliers, as the kernel documents them. */
function packConstants(layer: Lstm): Uint8Array {
  const bytes = new Uint8Array(512 + 4 * 24);
  const view = new DataView(bytes.buffer);
  for (const [index, value] of sigmoidTable.entries()) view.setUint16(2 * index, value, true);
  layer.gates.forEach((gate, index) => {
    [gate.inputMultiplier, gate.recurrentMultiplier].forEach(({ multiplier, shift }, side) => {
      const { left, right } = shifts(shift);
      [multiplier, left, right].forEach((value, word) => {
        view.setInt32(512 + 24 * index + 12 * side + 4 * word, value, true);
      });
    });
  });
  return bytes;
}

const plain: KernelForm<Lstm> = {
  name: "lstm_plain",
  applies: () => true,
  cost(layer) {
    const units = layer.batches * layer.steps * layer.units;
    return {
      opcodes: 40 + units * 530 + layer.macs * 5,
      bytesMoved: 608 + units * (4 * gateBytes(layer) + 1),
    };
  },
  scratch: (layer) => [
    { kind: "weights", bytes: 4 * gateBytes(layer) },
    { kind: "weights", bytes: 608 },
  ],
  weights: (layer) => [packRecords(layer), packConstants(layer)],
  emit(layer, places) {
    const { batches, steps, width, units, timeMajor } = layer;
    const scaled = (name: string, { multiplier, shift }: QuantizedMultiplier) => {
      const { left, right } = shifts(shift);
      return [
        [`${name}Multiplier`, multiplier],
        [`${name}Left`, left],
        [`${name}Right`, right],
      ] as const;
    };
    return [
      {
        file: "kernels/lstm",
        function: "lstm",
        arguments: [
          ["input", places.address(layer.x)],
          ["output", places.address(layer.outputs[0] as Tensor)],
          ["hidden", places.address(layer.hidden)],
          ["cell", places.address(layer.cell)],
          ["weights", places.weights[0] as number],
          ["tile", places.scratch[0] as number],
          ["constantWeights", places.weights[1] as number],
          ["constants", places.scratch[1] as number],
          ["gateBytes", gateBytes(layer)],
          ["batches", batches],
          ["steps", steps],
          ["inputs", width],
          ["units", units],
          ["inputBatch", timeMajor ? width : steps * width],
          ["inputStep", timeMajor ? batches * width : width],
          ["outputBatch", timeMajor ? units : steps * units],
          ["outputStep", timeMajor ? batches * units : units],
          ...scaled("forget", layer.forgetMultiplier),
          ...scaled("input", layer.writeMultiplier),
          ...scaled("hidden", layer.hiddenMultiplier),
          ["hiddenZeroPoint", layer.hiddenZeroPoint],
          ["cellFactor", layer.cellFactor],
          ["cellShift", layer.cellShift],
          ["cellClip", layer.cellClip],
        ],
      },
    ];
  },
};

/** The int8 weights of a gate, quantised as a whole around 0, of the shape [units, columns]. */
function gateWeights(
  operator: Operator,
  index: number,
  units: number,
  columns: number,
): { data: Int8Array; scale: number } {
  const tensor = input(operator, index);
  requireShape(operator, tensor, [units, columns]);
  const { scale, zeroPoint } = perTensor(operator, tensor);
  if (zeroPoint !== 0) throw malformed(operator, `the zero point of tensor '${tensor.name}' is not 0`);
  return { data: int8Data(operator, tensor), scale };
}

/** The exponent of a cell state's scale, which must be a power of two below 1. */
function cellExponent(operator: Operator, scale: number): number {
  const exponent = Math.log2(scale);
  if (Number.isInteger(exponent) && exponent >= -15 && exponent < 0) return exponent;
  throw unsupported(
    operator,
    `the cell state's scale is ${scale}, not a power of two`,
    "TensorFlow Lite's converter makes it one; convert the model with its int8 quantisation.",
  );
}

/** min(clip / scale, 32767), truncated; where nothing is clipped, more than any state. */
function quantisedClip(operator: Operator, scale: number): number {
  const clip = Number(operator.options.fields.cellClip ?? 0);
  if (!(clip >= 0)) throw malformed(operator, `the cell is clipped at ${clip}`);
  return clip === 0 ? 32768 : Math.trunc(Math.min(clip / scale, 32767));
}

function requirePlain(operator: Operator): void {
  const variant = variants.find((index) => optionalInput(operator, index) !== null);
  if (variant !== undefined || operator.options.fields.diagonalRecurrentTensors === true) {
    throw unsupported(
      operator,
      "peepholes, a projection, layer normalisation or diagonal recurrent weights",
      "Use a plain LSTM (tf.keras.layers.LSTM with its defaults).",
    );
  }
  if (operator.options.fields.fusedActivation !== "TANH") {
    throw unsupported(
      operator,
      "an activation other than tanh",
      "Use tf.keras.layers.LSTM with its defaults.",
    );
  }
}

function lower(operator: Operator): Lstm {
  requirePlain(operator);
  const x = input(operator, 0);
  const y = output(operator);
  const hidden = requireVariable(operator, hiddenInput);
  const cell = requireVariable(operator, cellInput);
  for (const tensor of [x, y, hidden]) requireType(operator, tensor, "int8");
  requireType(operator, cell, "int16");
  const [first, second, width] = x.shape;
  const units = hidden.shape.at(-1);
  if (x.shape.length !== 3 || !first || !second || !width || !units) {
    throw malformed(operator, `an input of the shape [${x.shape.join(",")}]`);
  }
  const timeMajor = operator.options.fields.timeMajor === true;
  const [steps, batches] = timeMajor ? [first, second] : [second, first];
  requireShape(operator, y, [first, second, units]);
  requireShape(operator, hidden, [batches, units]);
  requireShape(operator, cell, [batches, units]);

  const from = perTensor(operator, x);
  const state = perTensor(operator, hidden);
  const cellScale = perTensor(operator, cell).scale;
  const exponent = cellExponent(operator, cellScale);
  // GetQuantizedConvolutionMultipler in kernels/kernel_util.cc: the product in float32, the quotient in double.
  const toGate = (scale: number, weights: number) =>
    quantizeMultiplier(Math.fround(scale * weights) / gateScale);
  const gates = gateInputs.map((at): Gate => {
    const inputs = gateWeights(operator, at.input, units, width);
    const recurrent = gateWeights(operator, at.recurrent, units, units);
    return {
      inputWeights: inputs.data,
      recurrentWeights: recurrent.data,
      bias: biases(operator, input(operator, at.bias), units),
      inputMultiplier: toGate(from.scale, inputs.scale),
      recurrentMultiplier: toGate(state.scale, recurrent.scale),
    };
  });
  // lstm_eval.cc: x · 3 · 2^(12 + exponent), as a factor or as a rounding shift.
  const shift = 12 + exponent;
  return {
    inputs: [x, hidden, cell],
    outputs: [y],
    macs: 4 * batches * steps * units * (width + units),
    parameters: 4 * units * (width + units + 1),
    x,
    hidden,
    cell,
    timeMajor,
    batches,
    steps,
    width,
    units,
    gates,
    inputZeroPoint: from.zeroPoint,
    hiddenZeroPoint: state.zeroPoint,
    forgetMultiplier: quantizeMultiplier((activationScale * cellScale) / cellScale),
    writeMultiplier: quantizeMultiplier(activationScale ** 2 / cellScale),
    hiddenMultiplier: quantizeMultiplier(activationScale ** 2 / state.scale),
    cellFactor: shift < 0 ? 3 : 3 << shift,
    cellShift: shift < 0 ? -shift : 0,
    cellClip: quantisedClip(operator, cellScale),
  };
}

export const unidirectionalSequenceLstm = defineOperator({
  name: "UNIDIRECTIONAL_SEQUENCE_LSTM",
  limits: [
    "input of three dimensions; weights constant, int8, quantised as a whole around 0",
    "tanh alone; no peepholes, projection, layer normalisation or diagonal recurrent weights",
    "the cell state's scale a power of two from 2⁻¹⁵ to 2⁻¹",
  ],
  lower,
  forms: [plain],
});
