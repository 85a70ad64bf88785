/** ABS. Kernel: lookup.ts. */
import { multiplyByQuantizedMultiplier, quantizeMultiplier } from "../fixed_point.js";
import { defineUnary } from "../unary.js";

export const abs = defineUnary("ABS", [], (_operator, from, to) => {
  const multiplier = quantizeMultiplier(from.scale / to.scale);
  return (value) => {
    const magnitude = Math.abs(value - from.zeroPoint);
    // AbsEvalQuantized leaves the multiplication out between equal scales.
    const scaled = from.scale === to.scale ? magnitude : multiplyByQuantizedMultiplier(magnitude, multiplier);
    return scaled + to.zeroPoint;
  };
});
