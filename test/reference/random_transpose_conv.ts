/** Random TRANSPOSE_CONV layers. */

import type { Random } from "../model/random.js";
import { int32Bytes, type LayerSpec, randomActivation } from "./random_parts.js";
import { randomWeights } from "./random_weights.js";

interface Axis {
  readonly filter: number;
  readonly stride: number;
  readonly input: number;
  readonly output: number;
}

export function randomTransposeConv(random: Random): LayerSpec {
  const padding = random.pick(["SAME", "VALID"]);
  const [rows, columns] = [0, 1].map(() => {
    const filter = random.integer(1, 5);
    const stride = random.pick([1, 1, 2, 2, 3]);
    const size = random.integer(1, 7);
    const valid = (size - 1) * stride + filter;
    const same = size * stride - random.integer(0, stride - 1);
    return { filter, stride, input: size, output: padding === "SAME" ? same : valid };
  }) as [Axis, Axis];
  const [batch, depth, channels] = [random.chance(0.15) ? 2 : 1, random.integer(1, 12), random.integer(1, 8)];
  const { filter, bias, input, output } = randomWeights(random, {
    shape: [channels, rows.filter, columns.filter, depth],
    channelAxis: 0,
    perChannel: random.chance(0.75),
    int16: false,
  });
  const shape = [batch, rows.output, columns.output, channels];
  return {
    tensors: [
      { name: "input", type: "int8", shape: [batch, rows.input, columns.input, depth], quantisation: input },
      { name: "output", type: "int8", shape, quantisation: output },
      { name: "shape", type: "int32", shape: [4], data: int32Bytes(shape) },
      filter,
      ...(bias === null ? [] : [bias]),
    ],
    inputs: bias === null ? [2, 3, 0] : [2, 3, 0, 4],
    graphInputs: [0],
    output: 1,
    options: {
      padding,
      strideHeight: rows.stride,
      strideWidth: columns.stride,
      fusedActivation: randomActivation(random),
    },
  };
}
