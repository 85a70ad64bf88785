/**
 * The one place where no golden decides: how precisely FULLY_CONNECTED multiplies its scales. TensorFlow Lite
 * Micro's published sources round the product of input and filter scale to float32 where there is one scale
 * (GetQuantizedConvolutionMultipler), and its Python wheels up to 2026-10-12 do so; those from 2026-10-13 give
 * what double precision gives. The goldens agree with both.
 */

import { expect, it } from "vitest";
import { readModel } from "../../host/model/read_model.js";
import { buildModel } from "../model/model_builder.js";
import { runReference } from "./run_reference.js";

/** Scales whose product is just over what float32 holds; the output's scale is twice the rounded product. */
const inputScale = (1 + 2 ** -12) * 2 ** -4;
const filterScale = (1 + 2 ** -12) * 2 ** -6;
const outputScale = (1 + 2 ** -11) * 2 ** -9;

/** A layer that halves its inputs, with one or two channels of weight 1. */
function halve(channels: 1 | 2, value: number): number | undefined {
  const perTensor = (scale: number) => ({ scales: [scale], zeroPoints: [0] });
  const filterScales = Array<number>(channels).fill(filterScale);
  const graph = readModel(
    buildModel({
      tensors: [
        { type: "int8", shape: [1, 1], quantisation: perTensor(inputScale) },
        { type: "int8", shape: [1, channels], quantisation: perTensor(outputScale) },
        {
          type: "int8",
          shape: [channels, 1],
          data: new Uint8Array(channels).fill(1),
          quantisation: { scales: filterScales, zeroPoints: filterScales.map(() => 0) },
        },
      ],
      operators: [{ name: "FULLY_CONNECTED", inputs: [0, 2, null], outputs: [1], options: {} }],
      inputs: [0],
      outputs: [1],
    }),
  );
  return Int8Array.from(runReference(graph, [Uint8Array.of(value)]).get(1) ?? [])[0];
}

it("rounds the product of the scales to float32 where the filter has one scale: -1/2 is a tie and goes up", () => {
  expect([-1, -3, -5, 1, 3].map((value) => halve(1, value))).toEqual([0, -1, -2, 1, 2]);
});

it("keeps the product in double precision per channel: the multiplier is over 1/2, and -1/2 goes down", () => {
  expect([-1, -3, -5, 1, 3].map((value) => halve(2, value))).toEqual([-1, -2, -3, 1, 2]);
});
