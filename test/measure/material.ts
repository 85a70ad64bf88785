/** What the tests of measuring share: a small model and answers of it. */

import type { MeasuredAnswer } from "../../host/measure/answer.js";
import type { LayerDescription, ModelDescription, TensorDescription } from "../../host/module/description.js";

export const scores: TensorDescription = {
  name: "scores",
  type: "int8",
  shape: [1, 3],
  scale: 1 / 256,
  zeroPoint: -128,
  offset: 64,
  bytes: 3,
};

const layer = (index: number, operator: string, macs: number): LayerDescription => ({
  index,
  operator,
  name: `layer ${index}`,
  kernel: `${operator.toLowerCase()}_plain`,
  outputShape: [1, 3],
  macs,
  parameters: macs,
  opcodes: 100,
  bytesMoved: 10,
});

export const model: Pick<ModelDescription, "name" | "source" | "labels" | "inputs" | "outputs" | "layers"> = {
  name: "tiny",
  source: { sha256: "00".repeat(32), bytes: 1000, description: "" },
  labels: ["still", "walking", "shaking"],
  inputs: [{ ...scores, name: "window", shape: [1, 8], bytes: 8, offset: 0 }],
  outputs: [scores],
  layers: [layer(0, "CONV_2D", 200), layer(1, "FULLY_CONNECTED", 100), layer(2, "SOFTMAX", 0)],
};

/** An answer whose scores are the given int8 codes. */
export function answerOf(codes: readonly number[], more: Partial<MeasuredAnswer> = {}): MeasuredAnswer {
  return {
    frame: 0,
    outputs: [new Uint8Array(Int8Array.from(codes).buffer)],
    count: { value: 1000, unit: "instructions", source: "modelled: opcodes" },
    microseconds: 50,
    nanojoules: 7000,
    energySource: "modelled",
    memoryBytes: 4096,
    layers: null,
    ...more,
  };
}
