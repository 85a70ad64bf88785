/**
 * What `npm run bench` and `npm run bench:boards` have in common: the form of a measurement, the variants of a model
 * that are set side by side, and how each is compiled.
 */

import { plainForm } from "../compiler/choose_forms.js";
import { type CompiledModule, compile } from "../compiler/compile.js";
import type { BoundForm } from "../compiler/layer.js";
import type { Board } from "../descriptor/board.js";
import type { Graph } from "../model/graph.js";
import type { LayerDescription } from "../module/description.js";

/** `plain`: the reference form of every kernel; the others are what `--optimize` makes. */
export const benchVariants = ["plain", "speed", "balanced", "size"] as const;
export type BenchVariant = (typeof benchVariants)[number];

/** One measurement: a model, or a layer of it, in one variant, on one port. */
export interface BenchRow {
  readonly model: string;
  /** `3 DEPTHWISE_CONV_2D`; null for the whole inference. */
  readonly layer: string | null;
  /** `virtual`: executed opcodes. `modelled <cost table>`: those priced. Else a board: counted instructions. */
  readonly port: string;
  readonly variant: string;
  /** Of one inference; opcodes where the port is `virtual`. */
  readonly instructions: number;
  readonly macs: number;
  /** Payload: code and weights. A layer's row repeats the figures of its module. */
  readonly moduleBytes: number;
  /** The payload without its weights. */
  readonly codeBytes: number;
  readonly linearMemory: number;
  /** What the runtime takes of RAM beside linear memory: modelled, or measured where the port is a board. */
  readonly runtimeBytes: number;
}

/** The bytes of a module, as rows repeat them. */
export type BenchBytes = Pick<BenchRow, "moduleBytes" | "codeBytes" | "linearMemory" | "runtimeBytes">;

/** Compiles a variant of a model; `profile` has it report its layers. */
export function compileVariant(
  file: Uint8Array,
  variant: BenchVariant,
  options: { readonly profile: boolean; readonly board?: Board; readonly signal?: AbortSignal },
): Promise<CompiledModule> {
  const choice =
    variant === "plain"
      ? { chooseForm: (forms: readonly BoundForm[]) => plainForm({ forms }) }
      : { optimize: variant };
  return compile(file, { ...options, ...choice, name: `bench-${variant}` });
}

/** What a module takes; `runtimeBytes` as modelled from WAMR's loader. */
export function moduleBytes({ payload, weightBytes, manifest }: CompiledModule): BenchBytes {
  return {
    moduleBytes: payload.length,
    codeBytes: payload.length - weightBytes,
    linearMemory: manifest.linearMemoryBytes,
    runtimeBytes: manifest.runtimeBytes,
  };
}

/**
 * How a row names a layer: by its operator in the model, so that variants that fuse operators stand beside those that do
 * not. A layer whose output no operator has keeps its own place.
 */
export function layerName(
  graph: Graph,
  { index, operator, name }: Pick<LayerDescription, "index" | "operator" | "name">,
) {
  const from = graph.operators.filter(({ outputs }) => outputs[0]?.name === name);
  return `${from.length === 1 ? from[0]?.index : index} ${operator}`;
}
