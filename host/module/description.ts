/**
 * What people and host tools want to know of a module: the JSON of the custom section `wamlet.model`.
 * A board never reads it.
 */
import type { ElementType } from "../element_type.js";

export interface TensorDescription {
  readonly name: string;
  readonly type: ElementType;
  readonly shape: readonly number[];
  /** null for a tensor without quantisation (float32). */
  readonly scale: number | null;
  readonly zeroPoint: number | null;
  /** Place in linear memory. */
  readonly offset: number;
  readonly bytes: number;
}

/** Opcodes and bytes as the kernel form's cost model gives them: modelled, not counted. */
export interface LayerDescription {
  readonly index: number;
  /** `CONV_2D`. */
  readonly operator: string;
  /** Name of the output tensor. */
  readonly name: string;
  /** The chosen kernel form, `conv_2d_plain`. */
  readonly kernel: string;
  readonly outputShape: readonly number[];
  readonly macs: number;
  readonly parameters: number;
  readonly opcodes: number;
  readonly bytesMoved: number;
}

/** A buffer of the memory plan: alive from layer `first` to layer `last`, both included. */
export interface PlannedBuffer {
  readonly name: string;
  readonly kind: "input" | "output" | "activation" | "scratch" | "weights" | "state";
  readonly offset: number;
  readonly bytes: number;
  readonly first: number;
  readonly last: number;
}

export interface MemoryDescription {
  readonly planBytes: number;
  readonly linearMemoryBytes: number;
  /** Largest sum of bytes alive at once: no plan can be smaller. */
  readonly lowerBoundBytes: number;
  /** What TensorFlow Lite Micro's greedy planner would have needed for the same buffers. */
  readonly greedyBytes: number;
  readonly buffers: readonly PlannedBuffer[];
}

export interface ModelDescription {
  readonly format: 1;
  readonly name: string;
  readonly source: { readonly sha256: string; readonly bytes: number; readonly description: string };
  readonly tools: Readonly<Record<string, string>>;
  readonly board: string | null;
  readonly inputs: readonly TensorDescription[];
  readonly outputs: readonly TensorDescription[];
  /** Class names of the first output, empty where unknown. */
  readonly labels: readonly string[];
  readonly layers: readonly LayerDescription[];
  readonly memory: MemoryDescription;
}
