/** Operators of one operand, int8 → int8: each says what it makes of a value, a table of 256 does the rest. */
import type { Operator } from "../model/graph.js";
import { defineOperator, type LoweredLayer, type OperatorCompiler } from "./layer.js";
import { lookupForm } from "./lookup.js";
import { input, malformed, output, perTensor, requireShape, requireType } from "./operands.js";

/** Scale and zero point of a tensor quantised as a whole. */
export interface PerTensor {
  readonly scale: number;
  readonly zeroPoint: number;
}

interface Unary extends LoweredLayer {
  /** The quantised result, before it is cut to int8, of a quantised value. */
  readonly result: (value: number) => number;
}

/**
 * Makes a table entry of a function of one value.
 * @param limits for docs/OPERATORS.md
 * @param fold the function for these quantisations; what it returns may lie beyond int8 and is cut to it
 */
export function defineUnary(
  name: string,
  limits: readonly string[],
  fold: (operator: Operator, from: PerTensor, to: PerTensor) => (value: number) => number,
): OperatorCompiler {
  const table = lookupForm<Unary>(`${name.toLowerCase()}_table`, (layer, value) =>
    Math.min(Math.max(layer.result(value), -128), 127),
  );
  return defineOperator<Unary>({
    name,
    limits,
    forms: [table],
    lower(operator) {
      const x = input(operator, 0);
      const y = output(operator);
      requireType(operator, x, "int8");
      requireType(operator, y, "int8");
      requireShape(operator, y, x.shape);
      const result = fold(operator, perTensor(operator, x), perTensor(operator, y));
      return { inputs: [x], outputs: [y], inPlace: [x], macs: 0, parameters: 0, result };
    },
  });
}

/** Refuses an output quantised otherwise than the operator's arithmetic has it. */
export function requireOutput(operator: Operator, output: PerTensor, scale: number, zeroPoint: number): void {
  if (Math.abs(output.scale / scale - 1) < 0.001 && output.zeroPoint === zeroPoint) return;
  throw malformed(operator, `the output's quantisation is not ${scale} with zero point ${zeroPoint}`);
}
