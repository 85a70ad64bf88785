/** ELU: x, or e^x − 1 below zero. Kernel: lookup.ts. */
import { roundHalfAway } from "../fixed_point.js";
import { defineUnary } from "../unary.js";

/** elu.cc makes its table in float32, each step rounded. */
export const elu = defineUnary("ELU", [], (_operator, from, to) => {
  const inverseScale = Math.fround(1 / to.scale);
  return (value) => {
    const real = Math.fround(from.scale * (value - from.zeroPoint));
    const transformed = real < 0 ? Math.fround(Math.fround(Math.exp(real)) - 1) : real;
    const rescaled = roundHalfAway(Math.fround(transformed * inverseScale));
    return Math.trunc(Math.fround(rescaled + to.zeroPoint));
  };
});
