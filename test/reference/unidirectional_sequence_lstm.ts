/**
 * UNIDIRECTIONAL_SEQUENCE_LSTM with int8 activations and int16 cell (micro/kernels/lstm_eval.h), a whole gate at a
 * time as there: two fully connected layers to int16, their saturated sum, the activation.
 */

import {
  clamp,
  type FixedPointMultiplier,
  multiplyByQuantisedMultiplier,
  quantiseMultiplier,
} from "./fixed_point.js";
import { at, type KernelCall, perTensor, type Values } from "./tensor_values.js";

/** 2^16 · sigmoid(i / 24) as TensorFlow Lite has it: rounded, but these entries one higher. */
const raised =
  "4 8 12 14 15 16 17 19 20 21 22 25 27 28 29 30 31 33 34 35 37 39 40 41 43 44 45 46 49 50 54 62 63 64 66 82 86 93 " +
  "100 103 112 116 135 255";
const table = Array.from({ length: 256 }, (_, index) => {
  const higher = raised.split(" ").map(Number).includes(index) ? 1 : 0;
  return Math.round(2 ** 16 / (1 + Math.exp(-index / 24))) + higher;
});

const int16 = (value: number) => clamp(value, -32768, 32767);

/** reference_integer_ops::Logistic for int16 in Q3.12. */
function sigmoid(input: number): number {
  const scaled = input * 3;
  const size = Math.abs(scaled);
  const entry = size >> 9;
  const here = at(table, Math.min(entry, 255));
  const result =
    entry >= 255 ? 0x7fff * 2 ** 10 : here * 2 ** 9 + (size & 0x1ff) * (at(table, entry + 1) - here);
  const rounded = scaled >= 0 ? result + 2 ** 9 : 2 ** 25 - result + 2 ** 9 - 1;
  return Math.floor(rounded / 2 ** 10);
}

/** reference_integer_ops::Tanh for int16 whose scale is 2^exponent. */
function tanh(input: number, exponent: number): number {
  const shift = 15 + exponent - 3;
  const scaled = shift >= 0 ? input * 3 * 2 ** shift : (input * 3 + (1 << (-shift - 1))) >> -shift;
  const size = Math.abs(scaled);
  const entry = size >> 8;
  const here = at(table, Math.min(entry, 255));
  const result =
    entry >= 255 ? 0xffff * 2 ** 8 : here * 2 ** 8 + (size & 0xff) * (at(table, entry + 1) - here);
  const rounded = scaled >= 0 ? result - 2 ** 23 + 2 ** 7 : -result + 2 ** 23 + 2 ** 7 - 1;
  return rounded >> 8;
}

/** FullyConnected from int8 to int16 in Q3.12; the product of the scales is rounded to float. */
function fullyConnected(
  values: ArrayLike<number>,
  source: Values,
  weights: Values,
  bias: Values | null,
): number[] {
  const [units = 0, width = 0] = weights.shape;
  const { scale, zeroPoint } = perTensor(source);
  const multiplier = quantiseMultiplier(Math.fround(scale * perTensor(weights).scale) / 2 ** -12);
  return Array.from({ length: units }, (_, unit) => {
    let sum = bias === null ? 0 : at(bias.numbers, unit);
    for (let index = 0; index < width; index++) {
      sum += (at(values, index) - zeroPoint) * at(weights.numbers, unit * width + index);
    }
    return int16(multiplyByQuantisedMultiplier(sum | 0, multiplier));
  });
}

export function unidirectionalSequenceLstm({ operator, input, output }: KernelCall): void {
  const { fields } = operator.options;
  const [source, hidden, cell] = [input(0), input(18), input(19)];
  const [first = 0, second = 0, width = 0] = source.shape;
  const units = at(hidden.shape, 1);
  const [steps, batches] = fields.timeMajor === true ? [first, second] : [second, first];
  const cellScale = perTensor(cell).scale;
  const exponent = Math.round(Math.log2(cellScale));
  const product = (a: number, b: number, to: number): FixedPointMultiplier =>
    quantiseMultiplier((a * b) / to);
  const forgetting = product(2 ** -15, cellScale, cellScale);
  const writing = product(2 ** -15, 2 ** -15, cellScale);
  const showing = product(2 ** -15, 2 ** -15, perTensor(hidden).scale);
  const clip = Number(fields.cellClip ?? 0);
  const limit = Math.trunc(Math.min(clip / cellScale, 32767));

  for (let batch = 0; batch < batches; batch++) {
    for (let step = 0; step < steps; step++) {
      const row = fields.timeMajor === true ? step * batches + batch : batch * steps + step;
      const values = source.numbers.subarray(row * width, (row + 1) * width);
      const before = hidden.numbers.slice(batch * units, (batch + 1) * units);
      const gate = (weights: number, recurrent: number, bias: number) => {
        const fromInput = fullyConnected(values, source, input(weights), input(bias));
        const fromHidden = fullyConnected(before, hidden, input(recurrent), null);
        return fromInput.map((value, unit) => int16(value + at(fromHidden, unit)));
      };
      const forget = gate(2, 6, 13).map(sigmoid);
      const write = gate(1, 5, 12).map(sigmoid);
      const candidate = gate(3, 7, 14).map((value) => tanh(value, -12));
      const show = gate(4, 8, 15).map(sigmoid);
      for (let unit = 0; unit < units; unit++) {
        const place = batch * units + unit;
        const kept = int16(
          multiplyByQuantisedMultiplier(at(forget, unit) * at(cell.numbers, place), forgetting),
        );
        const added = int16(multiplyByQuantisedMultiplier(at(write, unit) * at(candidate, unit), writing));
        const sum = int16(kept + added);
        cell.numbers[place] = clip > 0 ? clamp(sum, -limit, limit) : sum;
        const shown = at(show, unit) * tanh(at(cell.numbers, place), exponent);
        const result = multiplyByQuantisedMultiplier(shown, showing) + perTensor(hidden).zeroPoint;
        hidden.numbers[place] = clamp(result, -128, 127);
        output.numbers[row * units + unit] = at(hidden.numbers, place);
      }
    }
  }
}
