/**
 * UNIDIRECTIONAL_SEQUENCE_LSTM, int8 activations, int16 cell state, plain reference form. One unit's weights of all
 * four gates are in RAM at a time; they are brought in again for each step of the sequence.
 *
 * A record of the weight segment, one per unit: four gates (forget, input, cell, output), each padded to 4 bytes:
 *     input bias: i32, folded (bias − inputZeroPoint · Σ input weights)
 *     recurrent bias: i32, folded (−hiddenZeroPoint · Σ recurrent weights)
 *     weights: i8[inputs], then i8[units]
 * The constants, once per layer: the table of TFLite's int16 sigmoid, u16[256], then for each gate six i32: multiplier,
 * left and right shift of the input's sum, then of the recurrent sum.
 */
import { clamp, multiplyByQuantizedMultiplier } from "../arithmetic";
import { fetchWeights } from "../weights";
import { dot } from "./dot";

const TABLE_BYTES: i32 = 512;
const GATE_BYTES: i32 = 24;

// @ts-ignore: decorator
@inline
function saturate16(value: i32): i32 {
  return clamp(value, -32768, 32767);
}

/** Q0.15 sigmoid of x/3/2¹²: the table, linearly interpolated (reference_integer_ops::Logistic). */
// @ts-ignore: decorator
@inline
function sigmoid(x: i32, table: usize): i32 {
  const size: i32 = abs<i32>(x);
  const entry: usize = table + <usize>((size >> 9) << 1);
  let result: i32 = 0x7fff << 10;
  if (size < 255 << 9) {
    const here: i32 = load<u16>(entry);
    result = (here << 9) + (size & 0x1ff) * (<i32>load<u16>(entry, 2) - here);
  }
  return (x >= 0 ? result + (1 << 9) : (1 << 25) - result + (1 << 9) - 1) >>> 10;
}

/** Q0.15 tanh of x/3/2¹², from the same table (reference_integer_ops::Tanh). */
// @ts-ignore: decorator
@inline
function tanh(x: i32, table: usize): i32 {
  const size: i32 = abs<i32>(x);
  const entry: usize = table + <usize>((size >> 8) << 1);
  let result: i32 = 0xffff << 8;
  if (size < 255 << 8) {
    const here: i32 = load<u16>(entry);
    result = (here << 8) + (size & 0xff) * (<i32>load<u16>(entry, 2) - here);
  }
  return (x >= 0 ? result - (1 << 23) + (1 << 7) : (1 << 23) - result + (1 << 7) - 1) >> 8;
}

/** A gate before its activation, in Q3.12: two fully connected layers, each requantised to int16, added. */
function gate(record: usize, constants: usize, input: usize, hidden: usize, inputs: i32, units: i32): i32 {
  const weights: usize = record + 8;
  const fromInput: i32 = dot(input, weights, inputs, load<i32>(record));
  const fromHidden: i32 = dot(hidden, weights + <usize>inputs, units, load<i32>(record, 4));
  return saturate16(
    saturate16(multiplyByQuantizedMultiplier(
      fromInput, load<i32>(constants), load<i32>(constants, 4), load<i32>(constants, 8))) +
    saturate16(multiplyByQuantizedMultiplier(
      fromHidden, load<i32>(constants, 12), load<i32>(constants, 16), load<i32>(constants, 20))));
}

/**
 * input: i8, `inputs` values a step, steps of one batch `inputStep` bytes apart, batches `inputBatch` bytes; output
 * likewise, `units` values a step; hidden i8[batches, units] and cell i16[batches, units] keep the state. `tile` holds
 * one record of four times `gateBytes`, `constants` what is described above. The cell is multiplied by `cellFactor`
 * and shifted right by `cellShift` (rounding) for its tanh; a `cellClip` of 32768 clips nothing.
 */
export function lstm(
  input: usize, output: usize, hidden: usize, cell: usize,
  weights: i32, tile: usize, constantWeights: i32, constants: usize, gateBytes: i32,
  batches: i32, steps: i32, inputs: i32, units: i32,
  inputBatch: i32, inputStep: i32, outputBatch: i32, outputStep: i32,
  forgetMultiplier: i32, forgetLeft: i32, forgetRight: i32,
  inputMultiplier: i32, inputLeft: i32, inputRight: i32,
  hiddenMultiplier: i32, hiddenLeft: i32, hiddenRight: i32, hiddenZeroPoint: i32,
  cellFactor: i32, cellShift: i32, cellClip: i32,
): void {
  fetchWeights(constants, constantWeights, TABLE_BYTES + 4 * GATE_BYTES);
  const gates: usize = constants + <usize>TABLE_BYTES;
  const rounding: i32 = (1 << cellShift) >> 1;
  for (let batch: i32 = 0; batch < batches; batch++) {
    let x: usize = input;
    let y: usize = output;
    for (let step: i32 = 0; step < steps; step++) {
      let record: i32 = weights;
      for (let unit: i32 = 0; unit < units; unit++) {
        fetchWeights(tile, record, gateBytes << 2);
        record += gateBytes << 2;
        let at: usize = tile;
        let constant: usize = gates;
        const forget: i32 = sigmoid(3 * gate(at, constant, x, hidden, inputs, units), constants);
        at += gateBytes;
        constant += GATE_BYTES;
        const write: i32 = sigmoid(3 * gate(at, constant, x, hidden, inputs, units), constants);
        at += gateBytes;
        constant += GATE_BYTES;
        const candidate: i32 = tanh(3 * gate(at, constant, x, hidden, inputs, units), constants);
        at += gateBytes;
        constant += GATE_BYTES;
        const show: i32 = sigmoid(3 * gate(at, constant, x, hidden, inputs, units), constants);

        const state: usize = cell + <usize>(unit << 1);
        const kept: i32 = saturate16(multiplyByQuantizedMultiplier(
          forget * <i32>load<i16>(state), forgetMultiplier, forgetLeft, forgetRight));
        const added: i32 = saturate16(multiplyByQuantizedMultiplier(
          write * candidate, inputMultiplier, inputLeft, inputRight));
        const sum: i32 = clamp(saturate16(kept + added), -cellClip, cellClip);
        store<i16>(state, sum);
        const shown: i32 = show * tanh((sum * cellFactor + rounding) >> cellShift, constants);
        const result: i32 = hiddenZeroPoint +
          multiplyByQuantizedMultiplier(shown, hiddenMultiplier, hiddenLeft, hiddenRight);
        store<i8>(y + <usize>unit, clamp(result, -128, 127));
      }
      // All units read the hidden state of the step before, so it changes only now.
      memory.copy(hidden, y, units);
      x += inputStep;
      y += outputStep;
    }
    input += inputBatch;
    output += outputBatch;
    hidden += units;
    cell += units << 1;
  }
}
