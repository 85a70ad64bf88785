/** Every model of the conformance data reads as a graph that keeps its promises. */

import { describe, expect, it } from "vitest";
import { WamletError } from "../../host/errors.js";
import { readModel } from "../../host/model/read_model.js";
import {
  conformanceFolder,
  conformanceMissing,
  operatorCases,
  readConformance,
} from "../reference/conformance.js";
import { expectPromisesKept } from "./graph_promises.js";

/** Operators by model, as counted with TensorFlow's own reader of the schema. */
const models: readonly (readonly [name: string, operators: Readonly<Record<string, number>>])[] = [
  ["hello_world_int8", { FULLY_CONNECTED: 3 }],
  ["ad01_int8", { FULLY_CONNECTED: 10 }],
  ["micro_speech_quantized", { RESHAPE: 1, DEPTHWISE_CONV_2D: 1, FULLY_CONNECTED: 1, SOFTMAX: 1 }],
  [
    "kws_ref_model",
    { CONV_2D: 5, DEPTHWISE_CONV_2D: 4, AVERAGE_POOL_2D: 1, RESHAPE: 1, FULLY_CONNECTED: 1, SOFTMAX: 1 },
  ],
  [
    "pretrainedResnet_quant",
    { CONV_2D: 9, ADD: 3, AVERAGE_POOL_2D: 1, RESHAPE: 1, FULLY_CONNECTED: 1, SOFTMAX: 1 },
  ],
  [
    "vww_96_int8",
    { CONV_2D: 14, DEPTHWISE_CONV_2D: 13, AVERAGE_POOL_2D: 1, RESHAPE: 1, FULLY_CONNECTED: 1, SOFTMAX: 1 },
  ],
];

describe.skipIf(conformanceFolder === null)(
  conformanceFolder === null ? `conformance models (${conformanceMissing})` : "conformance models",
  () => {
    it.each(models)("reads %s with all its operators", (name, expected) => {
      const graph = readModel(readConformance(`models/${name}/model.tflite`));
      expectPromisesKept(graph);
      const counts: Record<string, number> = {};
      for (const { name: operator } of graph.operators) counts[operator] = (counts[operator] ?? 0) + 1;
      expect(counts).toEqual(expected);
    });

    it("reads every single-operator model", () => {
      const cases = operatorCases();
      expect(cases).toHaveLength(620);
      for (const { model } of cases) expectPromisesKept(readModel(readConformance(`ops/${model}`)));
    });

    it("refuses the audio preprocessor for its UINT32 tensors, by name", () => {
      const read = () => readModel(readConformance("models/audio_preprocessor_int8/model.tflite"));
      expect(read).toThrow(WamletError);
      expect(read).toThrow(/tensor 'signal_energy' \(24\) has elements of type UINT32/);
    });
  },
);
