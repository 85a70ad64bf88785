/** LOGISTIC and TANH, whose outputs have fixed scales. Kernel: lookup.ts. */
import type { Operator } from "../../model/graph.js";
import { logistic as logisticQ4, roundingDivideByPowerOfTwo, tanh as tanhQ4 } from "../exponential.js";
import { multiplyByQuantizedMultiplier, quantizeMultiplier } from "../fixed_point.js";
import { malformed } from "../operands.js";
import { defineUnary, type PerTensor, requireOutput } from "../unary.js";

/** Integer bits of the argument. */
const integerBits = 4;

/** What both do: beyond a radius the result is an end of int8, within it a function of the argument in Q4.27. */
function saturating(operator: Operator, from: PerTensor, within: (argument: number) => number) {
  const multiplier = quantizeMultiplier(from.scale * 2 ** (31 - integerBits));
  if (multiplier.shift < 0 || multiplier.shift > 30) {
    throw malformed(operator, `the input's scale ${from.scale} is out of range`);
  }
  // CalculateInputRadius in quantization_util.cc.
  const radius = Math.floor(((2 ** integerBits - 1) * 2 ** (31 - integerBits)) / 2 ** multiplier.shift);
  return (value: number) => {
    const real = value - from.zeroPoint;
    if (real <= -radius) return -128;
    if (real >= radius) return 127;
    return within(multiplyByQuantizedMultiplier(real, multiplier));
  };
}

export const logistic = defineUnary(
  "LOGISTIC",
  ["output of scale 2⁻⁸ and zero point −128"],
  (operator, from, to) => {
    requireOutput(operator, to, 2 ** -8, -128);
    return saturating(operator, from, (q4) => roundingDivideByPowerOfTwo(logisticQ4(q4), 23) - 128);
  },
);

export const tanh = defineUnary("TANH", ["output of scale 2⁻⁷ and zero point 0"], (operator, from, to) => {
  requireOutput(operator, to, 2 ** -7, 0);
  return saturating(operator, from, (q4) => roundingDivideByPowerOfTwo(tanhQ4(q4), 24));
});
