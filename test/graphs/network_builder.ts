/** A model under construction: tensors and operators in the order in which they are drawn. */

import type { OperatorSpec, TensorSpec } from "../model/model_builder.js";
import type { Random } from "../model/random.js";
import { elementsOf, nearbyScale } from "../reference/random_parts.js";

/** A tensor that operators may read, by its position in the model. */
export interface Value {
  readonly index: number;
  readonly spec: TensorSpec;
}

/** Tensors stay small: what random graphs look for are wrong places and lifetimes, and kernels of odd shapes. */
export const largestElements = 3000;

/** Scales of values that further operators read; far outside, chains of them would leave what files have. */
const [smallestScale, largestScale] = [2 ** -9, 2];

export class NetworkBuilder {
  readonly tensors: TensorSpec[] = [];
  readonly operators: OperatorSpec[] = [];
  readonly inputs: Value[] = [];
  /** Inputs and results: all that a further operator can read. */
  readonly values: Value[] = [];

  constructor(readonly random: Random) {}

  /** A constant or a variable. */
  add(spec: TensorSpec): number {
    return this.tensors.push({ ...spec, name: spec.name ?? `tensor ${this.tensors.length}` }) - 1;
  }

  input(spec: TensorSpec): Value {
    const value = this.value({ ...spec, name: `input ${this.inputs.length}` });
    this.inputs.push(value);
    return value;
  }

  /** An operator with new outputs. */
  operator(
    name: string,
    inputs: readonly (number | null)[],
    outputs: readonly TensorSpec[],
    options: NonNullable<OperatorSpec["options"]> = {},
  ): Value[] {
    const number = this.operators.length;
    const results = outputs.map((spec, position) =>
      this.value({ ...spec, name: `${number} ${name}${position > 0 ? ` ${position}` : ""}` }),
    );
    this.operators.push({ name, inputs, outputs: results.map(({ index }) => index), options });
    return results;
  }

  /** An operator with one output. */
  result(...call: [string, readonly (number | null)[], TensorSpec, OperatorSpec["options"]?]): Value {
    const [name, inputs, output, options] = call;
    const [value] = this.operator(name, inputs, [output], options ?? {});
    if (value === undefined) throw new Error("unreachable");
    return value;
  }

  /** A value of which this is true, recent ones sooner; null where there is none. */
  pick(holds: (spec: TensorSpec) => boolean): Value | null {
    const found = this.values.filter(({ spec }) => holds(spec));
    if (found.length === 0) return null;
    return this.random.pick(this.random.chance(0.5) ? found.slice(-2) : found);
  }

  /** The value in another quantisation, as it is where it has that already. */
  requantised(value: Value, { type, quantisation }: Pick<TensorSpec, "type" | "quantisation">): Value {
    const { spec } = value;
    if (spec.type === type && sameQuantisation(spec, { quantisation })) return value;
    const target: TensorSpec = { type, shape: spec.shape, ...(quantisation ? { quantisation } : {}) };
    return this.result(type === "float32" ? "DEQUANTIZE" : "QUANTIZE", [value.index], target);
  }

  /** The value in another shape of as many elements, as it is where it has that already. */
  reshaped(value: Value, shape: readonly number[]): Value {
    const { spec } = value;
    if (sameShape(spec.shape, shape)) return value;
    return this.result("RESHAPE", [value.index], { ...withoutData(spec), shape }, { newShape: shape });
  }

  /** A scale for results around this size. */
  scale(typical: number, bits: number): number {
    const drawn = nearbyScale(this.random, typical, bits);
    return Math.fround(Math.min(Math.max(drawn, smallestScale), largestScale));
  }

  private value(spec: TensorSpec): Value {
    const value = { index: this.add(spec), spec };
    this.values.push(value);
    return value;
  }
}

/** Type, shape and quantisation alone. */
export function withoutData({ type, shape, quantisation }: TensorSpec): TensorSpec {
  return { type, shape, ...(quantisation ? { quantisation } : {}) };
}

export function sameShape(a: readonly number[], b: readonly number[]): boolean {
  return a.length === b.length && a.every((size, axis) => size === b[axis]);
}

type Quantised = { readonly quantisation?: NonNullable<TensorSpec["quantisation"]> | null | undefined };

/** Whether the same bytes mean the same in both; true for two tensors without quantisation. */
export function sameQuantisation(a: Quantised, b: Quantised): boolean {
  return (
    a.quantisation?.scales[0] === b.quantisation?.scales[0] &&
    a.quantisation?.zeroPoints[0] === b.quantisation?.zeroPoints[0]
  );
}

/** The scale of an activation. */
export function scaleOf(spec: TensorSpec): number {
  return spec.quantisation?.scales[0] ?? 1;
}

export function isSmall(shape: readonly number[]): boolean {
  return elementsOf(shape) <= largestElements;
}
