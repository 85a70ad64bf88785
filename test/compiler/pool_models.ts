/** Models of one pool. */
import { buildModel } from "../model/model_builder.js";

export interface Pool {
  readonly size: readonly [height: number, width: number, channels: number];
  readonly filter: readonly [number, number];
  readonly stride?: number;
  readonly padding?: "SAME" | "VALID";
  readonly activation?: "NONE" | "RELU" | "RELU6";
}

/** A model of one pool; its tensors have scale 0.05 and zero point −20. */
export function poolModel(
  name: "AVERAGE_POOL_2D" | "MAX_POOL_2D",
  { size, filter, stride = 1, padding = "VALID", activation = "NONE" }: Pool,
): Uint8Array {
  const [height, width, channels] = size;
  const outputs = (length: number, taps: number) =>
    Math.ceil((padding === "SAME" ? length : length - taps + 1) / stride);
  const image = (shape: readonly number[]) => ({
    type: "int8" as const,
    shape,
    quantisation: { scales: [0.05], zeroPoints: [-20] },
  });
  return buildModel({
    tensors: [
      image([1, height, width, channels]),
      image([1, outputs(height, filter[0]), outputs(width, filter[1]), channels]),
    ],
    operators: [
      {
        name,
        inputs: [0],
        outputs: [1],
        options: {
          padding,
          filterHeight: filter[0],
          filterWidth: filter[1],
          strideHeight: stride,
          strideWidth: stride,
          fusedActivation: activation,
        },
      },
    ],
    inputs: [0],
    outputs: [1],
  });
}
