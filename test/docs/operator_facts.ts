/**
 * What the compiler's table does with each operator, found by asking it: random models of the operator are bound as
 * they are, with other element types, with constants made computed and with inputs left out.
 */

import type { BoundLayer } from "../../host/compiler/layer.js";
import { operatorCompiler, supportedOperators } from "../../host/compiler/operators/table.js";
import { type ElementType, elementBytes } from "../../host/element_type.js";
import { WamletError } from "../../host/errors.js";
import type { Operator, Tensor } from "../../host/model/graph.js";
import { randomModel } from "../reference/random_graph.js";

export interface OperatorFacts {
  readonly name: string;
  /** Types of the computed input, each with the types that the output may then have. */
  readonly types: ReadonlyMap<ElementType, ReadonlySet<ElementType>>;
  /** Inputs that must be constants, by position. */
  readonly constants: readonly number[];
  /** Inputs that may be left out. */
  readonly optional: readonly number[];
  /** Inputs whose memory the output may take over. */
  readonly inPlace: readonly number[];
  /** Whether the output can be the input's memory without any code. */
  readonly alias: boolean;
  /** Inputs that are state, kept from inference to inference. */
  readonly state: readonly number[];
  /** Forms that were offered for some model but not for every one. */
  readonly sometimes: ReadonlySet<string>;
  readonly limits: readonly string[];
  readonly forms: readonly { readonly name: string; readonly when: string | null }[];
}

/** Random models of each operator; more of them change nothing. */
const models = 40;
const elementTypes = Object.keys(elementBytes) as ElementType[];

export function operatorFacts(): OperatorFacts[] {
  return supportedOperators.map(factsOf);
}

function bind(operator: Operator): BoundLayer | null {
  try {
    return operatorCompiler(operator).bind(operator, { board: null });
  } catch (error) {
    if (error instanceof WamletError) return null;
    throw error;
  }
}

function factsOf(name: string): OperatorFacts {
  const operators = Array.from(
    { length: models },
    (_, seed) => randomModel(name, seed).graph.operators[0] as Operator,
  );
  // The reference computes a little more than the compiler takes: QUANTIZE from int32.
  const bound = operators.flatMap((operator) => {
    const layer = bind(operator);
    return layer ? [{ operator, layer }] : [];
  });
  const types = new Map<ElementType, Set<ElementType>>();
  for (const { operator } of bound) {
    for (const [from, to] of acceptedTypes(operator)) types.set(from, (types.get(from) ?? new Set()).add(to));
  }
  const positions = bound.flatMap(({ operator: { inputs } }) => inputs.map((_, position) => position));
  const where = (holds: (operator: Operator, layer: BoundLayer, position: number) => boolean) =>
    [...new Set(positions)]
      .filter((position) => bound.some(({ operator, layer }) => holds(operator, layer, position)))
      .sort((a, b) => a - b);
  const offered = bound.map(({ layer }) => new Set(layer.forms.map((form) => form.name)));
  const { limits, forms } = operatorCompiler(operators[0] as Operator);
  return {
    name,
    limits,
    forms,
    types,
    constants: where((operator, _, position) => mustBeConstant(operator, position)),
    optional: where((operator, _, position) => canBeLeftOut(operator, position)),
    inPlace: where(
      ({ inputs }, layer, position) => layer.inPlace?.includes(inputs[position] as Tensor) ?? false,
    ),
    alias: bound.some(({ layer }) => layer.alias !== undefined),
    state: where(({ inputs }, _, position) => inputs[position]?.isVariable === true),
    sometimes: new Set(
      forms.map((form) => form.name).filter((form) => !offered.every((names) => names.has(form))),
    ),
  };
}

/** Pairs of types of input and output that are accepted: those of the model, and any others put in their place. */
function acceptedTypes(operator: Operator): [ElementType, ElementType][] {
  const computed = operator.inputs.find(
    (tensor) => tensor !== null && tensor.data === null && !tensor.isVariable,
  );
  const main = computed ?? operator.inputs[0];
  const [first] = operator.outputs;
  if (!main || !first) return [];
  return elementTypes.flatMap((from) =>
    elementTypes.flatMap((to): [ElementType, ElementType][] => {
      // Constants keep their type: a filter's is not the image's.
      const inputs = operator.inputs.map((tensor) =>
        tensor && tensor.data === null && !tensor.isVariable && tensor.type === main.type
          ? retyped(tensor, from)
          : tensor,
      );
      const outputs = operator.outputs.map((tensor) => retyped(tensor, to));
      return bind({ ...operator, inputs, outputs }) ? [[from, to]] : [];
    }),
  );
}

/** The tensor with another element type; int16 is quantised around 0. */
function retyped(tensor: Tensor, type: ElementType): Tensor {
  if (tensor.type === type) return tensor;
  const { quantisation } = tensor;
  const zeroPoints = quantisation?.zeroPoints.map((zeroPoint) => (type === "int16" ? 0 : zeroPoint)) ?? [];
  return {
    ...tensor,
    type,
    bytes: tensor.elements * elementBytes[type],
    quantisation: quantisation && { ...quantisation, zeroPoints },
  };
}

function mustBeConstant(operator: Operator, position: number): boolean {
  const tensor = operator.inputs[position];
  if (!tensor?.data) return false;
  return bind({ ...operator, inputs: operator.inputs.with(position, { ...tensor, data: null }) }) === null;
}

function canBeLeftOut(operator: Operator, position: number): boolean {
  const tensor = operator.inputs[position];
  // Already left out in this model, which is accepted.
  if (!tensor) return true;
  return bind({ ...operator, inputs: operator.inputs.with(position, null) }) !== null;
}
