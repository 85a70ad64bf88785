/**
 * PAD before a convolution as the convolution's own padding: exporters of PyTorch and older Keras write it so, and the
 * padded copy is often a network's largest tensor. TensorFlow Lite pads with the zero point, which is what windows that
 * reach over the edge read: not a bit changes.
 */
import type { Graph, Operator, Tensor } from "../model/graph.js";

const convolutions = new Set(["CONV_2D", "DEPTHWISE_CONV_2D"]);

/** Name of the option that `slide` reads: rows before and behind, columns before and behind. */
export const paddingOption = "explicitPadding";

/** The graph's operators without each PAD that a single convolution can take over. */
export function fusePadding(graph: Graph): readonly Operator[] {
  const readers = new Map<number, Operator[]>();
  for (const operator of graph.operators) {
    for (const tensor of operator.inputs) {
      if (tensor) readers.set(tensor.index, [...(readers.get(tensor.index) ?? []), operator]);
    }
  }
  const replaced = new Map<Operator, Operator | null>();
  for (const pad of graph.operators) {
    const [padded] = pad.outputs;
    if (!padded || graph.outputs.includes(padded)) continue;
    const [convolution, ...others] = readers.get(padded.index) ?? [];
    if (!convolution || others.length > 0) continue;
    const padding = paddingOf(pad, convolution);
    if (padding === null) continue;
    replaced.set(pad, null);
    replaced.set(convolution, {
      ...convolution,
      inputs: [pad.inputs[0] ?? null, ...convolution.inputs.slice(1)],
      options: {
        ...convolution.options,
        fields: { ...convolution.options.fields, padding: "EXPLICIT", [paddingOption]: padding },
      },
    });
  }
  return graph.operators.flatMap((operator) => {
    const other = replaced.get(operator);
    return other === undefined ? [operator] : other === null ? [] : [other];
  });
}

/** Rows before and behind, columns before and behind; null where the two cannot be one. */
function paddingOf(pad: Operator, convolution: Operator): readonly number[] | null {
  const [from, paddings] = pad.inputs;
  const [padded] = pad.outputs;
  if (pad.name !== "PAD" || !convolutions.has(convolution.name) || !from || !padded) return null;
  if (convolution.inputs[0] !== padded || convolution.options.fields.padding !== "VALID") return null;
  if (paddings?.data == null || paddings.type !== "int32" || paddings.elements !== 8) return null;
  if (from.type !== padded.type || !sameScale(from, padded) || from.shape.length !== 4) return null;
  const view = new DataView(paddings.data.buffer, paddings.data.byteOffset, paddings.data.byteLength);
  const at = Array.from({ length: 8 }, (_, index) => view.getInt32(index * 4, true));
  if (at.some((value) => value < 0) || [0, 1, 6, 7].some((index) => at[index] !== 0)) return null;
  if (
    from.shape.some(
      (size, axis) => padded.shape[axis] !== size + (at[2 * axis] ?? 0) + (at[2 * axis + 1] ?? 0),
    )
  )
    return null;
  const filter = convolution.inputs[1]?.shape ?? [];
  const { dilationHeight = 1, dilationWidth = 1 } = convolution.options.fields;
  const spans = [
    ((filter[1] ?? 1) - 1) * Number(dilationHeight) + 1,
    ((filter[2] ?? 1) - 1) * Number(dilationWidth) + 1,
  ];
  // Every window then reads some of the image, which the kernels rely on.
  const reached = [2, 3, 4, 5].every((index) => (at[index] ?? 0) < (spans[index < 4 ? 0 : 1] ?? 0));
  return reached ? at.slice(2, 6) : null;
}

function sameScale(one: Tensor, other: Tensor): boolean {
  const [a, b] = [one.quantisation, other.quantisation];
  if (!a || !b || a.scales.length !== 1 || b.scales.length !== 1) return false;
  return a.scales[0] === b.scales[0] && a.zeroPoints[0] === b.zeroPoints[0];
}
