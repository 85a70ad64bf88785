/** RESIZE_NEAREST_NEIGHBOR of any elements, RESIZE_BILINEAR of int8. Kernels: resize.ts. */
import { elementBytes } from "../../element_type.js";
import type { Operator, Tensor } from "../../model/graph.js";
import { roundHalfAway } from "../fixed_point.js";
import { defineOperator, type KernelForm, type LoweredLayer } from "../layer.js";
import { fourDimensions, sameQuantisation } from "../limits.js";
import { requireSameElements } from "../movement.js";
import { input, nhwc, output, requireShape, requireType, unsupported } from "../operands.js";

interface Resize extends LoweredLayer {
  /** [batches, height, width, channels] before and after. */
  readonly from: readonly [number, number, number, number];
  readonly to: readonly [number, number, number, number];
  /** Table entries of the output's rows, then of its columns. */
  readonly rows: readonly number[];
  readonly columns: readonly number[];
}

const tableOf = (layer: Resize, make: (entries: number[]) => Uint16Array | Int32Array) =>
  new Uint8Array(make([...layer.rows, ...layer.columns]).buffer);

const nearest: KernelForm<Resize> = {
  name: "resize_nearest_plain",
  applies: () => true,
  cost(layer) {
    const [batches, rows, columns, channels] = layer.to;
    const drawn = layer.rows.filter((row, index) => row !== layer.rows[index - 1]).length;
    return {
      opcodes: 25 + batches * (rows * 12 + drawn * columns * 8),
      bytesMoved: batches * rows * columns * channels + 2 * (rows + columns),
    };
  },
  scratch: (layer) => [{ kind: "weights", bytes: 2 * (layer.rows.length + layer.columns.length) }],
  weights: (layer) => [tableOf(layer, (entries) => Uint16Array.from(entries))],
  emit(layer, places) {
    const [x, y] = [layer.inputs[0] as Tensor, layer.outputs[0] as Tensor];
    const [batches, inputRows, inputColumns, channels] = layer.from;
    const pixelBytes = channels * elementBytes[x.type];
    return [
      {
        file: "kernels/resize",
        function: "resizeNearest",
        arguments: [
          ["input", places.address(x)],
          ["output", places.address(y)],
          ["weights", places.weights[0] as number],
          ["tile", places.scratch[0] as number],
          ["batches", batches],
          ["inputRows", inputRows],
          ["outputRows", layer.to[1]],
          ["outputColumns", layer.to[2]],
          ["rowBytes", inputColumns * pixelBytes],
          ["pixelBytes", pixelBytes],
        ],
      },
    ];
  },
};

const bilinear: KernelForm<Resize> = {
  name: "resize_bilinear_plain",
  applies: () => true,
  cost(layer) {
    const [batches, rows, columns, channels] = layer.to;
    return {
      opcodes: 20 + batches * rows * (14 + columns * (14 + channels * 27)),
      bytesMoved: 4 * (rows + columns),
    };
  },
  scratch: (layer) => [{ kind: "weights", bytes: 4 * (layer.rows.length + layer.columns.length) }],
  weights: (layer) => [tableOf(layer, (entries) => Int32Array.from(entries))],
  emit(layer, places) {
    const [batches, inputRows, inputColumns, channels] = layer.from;
    return [
      {
        file: "kernels/resize",
        function: "resizeBilinear",
        arguments: [
          ["input", places.address(layer.inputs[0] as Tensor)],
          ["output", places.address(layer.outputs[0] as Tensor)],
          ["weights", places.weights[0] as number],
          ["tile", places.scratch[0] as number],
          ["batches", batches],
          ["inputRows", inputRows],
          ["inputColumns", inputColumns],
          ["outputRows", layer.to[1]],
          ["outputColumns", layer.to[2]],
          ["channels", channels],
        ],
      },
    ];
  },
};

/** How positions of the output map to those of the input. */
interface Mapping {
  readonly inputs: number;
  readonly outputs: number;
  readonly alignCorners: boolean;
  readonly halfPixelCenters: boolean;
}

/** GetNearestNeighbor of reference/resize_nearest_neighbor.h, in float32 as there. */
function nearestPosition(at: number, { inputs, outputs, alignCorners, halfPixelCenters }: Mapping): number {
  const corners = alignCorners && outputs > 1;
  const scale = Math.fround(corners ? (inputs - 1) / (outputs - 1) : inputs / outputs);
  const position = Math.fround((at + (halfPixelCenters ? 0.5 : 0)) * scale);
  return Math.min(alignCorners ? roundHalfAway(position) : Math.floor(position), inputs - 1);
}

/**
 * ComputeInterpolationValuesInteger of reference/resize_bilinear.h: the lower neighbour · 2¹⁰ + the weight of the
 * upper one. Where both neighbours are the same there, weights do not matter, so the upper one gets none.
 */
function bilinearPosition(at: number, { inputs, outputs, alignCorners, halfPixelCenters }: Mapping): number {
  const corners = alignCorners && outputs > 1;
  const [distance, steps] = corners ? [inputs - 1, outputs - 1] : [inputs, outputs];
  const scale = Math.floor((1024 * distance + Math.floor(steps / 2)) / steps);
  const scaled = at * scale + (halfPixelCenters ? (scale >> 1) - 512 : 0);
  const lower = Math.min(Math.max(scaled >> 10, 0), inputs - 1);
  const hasUpper = scaled >= 0 && lower < inputs - 1;
  return lower * 1024 + (hasUpper ? scaled & 1023 : 0);
}

function lower(operator: Operator, position: (at: number, mapping: Mapping) => number): Resize {
  const x = input(operator, 0);
  const y = output(operator);
  requireSameElements(operator, x, y);
  const from = nhwc(operator, x);
  const to = nhwc(operator, y);
  // The new size is the output's; the second input repeats it.
  requireShape(operator, y, [from[0], to[1], to[2], from[3]]);
  if (Math.max(...from, ...to) > 0xffff) {
    throw unsupported(operator, "a dimension above 65535", "Resize smaller images.");
  }
  const { fields } = operator.options;
  const entries = (axis: 1 | 2) => {
    const mapping = {
      inputs: from[axis],
      outputs: to[axis],
      alignCorners: fields.alignCorners === true,
      halfPixelCenters: fields.halfPixelCenters === true,
    };
    return Array.from({ length: to[axis] }, (_, at) => position(at, mapping));
  };
  return {
    inputs: [x],
    outputs: [y],
    macs: 0,
    parameters: 0,
    from,
    to,
    rows: entries(1),
    columns: entries(2),
  };
}

const mostPixels = "no dimension above 65535; the new size is the output tensor's";

export const resizeNearestNeighbor = defineOperator<Resize>({
  name: "RESIZE_NEAREST_NEIGHBOR",
  limits: [fourDimensions, sameQuantisation, mostPixels],
  lower: (operator) => lower(operator, nearestPosition),
  forms: [nearest],
});

export const resizeBilinear = defineOperator<Resize>({
  name: "RESIZE_BILINEAR",
  limits: [fourDimensions, sameQuantisation, mostPixels],
  lower(operator) {
    requireType(operator, input(operator, 0), "int8");
    return lower(operator, bilinearPosition);
  },
  forms: [bilinear],
});
