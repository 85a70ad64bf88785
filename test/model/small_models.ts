/** Small models that several tests read. */

import type { ModelSpec, TensorSpec } from "./model_builder.js";

/** A convolution with per-channel weights and bias, then a custom operator: a bit of everything, in 1.5 KB. */
export const convolutionSpec: ModelSpec = {
  description: "a small model",
  tensors: [
    { name: "image", type: "int8", shape: [1, 4, 4, 2], quantisation: { scales: [0.5], zeroPoints: [-3] } },
    {
      name: "weights",
      type: "int8",
      shape: [3, 2, 2, 2],
      data: Uint8Array.from({ length: 24 }, (_, index) => index),
      quantisation: { scales: [0.25, 0.125, 0.0625], zeroPoints: [0], axis: 0 },
    },
    { name: "bias", type: "int32", shape: [3], data: new Uint8Array(12).fill(1) },
    { name: "features", type: "int8", shape: [1, 3, 3, 3], quantisation: { scales: [1], zeroPoints: [0] } },
    { name: "state", type: "int16", shape: [2, 5], isVariable: true },
    { name: "answer", type: "float32", shape: [] },
  ],
  operators: [
    {
      name: "CONV_2D",
      version: 3,
      inputs: [0, 1, 2],
      outputs: [3],
      options: { padding: "VALID", strideWidth: 1, strideHeight: 1, fusedActivation: "RELU6" },
    },
    {
      name: "CUSTOM:Signal",
      inputs: [3, null, 4],
      outputs: [5],
      unusual: { customOptions: Uint8Array.of(7, 8, 9) },
    },
  ],
  inputs: [0],
  outputs: [5],
};

/** A RELU on one tensor, with the input's specification overridden. */
export function reluSpec(input: Partial<TensorSpec>): ModelSpec {
  const plain: TensorSpec = {
    name: "x",
    type: "int8",
    shape: [2, 3],
    quantisation: { scales: [0.5], zeroPoints: [0] },
  };
  return {
    tensors: [
      { ...plain, ...input },
      { ...plain, name: "y" },
    ],
    operators: [{ name: "RELU", inputs: [0], outputs: [1] }],
    inputs: [0],
    outputs: [1],
  };
}
