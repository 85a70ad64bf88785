/** What the reader promises for sound models, written by model_builder.ts. */

import { createHash } from "node:crypto";
import { describe, expect, it } from "vitest";
import { readModel } from "../../host/model/read_model.js";
import { expectPromisesKept } from "./graph_promises.js";
import { buildModel } from "./model_builder.js";
import { convolutionSpec, reluSpec } from "./small_models.js";

describe("readModel", () => {
  const bytes = buildModel(convolutionSpec);
  const graph = readModel(bytes);

  it("reads tensors with name, type, shape, quantisation and constants as they were written", () => {
    expectPromisesKept(graph);
    expect(graph.tensors.map(({ name, type, shape }) => [name, type, shape])).toEqual([
      ["image", "int8", [1, 4, 4, 2]],
      ["weights", "int8", [3, 2, 2, 2]],
      ["bias", "int32", [3]],
      ["features", "int8", [1, 3, 3, 3]],
      ["state", "int16", [2, 5]],
      ["answer", "float32", []],
    ]);
    expect(graph.tensors[0]?.quantisation).toEqual({ scales: [0.5], zeroPoints: [-3], axis: 0 });
    expect(graph.tensors[1]?.data).toEqual(Uint8Array.from({ length: 24 }, (_, index) => index));
    expect(graph.tensors[4]).toMatchObject({ isVariable: true, data: null, quantisation: null, bytes: 20 });
    expect(graph.tensors[5]).toMatchObject({ elements: 1, bytes: 4 });
  });

  it("reads operators with version, inputs left out as null, and outputs", () => {
    const [convolution, custom] = graph.operators;
    expect(convolution).toMatchObject({ index: 0, name: "CONV_2D", version: 3 });
    expect(convolution?.inputs).toEqual([graph.tensors[0], graph.tensors[1], graph.tensors[2]]);
    expect(custom).toMatchObject({ index: 1, name: "CUSTOM:Signal", version: 1 });
    expect(custom?.inputs).toEqual([graph.tensors[3], null, graph.tensors[4]]);
    expect(custom?.options).toEqual({ kind: "custom", fields: { data: [7, 8, 9] } });
    expect(graph.inputs).toEqual([graph.tensors[0]]);
    expect(graph.outputs).toEqual([graph.tensors[5]]);
  });

  it("gives options that the file leaves out their schema defaults, enumerations as words", () => {
    expect(graph.operators[0]?.options).toEqual({
      kind: "Conv2DOptions",
      fields: {
        padding: "VALID",
        strideWidth: 1,
        strideHeight: 1,
        fusedActivation: "RELU6",
        dilationWidth: 1,
        dilationHeight: 1,
        quantisedBiasType: "FLOAT32",
      },
    });
  });

  it("gives an operator whose options table is missing the defaults of the table it takes", () => {
    const spec = reluSpec({});
    const bytes = buildModel({
      ...spec,
      operators: [{ name: "ADD", inputs: [0, 0], outputs: [1], options: null }],
    });
    expect(readModel(bytes).operators[0]?.options).toEqual({
      kind: "AddOptions",
      fields: { fusedActivation: "NONE", powerOfTwoScaleInt16: true },
    });
  });

  it("tells description, size and SHA-256 of the file", () => {
    expect(graph.description).toBe("a small model");
    expect(graph.sourceBytes).toBe(bytes.length);
    expect(graph.sourceSha256).toBe(createHash("sha256").update(bytes).digest("hex"));
  });

  it("reads a view into a larger buffer at any offset", () => {
    const larger = new Uint8Array(bytes.length + 3);
    larger.set(bytes, 3);
    expect(readModel(Buffer.from(larger.buffer, 3))).toEqual(graph);
  });

  it("lets one zero point stand for all channels, as TensorFlow Lite Micro does", () => {
    expect(graph.tensors[1]?.quantisation?.zeroPoints).toEqual([0, 0, 0]);
  });

  it("ignores the axis of a tensor with a single scale, which person_detect states wrongly", () => {
    const model = buildModel(reluSpec({ quantisation: { scales: [0.5], zeroPoints: [1], axis: 9 } }));
    expect(readModel(model).inputs[0]?.quantisation).toEqual({ scales: [0.5], zeroPoints: [1], axis: 0 });
  });

  it("takes quantisation tables without scales, or with the single scale 0, as not quantised", () => {
    for (const scales of [[], [0]]) {
      const model = buildModel(reluSpec({ quantisation: { scales, zeroPoints: [0] } }));
      expect(readModel(model).inputs[0]?.quantisation).toBeNull();
    }
  });

  it("takes an open batch (-1 in the signature) as the file's shape", () => {
    const model = buildModel(reluSpec({ shape: [1, 3], unusual: { shapeSignature: [-1, 3] } }));
    expect(readModel(model).inputs[0]?.shape).toEqual([1, 3]);
  });

  it("reads constants behind the FlatBuffer, as files over 2 GB keep them", () => {
    const spec = { ...convolutionSpec, tensors: [...convolutionSpec.tensors] };
    for (const position of [1, 2]) {
      const tensor = convolutionSpec.tensors[position];
      if (tensor) spec.tensors[position] = { ...tensor, unusual: { dataBehind: true } };
    }
    const read = readModel(buildModel(spec));
    expect(read.tensors.map(({ data }) => data)).toEqual(graph.tensors.map(({ data }) => data));
  });

  it("leaves out tensors that nothing uses, whatever their type", () => {
    const spec = reluSpec({});
    const leftover = { name: "leftover", type: "int8", shape: [0], unusual: { typeCode: 17 } } as const;
    const model = buildModel({
      ...spec,
      tensors: [leftover, ...spec.tensors],
      operators: [{ name: "RELU", inputs: [1], outputs: [2] }],
      inputs: [1],
      outputs: [2],
    });
    const read = readModel(model);
    expect(read.tensors.map(({ name, index }) => [name, index])).toEqual([
      ["x", 0],
      ["y", 1],
    ]);
  });

  it("names operators beyond code 127, which the old field of the schema cannot hold", () => {
    const spec = reluSpec({});
    const model = buildModel({ ...spec, operators: [{ name: "GELU", inputs: [0], outputs: [1] }] });
    expect(readModel(model).operators[0]?.name).toBe("GELU");
  });

  it("keeps control characters of names from the terminal", () => {
    const model = buildModel(reluSpec({ name: "a\u001b[31mb\n" }));
    expect(readModel(model).inputs[0]?.name).toBe("a\u{fffd}[31mb\u{fffd}");
  });
});
