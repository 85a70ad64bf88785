/**
 * A layer of the network on its way to code: what an operator's file makes of it (constants folded) and the kernel
 * forms that can compute it. An operator offers several forms; the target's costs and RAM choose one. A native
 * back end later adds forms, not a second compiler.
 */
import type { Board } from "../descriptor/board.js";
import { WamletError } from "../errors.js";
import type { Operator, Tensor } from "../model/graph.js";

/** What the choice of kernels depends on. */
export interface Target {
  /** null: no particular board, plain WAMR. */
  readonly board: Board | null;
  /** Tensors that are expected to hold many zeros (`rectified_tensors.ts`); left out: none. */
  readonly rectified?: ReadonlySet<Tensor>;
}

/** What a kernel form costs per inference: modelled from its loops, held against exact counts in the tests. */
export interface KernelCost {
  /** Executed opcodes under WAMR's rules. */
  readonly opcodes: number;
  /** Bytes brought in by memory.init or moved by memory.copy and memory.fill. */
  readonly bytesMoved: number;
}

/** RAM that a layer needs while it runs, beside its tensors. */
export interface Scratch {
  readonly kind: "scratch" | "weights";
  readonly bytes: number;
}

/** One argument of a kernel call, in the kernel's own terms. */
export type Argument = readonly [name: string, value: number];

/** A call of an exported function of `assembly/<file>.ts`. */
export interface KernelCall {
  readonly file: string;
  readonly function: string;
  /** AssemblyScript types for a generic kernel. */
  readonly types?: readonly string[];
  readonly arguments: readonly Argument[];
  /** Text of the file, where it is generated and not one of `assembly/`. */
  readonly source?: () => string;
}

/** Where the plan put what a layer asked for. */
export interface Places {
  /** Address of a tensor in linear memory; a constant's is where it is brought in before the layer. */
  address(tensor: Tensor): number;
  /** Addresses of the form's scratch requests, in their order. */
  readonly scratch: readonly number[];
  /** Offsets of the form's weight blocks in the passive segment, in their order. */
  readonly weights: readonly number[];
}

/** An input that begins `distance` bytes into the output's memory, and is written over once it has been read. */
export interface Overlay {
  readonly input: Tensor;
  readonly distance: number;
}

/** A way to compute a layer, over the operator's folded constants `L`. */
export interface KernelForm<L> {
  /** `conv_2d_plain`. */
  readonly name: string;
  /** When it applies, for docs/OPERATORS.md; a form without it always applies. */
  readonly when?: string;
  applies(layer: L, target: Target): boolean;
  /** Name of the generated kernel, shared by layers with the same one; a form without it calls `assembly/` alone. */
  generated?(layer: L): string;
  /** Bytes of the generated kernel's code, estimated. */
  codeBytes?(layer: L): number;
  cost(layer: L, target: Target): KernelCost;
  scratch(layer: L): readonly Scratch[];
  /** Inputs whose memory the only output may take over with this form, beside the layer's own `inPlace`. */
  inPlace?(layer: L): readonly Tensor[];
  /** How the only output may lie over an input that ends here; null: not at all. */
  overlay?(layer: L): Overlay | null;
  /** Blocks for the weight segment, each to be 4-byte aligned there. */
  weights(layer: L): readonly Uint8Array[];
  emit(layer: L, places: Places): readonly KernelCall[];
}

/** What every lowered layer tells, whatever its operator. */
export interface LoweredLayer {
  /** Inputs that the kernel reads from linear memory. A constant among them is brought there first. */
  readonly inputs: readonly Tensor[];
  readonly outputs: readonly Tensor[];
  readonly macs: number;
  /** Elements of constant tensors that belong to the layer. */
  readonly parameters: number;
  /** Inputs whose memory the only output may take over, if they end here. */
  readonly inPlace?: readonly Tensor[];
  /** The output is the input under another shape: no code, one place. */
  readonly alias?: Tensor;
}

/** A kernel form bound to one layer: its constants are closed over. */
export interface BoundForm {
  readonly name: string;
  /** Name of the generated kernel that it needs, or null. */
  readonly generated: string | null;
  /** Bytes of that kernel's code, estimated; 0 without one. */
  readonly codeBytes: number;
  readonly cost: KernelCost;
  readonly scratch: readonly Scratch[];
  /** Inputs whose memory the only output may take over with this form, if they end here. */
  readonly inPlace?: readonly Tensor[];
  readonly overlay: Overlay | null;
  weights(): readonly Uint8Array[];
  emit(places: Places): readonly KernelCall[];
}

