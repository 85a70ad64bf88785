/**
 * RELU and RELU6 behind an operator as that operator's fused activation, where both outputs are quantised alike: the
 * rectifier then is a clamp of a value that is already requantised (by exactly 1), and the operator has a clamp anyway.
 */
import type { Operator, Tensor } from "../model/graph.js";

/** Operators with a fused activation whose clamp is the last thing they do. */
const clamping = new Set(["CONV_2D", "DEPTHWISE_CONV_2D", "FULLY_CONNECTED", "ADD", "SUB", "MUL"]);
const rectifiers = new Set(["RELU", "RELU6"]);

/** The operators without each rectifier that the one before it can take over. @param outputs of the model */
export function fuseActivations(
  operators: readonly Operator[],
  outputs: readonly Tensor[],
): readonly Operator[] {
  const readers = new Map<Tensor, number>();
  for (const { inputs } of operators) {
    for (const tensor of inputs) if (tensor) readers.set(tensor, (readers.get(tensor) ?? 0) + 1);
  }
  const makers = new Map(
    operators.flatMap((operator) => operator.outputs.map((tensor) => [tensor, operator])),
  );
  const replaced = new Map<Operator, Operator | null>();
  for (const rectifier of operators) {
    const [between] = rectifier.inputs;
    const [after] = rectifier.outputs;
    const maker = between ? makers.get(between) : undefined;
    if (!rectifiers.has(rectifier.name) || !between || !after || !maker || !clamping.has(maker.name))
      continue;
    if (readers.get(between) !== 1 || outputs.includes(between) || !alike(between, after)) continue;
    if ((maker.options.fields.fusedActivation ?? "NONE") !== "NONE") continue;
    const fields = { ...maker.options.fields, fusedActivation: rectifier.name };
    replaced.set(rectifier, null);
    replaced.set(maker, { ...maker, outputs: [after], options: { ...maker.options, fields } });
  }
  return operators.flatMap((operator) => {
    const other = replaced.get(operator);
    return other === undefined ? [operator] : other === null ? [] : [other];
  });
}

/** int8, of one shape and one quantisation. */
function alike(one: Tensor, other: Tensor): boolean {
  const [a, b] = [one.quantisation, other.quantisation];
  if (one.type !== "int8" || other.type !== "int8" || !a || !b) return false;
  if (one.shape.join() !== other.shape.join() || a.scales.length !== 1 || b.scales.length !== 1) return false;
  return a.scales[0] === b.scales[0] && a.zeroPoints[0] === b.zeroPoints[0];
}
