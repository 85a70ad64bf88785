/** GATHER by indices that the frame brings: the random models only have constant ones. */
import { describe, expect, it } from "vitest";
import { compile } from "../../host/compiler/compile.js";
import { readModel } from "../../host/model/read_model.js";
import { buildModel } from "../model/model_builder.js";
import { runReference } from "../reference/run_reference.js";
import { startModule } from "./run_module.js";

const element = { type: "int8", quantisation: { scales: [0.1], zeroPoints: [0] } } as const;
const rows = 12;
const width = 5;
const values = Uint8Array.from({ length: rows * width }, (_, index) => (index * 37) & 0xff);
const int32s = (...numbers: number[]) => new Uint8Array(Int32Array.from(numbers).buffer);

/** Three computed indices into a table of 12 vectors: a constant of the model, or an input. */
function lookupModel(constantTable: boolean): Uint8Array {
  return buildModel({
    tensors: [
      { name: "indices", type: "int32", shape: [3] },
      { name: "table", ...element, shape: [rows, width], ...(constantTable ? { data: values } : {}) },
      { name: "output", ...element, shape: [3, width] },
    ],
    operators: [{ name: "GATHER", inputs: [1, 0], outputs: [2], options: { axis: 0, batchDimensions: 0 } }],
    inputs: constantTable ? [0] : [0, 1],
    outputs: [2],
  });
}

describe("GATHER by computed indices", () => {
  it("picks from a table in memory what the reference picks", async () => {
    const bytes = lookupModel(false);
    const inputs = [int32s(11, 0, 7), values];
    const expected = runReference(readModel(bytes), inputs).get(2);
    const running = startModule(await compile(bytes));
    expect(running.infer(Uint8Array.from(Buffer.concat(inputs)))).toEqual(expected);
  });

  it("picks from a constant table without bringing it into memory", async () => {
    const bytes = lookupModel(true);
    const inputs = [int32s(3, 3, 10)];
    const expected = runReference(readModel(bytes), inputs).get(1 + 1);
    const module = await compile(bytes);
    expect(startModule(module).infer(inputs[0] as Uint8Array)).toEqual(expected);
    expect(module.description.memory.planBytes).toBeLessThan(values.length);
  });

  it.each([
    [true, -1],
    [true, rows],
    [false, -1],
    [false, rows],
  ])("traps on an index outside the table (constant: %s, index %i)", async (constantTable, index) => {
    const running = startModule(await compile(lookupModel(constantTable)));
    const frame = [int32s(0, index, 1), ...(constantTable ? [] : [values])];
    expect(() => running.infer(Uint8Array.from(Buffer.concat(frame)))).toThrow(/unreachable/);
  });
});
