/** What the reader refuses, with which code, and what it says. */

import { describe, expect, it } from "vitest";
import { WamletError } from "../../host/errors.js";
import { readModel } from "../../host/model/read_model.js";
import { buildModel, type ModelSpec, type TensorSpec } from "./model_builder.js";
import { convolutionSpec, reluSpec } from "./small_models.js";

/** The error that reading these bytes gives. */
function refusal(bytes: Uint8Array): { code: string; text: string } {
  try {
    readModel(bytes);
  } catch (error) {
    if (error instanceof WamletError) return { code: error.code, text: `${error.message} ${error.hint}` };
    throw error;
  }
  throw new Error("The model was not refused.");
}

function expectRefused(spec: ModelSpec, code: string, words: RegExp): void {
  const { code: actual, text } = refusal(buildModel(spec));
  expect(text).toMatch(words);
  expect(actual).toBe(code);
}

const INVALID = "WAMLET_INVALID_MODEL";
const TYPE = "WAMLET_UNSUPPORTED_TYPE";
const OPTION = "WAMLET_UNSUPPORTED_OPTION";

describe("readModel refuses", () => {
  it.each([
    ["an empty file", [], /at least 8 bytes; this one has 0/],
    ["text", [...Buffer.from("hello, this is not a model")], /not a \.tflite model/],
    ["a Keras archive", [0x50, 0x4b, 3, 4, 0, 0, 0, 0, 0], /zip archive.*TFLiteConverter/],
    ["an HDF5 file", [0x89, 0x48, 0x44, 0x46, 0x0d, 0x0a, 0x1a, 0x0a], /HDF5/],
    [
      "a WebAssembly module",
      [0, 0x61, 0x73, 0x6d, 1, 0, 0, 0],
      /WebAssembly module.*\.tflite it was compiled from/,
    ],
  ])("%s, saying what it is", (_, bytes, words) => {
    const { code, text } = refusal(Uint8Array.from(bytes));
    expect(text).toMatch(words);
    expect(code).toBe(INVALID);
  });

  it("other schema versions and identifiers", () => {
    expectRefused({ ...reluSpec({}), unusual: { schemaVersion: 2 } }, INVALID, /schema version 2/);
    expectRefused({ ...reluSpec({}), unusual: { identifier: "TFL9" } }, INVALID, /TFL3 is missing/);
  });

  it("several subgraphs, naming them", () => {
    expectRefused(
      { ...reluSpec({}), unusual: { subgraphs: 2 } },
      OPTION,
      /2 subgraphs \('main', 'main'\).*WHILE/,
    );
  });

  it("a model without subgraph, inputs or outputs", () => {
    expectRefused({ ...reluSpec({}), unusual: { subgraphs: 0 } }, INVALID, /no subgraph/);
    expectRefused({ ...reluSpec({}), inputs: [] }, INVALID, /no inputs/);
    expectRefused({ ...reluSpec({}), outputs: [] }, INVALID, /no outputs/);
  });

  const tensors: readonly [what: string, input: Partial<TensorSpec>, code: string, words: RegExp][] = [
    ["foreign types, by name", { unusual: { typeCode: 1 } }, TYPE, /tensor 'x' \(0\).*FLOAT16.*int8/],
    ["types newer than the schema", { unusual: { typeCode: 99 } }, TYPE, /number 99/],
    ["sparse tensors", { unusual: { sparse: true } }, TYPE, /'x'.*sparse/],
    ["blockwise quantisation", { unusual: { blockwise: true } }, TYPE, /'x'.*blockwise/],
    ["data in other files", { unusual: { externalBuffer: 5 } }, OPTION, /'x'.*another file/],
    ["buffers that are not there", { unusual: { bufferNumber: 40 } }, INVALID, /buffer 40; the model has 1/],
    ["open dimensions", { shape: [-1, 3] }, INVALID, /shape -1×3.*fixed input shape/],
    ["empty dimensions", { shape: [2, 0] }, INVALID, /shape 2×0/],
    ["more than 8 dimensions", { shape: [1, 1, 1, 1, 1, 1, 1, 1, 1] }, INVALID, /9 dimensions/],
    ["tensors over 2 GB", { shape: [65536, 65536] }, INVALID, /4294967296 bytes/],
    ["overflowing shapes", { shape: Array(8).fill(2 ** 31 - 1) }, INVALID, /would take/],
    [
      "scales without zero points",
      { quantisation: { scales: [1], zeroPoints: [] } },
      INVALID,
      /1 scales, but 0/,
    ],
    ["negative scales", { quantisation: { scales: [-1], zeroPoints: [0] } }, INVALID, /scale -1/],
    ["infinite scales", { quantisation: { scales: [Infinity], zeroPoints: [0] } }, INVALID, /scale Infinity/],
    [
      "foreign zero points",
      { quantisation: { scales: [1], zeroPoints: [128] } },
      INVALID,
      /128, outside -128 to 127/,
    ],
    [
      "scales that do not fit the axis",
      { quantisation: { scales: [1, 1], zeroPoints: [0, 0], axis: 1 } },
      INVALID,
      /shape 2×3 has 2 scales along dimension 1, which has the length 3/,
    ],
    [
      "an axis that the shape does not have",
      { quantisation: { scales: [1, 1], zeroPoints: [0, 0], axis: -1 } },
      INVALID,
      /dimension -1, which has the length none/,
    ],
    ["constants as graph inputs", { data: new Uint8Array(6) }, INVALID, /graph input 'x' is a constant/],
    [
      "constants that vary",
      { data: new Uint8Array(6), isVariable: true },
      INVALID,
      /constant and a variable/,
    ],
    [
      "constants of a wrong size",
      { data: new Uint8Array(7) },
      INVALID,
      /needs 6 bytes \(int8, shape 2×3\), but has 7/,
    ],
  ];
  it.each(tensors)("%s", (_, input, code, words) => {
    expectRefused(reluSpec(input), code, words);
  });

  it("operators that read what nothing wrote", () => {
    const spec = reluSpec({});
    const [x, y] = spec.tensors;
    if (!x || !y) throw new Error("unreachable");
    const twoSteps = { ...spec, tensors: [x, y, { ...y, name: "z" }], outputs: [1] };
    const late = { name: "RELU", inputs: [2], outputs: [1] };
    const early = { name: "RELU", inputs: [0], outputs: [2] };
    expect(readModel(buildModel({ ...twoSteps, operators: [early, late] })).operators).toHaveLength(2);
    expectRefused(
      { ...twoSteps, operators: [late, early] },
      INVALID,
      /operator 0 RELU reads tensor 'z' before anything wrote it/,
    );
  });

  it("operators that write twice, or over inputs and constants", () => {
    const relu = { name: "RELU", inputs: [0], outputs: [1] };
    expectRefused({ ...reluSpec({}), operators: [relu, relu] }, INVALID, /operator 1 RELU writes tensor 'y'/);
    const over = { ...relu, outputs: [0] };
    expectRefused(
      { ...reluSpec({}), operators: [over] },
      INVALID,
      /writes tensor 'x', which already has a value/,
    );
  });

  it("graph outputs that nothing writes, and inputs listed twice", () => {
    expectRefused({ ...reluSpec({}), operators: [] }, INVALID, /Nothing writes the graph output 'y'/);
    expectRefused({ ...reluSpec({}), inputs: [0, 0] }, INVALID, /'x' is listed twice/);
  });

  it("tensor numbers that do not exist", () => {
    const relu = { name: "RELU", inputs: [7], outputs: [1] };
    expectRefused(
      { ...reluSpec({}), operators: [relu] },
      INVALID,
      /operator 0 RELU refers to tensor 7; the model has 2/,
    );
    expectRefused({ ...reluSpec({}), inputs: [2] }, INVALID, /inputs refer to tensor 2/);
    expectRefused(
      { ...reluSpec({}), operators: [{ ...relu, inputs: [0], outputs: [-1] }] },
      INVALID,
      /refers to tensor -1/,
    );
  });

  it("options of another operator, and words that an enumeration does not have", () => {
    const [convolution, custom] = convolutionSpec.operators;
    if (!convolution || !custom) throw new Error("unreachable");
    const swapped = { ...convolution, options: {}, unusual: { optionsKind: "Pool2DOptions" } };
    expectRefused(
      { ...convolutionSpec, operators: [swapped, custom] },
      INVALID,
      /operator 0 CONV_2D are Pool2DOptions.*takes Conv2DOptions/,
    );
    expectRefused(
      { ...convolutionSpec, operators: [{ ...convolution, options: { padding: 2 } }, custom] },
      INVALID,
      /option padding of operator 0 CONV_2D has the unknown value 2/,
    );
  });
});
