/** LEAKY_RELU: x, or alpha · x below zero. Kernel: lookup.ts. */
import {
  multiplyByQuantizedMultiplier,
  type QuantizedMultiplier,
  quantizeMultiplier,
} from "../fixed_point.js";
import { malformed } from "../operands.js";
import { defineUnary } from "../unary.js";

/** QuantizeMultiplier of a real that may be negative: the mantissa takes the sign. */
function quantizeSignedMultiplier(real: number): QuantizedMultiplier {
  const { multiplier, shift } = quantizeMultiplier(Math.abs(real));
  return { multiplier: real < 0 ? -multiplier : multiplier, shift };
}

export const leakyRelu = defineUnary("LEAKY_RELU", [], (operator, from, to) => {
  const { alpha } = operator.options.fields;
  if (typeof alpha !== "number" || !Number.isFinite(alpha)) throw malformed(operator, `alpha is ${alpha}`);
  // CalculateOpDataLeakyRelu computes both reals in float32.
  const identity = quantizeMultiplier(Math.fround(from.scale / to.scale));
  const slope = quantizeSignedMultiplier(Math.fround(Math.fround(from.scale * alpha) / to.scale));
  return (value) => {
    const real = value - from.zeroPoint;
    return to.zeroPoint + multiplyByQuantizedMultiplier(real, real >= 0 ? identity : slope);
  };
});
