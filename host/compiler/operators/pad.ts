/** PAD with the zero point (the quantised 0), PADV2 with a constant of its own. Kernels: pad.ts. */
import type { Operator, Tensor } from "../../model/graph.js";
import { denseSteps } from "../dimensions.js";
import { defineOperator, type KernelForm, type LoweredLayer } from "../layer.js";
import { sameQuantisation } from "../limits.js";
import { requireSameElements } from "../movement.js";
import {
  constant,
  constantIntegers,
  input,
  malformed,
  output,
  perTensor,
  requireShape,
  requireType,
  unsupported,
} from "../operands.js";

interface Pad extends LoweredLayer {
  readonly value: number;
  /** Where the first input element goes in the output. */
  readonly start: number;
  /** Four outer loops: length, and step in the output. */
  readonly loops: readonly { readonly size: number; readonly step: number }[];
  /** Elements copied at once. */
  readonly run: number;
}

const plain: KernelForm<Pad> = {
  name: "pad_plain",
  applies: () => true,
  cost(layer) {
    const runs = layer.loops.reduce((product, loop) => product * loop.size, 1);
    return { opcodes: 20 + runs * 12, bytesMoved: (layer.outputs[0] as Tensor).bytes + runs * layer.run };
  },
  scratch: () => [],
  weights: () => [],
  emit: (layer, places) => [
    {
      file: "kernels/pad",
      function: "pad",
      arguments: [
        ["input", places.address(layer.inputs[0] as Tensor)],
        ["output", places.address(layer.outputs[0] as Tensor)],
        ["outputBytes", (layer.outputs[0] as Tensor).bytes],
        ["value", layer.value],
        ["start", layer.start],
        ...layer.loops.map((loop, index) => [`size${index}`, loop.size] as const),
        ["run", layer.run],
        ...layer.loops.map((loop, index) => [`step${index}`, loop.step] as const),
      ],
    },
  ],
};

/** Neighbouring dimensions of which the inner is not padded are one: sizes, paddings before and after. */
function joinUnpadded(shape: readonly number[], paddings: readonly (readonly [number, number])[]) {
  const joined: { size: number; before: number; after: number }[] = [];
  shape.forEach((size, axis) => {
    const [before, after] = paddings[axis] as readonly [number, number];
    const last = joined.at(-1);
    if (last && before === 0 && after === 0) {
      joined[joined.length - 1] = {
        size: last.size * size,
        before: last.before * size,
        after: last.after * size,
      };
    } else {
      joined.push({ size, before, after });
    }
  });
  return joined;
}

function lower(operator: Operator): Pad {
  const x = input(operator, 0);
  const y = output(operator);
  requireType(operator, x, "int8");
  requireType(operator, y, "int8");
  const from = perTensor(operator, x);
  const to = perTensor(operator, y);
  if (from.scale !== to.scale || from.zeroPoint !== to.zeroPoint) {
    throw malformed(operator, "input and output are quantised differently, PAD cannot rescale");
  }
  const amounts = constantIntegers(operator, input(operator, 1));
  if (amounts.length !== 2 * x.shape.length || amounts.some((amount) => amount < 0)) {
    throw malformed(operator, `the paddings [${amounts.join(",")}] do not fit ${x.shape.length} dimensions`);
  }
  const paddings = x.shape.map(
    (_, axis) => [amounts[2 * axis] as number, amounts[2 * axis + 1] as number] as const,
  );
  requireShape(
    operator,
    y,
    x.shape.map((size, axis) => size + (paddings[axis]?.[0] ?? 0) + (paddings[axis]?.[1] ?? 0)),
  );
  const joined = joinUnpadded(x.shape, paddings);
  if (joined.length > 5)
    throw unsupported(operator, `padding in ${joined.length} dimensions`, "At most five are supported.");
  const steps = denseSteps(joined.map(({ size, before, after }) => size + before + after));
  const start = joined.reduce((sum, { before }, axis) => sum + before * (steps[axis] as number), 0);
  const outer = joined.slice(0, -1).map(({ size }, axis) => ({ size, step: steps[axis] as number }));
  return {
    inputs: [x],
    outputs: [y],
    macs: 0,
    parameters: 0,
    value: to.zeroPoint,
    start,
    loops: [
      ...new Array<{ size: number; step: number }>(4 - outer.length).fill({ size: 1, step: 0 }),
      ...outer,
    ],
    run: joined.at(-1)?.size ?? 1,
  };
}

/** The padding value of PADV2, an element quantised like the input. */
function paddingValue(operator: Operator, x: Tensor): number {
  const tensor = input(operator, 2);
  requireSameElements(operator, tensor, x);
  if (tensor.elements !== 1) throw malformed(operator, `a padding value of ${tensor.elements} elements`);
  return new Int8Array(constant(operator, tensor))[0] as number;
}

const padding = "paddings constant, in at most five dimensions";

export const pad = defineOperator({
  name: "PAD",
  limits: [padding, sameQuantisation],
  lower,
  forms: [plain],
});
export const padV2 = defineOperator<Pad>({
  name: "PADV2",
  limits: [padding, sameQuantisation, "the value a constant"],
  lower: (operator) => ({ ...lower(operator), value: paddingValue(operator, input(operator, 0)) }),
  forms: [plain],
});
