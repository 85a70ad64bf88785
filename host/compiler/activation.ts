/** Fused activations as the clamp of a quantised output (TFLite's CalculateActivationRangeQuantized). */
import type { Operator, Tensor } from "../model/graph.js";
import { roundHalfAway } from "./fixed_point.js";
import { perTensor, unsupported } from "./operands.js";

export interface ClampRange {
  readonly minimum: number;
  readonly maximum: number;
}

const ranges: Readonly<Record<string, readonly [low: number | null, high: number | null]>> = {
  NONE: [null, null],
  RELU: [0, null],
  RELU6: [0, 6],
  RELU_N1_TO_1: [-1, 1],
};

/** The fused activations that operators take. */
export const fusedActivationNames: readonly string[] = Object.keys(ranges);

/** Smallest and largest value of an integer element type. */
export function typeRange(type: Tensor["type"]): ClampRange {
  switch (type) {
    case "int8":
      return { minimum: -128, maximum: 127 };
    case "uint8":
      return { minimum: 0, maximum: 255 };
    case "int16":
      return { minimum: -32768, maximum: 32767 };
    default:
      return { minimum: -(2 ** 31), maximum: 2 ** 31 - 1 };
  }
}

/** value in quantised units: zeroPoint + round(value / scale), the division in float32 as in TFLite. */
export function quantizeConstant(value: number, scale: number, zeroPoint: number): number {
  return zeroPoint + roundHalfAway(Math.fround(value / Math.fround(scale)));
}

/** The clamp of `operator`'s option `fusedActivation` in the quantised units of `output`. */
export function fusedActivation(operator: Operator, output: Tensor): ClampRange {
  const name = operator.options.fields.fusedActivation ?? "NONE";
  const range = typeof name === "string" ? ranges[name] : undefined;
  if (!range) {
    throw unsupported(
      operator,
      `fused activation ${name}`,
      `Supported are ${fusedActivationNames.join(", ")}.`,
    );
  }
  const { minimum, maximum } = typeRange(output.type);
  const { scale, zeroPoint } = perTensor(operator, output);
  const [low, high] = range;
  return {
    minimum: low === null ? minimum : Math.max(minimum, quantizeConstant(low, scale, zeroPoint)),
    maximum: high === null ? maximum : Math.min(maximum, quantizeConstant(high, scale, zeroPoint)),
  };
}
