/** Holds the reference interpreter against the goldens of TensorFlow Lite Micro, bit for bit. */

import { describe, expect, it } from "vitest";
import type { Graph } from "../../host/model/graph.js";
import { readModel } from "../../host/model/read_model.js";
import {
  conformanceFolder,
  conformanceMissing,
  modelIndex,
  type OperatorCase,
  operatorCases,
  readConformance,
} from "./conformance.js";
import { initialState, runReference, type State } from "./run_reference.js";

const suites = [
  "conv_2d",
  "depthwise_conv_2d",
  "fully_connected",
  "average_pool_2d",
  "max_pool_2d",
  "add",
  "softmax",
  "reshape",
  "pad",
  "quantize",
  "dequantize",
  "relu",
  "relu6",
  "mean",
  "mul",
  "sub",
  "maximum",
  "minimum",
  "squared_difference",
  "equal",
  "greater",
  "less_equal",
  "abs",
  "leaky_relu",
  "prelu",
  "elu",
  "logistic",
  "tanh",
  "hard_swish",
  "l2_normalization",
  "sum",
  "reduce_max",
  "arg_max",
  "arg_min",
  "batch_matmul",
  "conv_2d_int16",
  "depthwise_conv_2d_int16",
  "fully_connected_int16",
  "add_int16",
  "mul_int16",
  "squeeze",
  "expand_dims",
  "padv2",
  "mirror_pad",
  "concatenation",
  "transpose",
  "strided_slice",
  "slice",
  "split",
  "split_v",
  "pack",
  "unpack",
  "resize_nearest_neighbor",
  "resize_bilinear",
  "space_to_depth",
  "depth_to_space",
  "space_to_batch_nd",
  "batch_to_space_nd",
  "gather",
  "transpose_conv",
  "unidirectional_sequence_lstm",
  "svdf",
];

/** Models with the number of cases to run: the large ones take a second each here. */
const models: readonly (readonly [name: string, cases: number])[] = [
  ["hello_world_int8", 8],
  ["kws_ref_model", 1],
  ["ad01_int8", 2],
  ["micro_speech_quantized", 2],
  ["pretrainedResnet_quant", 1],
  ["vww_96_int8", 1],
];

describe.skipIf(conformanceFolder === null)(
  conformanceFolder === null ? `goldens (${conformanceMissing})` : "goldens",
  () => {
    it.each(suites)("gives the exact bytes of TensorFlow Lite Micro for every case of %s", (suite) => {
      const cases = operatorCases().filter((one) => one.op === suite);
      expect(cases).toHaveLength(10);
      for (const one of cases) expect(mismatchOf(one)).toBeNull();
    });

    it.each(models)("gives the exact bytes of TensorFlow Lite Micro for %s", (name, count) => {
      const index = modelIndex(name);
      const graph = readModel(readConformance(`models/${name}/${index.model}`));
      for (const one of index.cases.slice(0, count)) {
        const golden = readConformance(`models/${name}/${one.output}`);
        const output = run(graph, readConformance(`models/${name}/${one.input}`));
        expect(golden.compare(output)).toBe(0);
      }
    });
  },
);

/** Where a case first differs from its golden, in words; null where it does not. */
function mismatchOf(one: OperatorCase): string | null {
  const graph = readModel(readConformance(`ops/${one.model}`));
  const input = readConformance(`ops/${one.input}`);
  const golden = readConformance(`ops/${one.output}`);
  const inputBytes = input.length / one.samples;
  const outputBytes = golden.length / one.samples;
  let state = initialState(graph);
  for (let sample = 0; sample < one.samples; sample++) {
    if (one.state === "fresh") state = initialState(graph);
    const output = run(graph, input.subarray(sample * inputBytes, (sample + 1) * inputBytes), state);
    const expected = golden.subarray(sample * outputBytes, (sample + 1) * outputBytes);
    if (output.length !== expected.length) return `${one.id}: ${output.length} bytes, not ${expected.length}`;
    const byte = output.findIndex((value, position) => value !== expected[position]);
    if (byte >= 0) return `${one.id}, sample ${sample}, byte ${byte}: ${output[byte]}, not ${expected[byte]}`;
  }
  return null;
}

/** Runs a graph on its inputs one after the other and gives its outputs one after the other. */
function run(graph: Graph, input: Uint8Array, state: State = initialState(graph)): Uint8Array {
  let position = 0;
  const inputs = graph.inputs.map((tensor) => {
    position += tensor.bytes;
    return input.subarray(position - tensor.bytes, position);
  });
  const values = runReference(graph, inputs, state);
  return Buffer.concat(graph.outputs.map((tensor) => values.get(tensor.index) ?? new Uint8Array()));
}
