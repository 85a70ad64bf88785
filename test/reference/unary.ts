/** ABS, LEAKY_RELU, ELU, LOGISTIC, TANH and HARD_SWISH, int8: functions of one value. */

import { logisticOf, tanhOf } from "./exponential.js";
import {
  clamp,
  multiplyByQuantisedMultiplier,
  quantiseMultiplier,
  roundHalfAway,
  roundingDivideByPowerOfTwo,
} from "./fixed_point.js";
import { type KernelCall, perTensor } from "./tensor_values.js";

/** Sets each element of the output to a function of the input's, cut to int8. */
function mapElements({ input, output }: KernelCall, result: (value: number) => number): void {
  input(0).numbers.forEach((value, index) => {
    output.numbers[index] = clamp(result(value), -128, 127);
  });
}

export function abs(call: KernelCall): void {
  const from = perTensor(call.input(0));
  const to = perTensor(call.output);
  const multiplier = quantiseMultiplier(from.scale / to.scale);
  mapElements(call, (value) => {
    const magnitude = Math.abs(value - from.zeroPoint);
    const rescaled =
      from.scale === to.scale ? magnitude : multiplyByQuantisedMultiplier(magnitude, multiplier);
    return rescaled + to.zeroPoint;
  });
}

/** LEAKY_RELU; its real multipliers are float32, and alpha may be negative or above one. */
export function leakyRelu(call: KernelCall): void {
  const from = perTensor(call.input(0));
  const to = perTensor(call.output);
  const alpha = Number(call.operator.options.fields.alpha);
  const slope = Math.fround(Math.fround(from.scale * alpha) / to.scale);
  const ofSlope = quantiseMultiplier(Math.abs(slope));
  const negative = { multiplier: Math.sign(slope) * ofSlope.multiplier, shift: ofSlope.shift };
  const positive = quantiseMultiplier(Math.fround(from.scale / to.scale));
  mapElements(call, (value) => {
    const x = value - from.zeroPoint;
    return to.zeroPoint + multiplyByQuantisedMultiplier(x, x >= 0 ? positive : negative);
  });
}

/** ELU in float32 throughout. */
export function elu(call: KernelCall): void {
  const from = perTensor(call.input(0));
  const to = perTensor(call.output);
  const inverse = Math.fround(1 / to.scale);
  mapElements(call, (value) => {
    const x = Math.fround(from.scale * (value - from.zeroPoint));
    const y = x < 0 ? Math.fround(Math.fround(Math.exp(x)) - 1) : x;
    return roundHalfAway(Math.fround(y * inverse)) + to.zeroPoint;
  });
}

export function logistic(call: KernelCall): void {
  mapElements(
    call,
    saturating(call, (q4) => roundingDivideByPowerOfTwo(logisticOf(q4), 23) - 128),
  );
}

export function tanh(call: KernelCall): void {
  mapElements(
    call,
    saturating(call, (q4) => roundingDivideByPowerOfTwo(tanhOf(q4), 24)),
  );
}

/** The ends of int8 outside of what Q4 can say, within it a function of the value in Q4. */
function saturating(call: KernelCall, inner: (q4: number) => number): (value: number) => number {
  const from = perTensor(call.input(0));
  const multiplier = quantiseMultiplier(from.scale * 2 ** 27);
  const radius = Math.floor((15 * 2 ** 27) / 2 ** multiplier.shift);
  return (value) => {
    const x = value - from.zeroPoint;
    if (Math.abs(x) >= radius) return x < 0 ? -128 : 127;
    return inner(multiplyByQuantisedMultiplier(x, multiplier));
  };
}

const toInt16 = (value: number) => clamp(value, -32768, 32767);

/** The high 16 bits of 2·a·b, rounded; a tie goes away from zero when positive and towards it when negative. */
function highMultiply16(a: number, b: number): number {
  const product = a * b;
  return toInt16(Math.trunc((product + (product >= 0 ? 2 ** 14 : 1 - 2 ** 14)) / 2 ** 15));
}

/** HARD_SWISH in int16: the value on the output's scale times a fraction that grows from 0 to 1 over -3…3. */
export function hardSwish(call: KernelCall): void {
  const from = perTensor(call.input(0));
  const to = perTensor(call.output);
  const fineScale = Math.fround(from.scale / 128);
  const output = quantiseMultiplier(Math.fround(fineScale / to.scale));
  const fraction = quantiseMultiplier(Math.fround(fineScale / Math.fround(3 / 32768)));
  mapElements(call, (value) => {
    const fine = (value - from.zeroPoint) * 128;
    const scaled = highMultiply16(fine, upperHalfOf(output.multiplier));
    let share = fine;
    if (fraction.shift > 0) share = toInt16(share * 2 ** (fraction.shift - 1));
    share = highMultiply16(share, upperHalfOf(fraction.multiplier));
    if (fraction.shift > 0) share = toInt16(share * 2);
    if (fraction.shift < 0) share = roundingDivideByPowerOfTwo(share, -fraction.shift);
    const half = (share + 32768) >> 1;
    const product = Math.trunc((half * scaled) / 32768);
    return roundingDivideByPowerOfTwo(product, -output.shift) + to.zeroPoint;
  });
}

/** DownScaleInt32ToInt16Multiplier. */
function upperHalfOf(multiplier: number): number {
  return Math.min(Math.floor((multiplier + 2 ** 15) / 2 ** 16), 32767);
}