/** An operator's layer with the forms that apply to it, cheapest first. */
export interface BoundLayer extends LoweredLayer {
  readonly operator: Operator;
  readonly forms: readonly BoundForm[];
}

/** An operator of the table, its constants' type erased. */
export interface OperatorCompiler {
  /** `CONV_2D`. */
  readonly name: string;
  /** What it is limited to beside its types, for docs/OPERATORS.md. */
  readonly limits: readonly string[];
  /** Its kernel forms, and when each applies; null: always. */
  readonly forms: readonly { readonly name: string; readonly when: string | null }[];
  bind(operator: Operator, target: Target): BoundLayer;
}

/**
 * Makes a table entry of an operator's `lower` and its kernel forms.
 * @throws WamletError (from `bind`) what `lower` refuses, or WAMLET_UNSUPPORTED_OPTION where no form applies
 */
export function defineOperator<L extends LoweredLayer>(definition: {
  readonly name: string;
  readonly limits?: readonly string[];
  lower(operator: Operator): L;
  readonly forms: readonly KernelForm<L>[];
}): OperatorCompiler {
  return {
    name: definition.name,
    limits: definition.limits ?? [],
    forms: definition.forms.map(({ name, when }) => ({ name, when: when ?? null })),
    bind(operator, target) {
      const layer = definition.lower(operator);
      const forms = definition.forms
        .filter((form) => form.applies(layer, target))
        .map((form) => ({
          name: form.name,
          generated: form.generated?.(layer) ?? null,
          codeBytes: form.codeBytes?.(layer) ?? 0,
          cost: form.cost(layer, target),
          scratch: form.scratch(layer),
          ...(form.inPlace ? { inPlace: form.inPlace(layer) } : {}),
          overlay: form.overlay?.(layer) ?? null,
          weights: () => form.weights(layer),
          emit: (places: Places) => form.emit(layer, places),
        }))
        .sort((a, b) => a.cost.opcodes - b.cost.opcodes);
      if (forms.length === 0) {
        throw new WamletError(
          "WAMLET_UNSUPPORTED_OPTION",
          `${where(operator)}: no kernel computes this combination of shapes and options.`,
          "See docs/OPERATORS.md for what each operator takes.",
        );
      }
      return {
        operator,
        forms,
        inputs: layer.inputs,
        outputs: layer.outputs,
        macs: layer.macs,
        parameters: layer.parameters,
        ...(layer.inPlace ? { inPlace: layer.inPlace } : {}),
        ...(layer.alias ? { alias: layer.alias } : {}),
      };
    },
  };
}

/**
 * A form of one operator for another that is the same computation where `applies` holds.
 * @param to the layer as that operator's; give the same object for the same layer, what is proved of it is kept by it
 */
export function mapForm<L extends LoweredLayer, M extends LoweredLayer>(
  form: KernelForm<M>,
  applies: (layer: L) => boolean,
  to: (layer: L) => M,
): KernelForm<L> {
  return {
    name: form.name,
    ...(form.when ? { when: form.when } : {}),
    applies: (layer, target) => applies(layer) && form.applies(to(layer), target),
    ...(form.generated ? { generated: (layer: L) => form.generated?.(to(layer)) ?? "" } : {}),
    ...(form.codeBytes ? { codeBytes: (layer: L) => form.codeBytes?.(to(layer)) ?? 0 } : {}),
    cost: (layer, target) => form.cost(to(layer), target),
    scratch: (layer) => form.scratch(to(layer)),
    weights: (layer) => form.weights(to(layer)),
    ...(form.inPlace ? { inPlace: (layer: L) => form.inPlace?.(to(layer)) ?? [] } : {}),
    ...(form.overlay ? { overlay: (layer: L) => form.overlay?.(to(layer)) ?? null } : {}),
    emit: (layer, places) => form.emit(to(layer), places),
  };
}

/** `operator 3 (CONV_2D)`, the way errors name a place in the model. */
export function where(operator: Operator): string {
  return `operator ${operator.index} (${operator.name})`;
}
