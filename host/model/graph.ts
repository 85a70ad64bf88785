/**
 * A model as a typed, checked graph: what `.tflite` bytes become at the edge, and all that the compiler sees.
 * Whoever holds a Graph may rely on it: indices exist, shapes are positive and static, constant data has
 * exactly the bytes its shape and type ask for, quantisation has as many scales as its axis is long.
 */

import type { ElementType } from "../element_type.js";

/** real = scale · (quantised − zeroPoint), per tensor (one scale) or per slice along `axis`. */
export interface Quantisation {
  /** Exactly the float32 values of the file. */
  readonly scales: readonly number[];
  readonly zeroPoints: readonly number[];
  /** The dimension along which the scales run; 0 where there is one scale. */
  readonly axis: number;
}

export interface Tensor {
  /** Position in `Graph.tensors`. */
  readonly index: number;
  readonly name: string;
  readonly type: ElementType;
  /** Outermost dimension first, every dimension ≥ 1; a scalar has the empty shape. */
  readonly shape: readonly number[];
  /** Product of the shape. */
  readonly elements: number;
  readonly bytes: number;
  readonly quantisation: Quantisation | null;
  /** Little-endian bytes of a constant, else null. */
  readonly data: Uint8Array | null;
  /** State that survives from inference to inference (LSTM, SVDF). */
  readonly isVariable: boolean;
}

/** Checked access to an operator's options table; a field that the file leaves out has the schema's default. */
export interface OperatorOptions {
  /** The options union type's name in the schema (`Conv2DOptions`), or "none". */
  readonly kind: string;
  readonly fields: Readonly<Record<string, number | boolean | string | readonly number[]>>;
}

export interface Operator {
  readonly index: number;
  /** Builtin name as in the schema, `CONV_2D`; `CUSTOM:<name>` for a custom operator. */
  readonly name: string;
  readonly version: number;
  /** null where an optional input is left out. */
  readonly inputs: readonly (Tensor | null)[];
  readonly outputs: readonly Tensor[];
  readonly options: OperatorOptions;
}

export interface Graph {
  /** The model's description in the file, or "". */
  readonly description: string;
  readonly tensors: readonly Tensor[];
  /** In execution order: each operator's inputs are constants, graph inputs, variables or earlier outputs. */
  readonly operators: readonly Operator[];
  readonly inputs: readonly Tensor[];
  readonly outputs: readonly Tensor[];
  /** Bytes of the .tflite file. */
  readonly sourceBytes: number;
  /** SHA-256 of the .tflite file, lowercase hex. */
  readonly sourceSha256: string;
}
