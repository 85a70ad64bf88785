/** ADD and SUB as one line and a table, for every pair of operands there is, against the plain reference. */
import { describe, expect, it } from "vitest";
import { findLine, rescale } from "../../host/compiler/add_linear.js";
import { compile } from "../../host/compiler/compile.js";
import { operatorCompiler } from "../../host/compiler/operators/table.js";
import { readModel } from "../../host/model/read_model.js";
import { buildModel } from "../model/model_builder.js";
import { Random } from "../model/random.js";
import {
  int8Quantisation,
  nearbyScale,
  randomActivation,
  randomScale,
  sometimesTied,
} from "../reference/random_parts.js";
import { runReference } from "../reference/run_reference.js";
import { startModule } from "./run_module.js";

const seeds = 5;
const pairs = 256 * 256;
/** Not a multiple of what the kernel unrolls. */
const columns = 251;
const rows = Math.ceil(pairs / columns);

/** Two operands of the same shape, a scale of the output that fits them. */
function pairModel(operator: string, seed: number): Uint8Array {
  const random = new Random(seed);
  const left = randomScale(random, -8, 1);
  const right = nearbyScale(random, left, 2);
  const output = sometimesTied(random, nearbyScale(random, Math.max(left, right), 1));
  return buildModel({
    tensors: [left, right, output].map((scale, index) => ({
      name: `tensor ${index}`,
      type: "int8" as const,
      shape: [rows, columns],
      quantisation: int8Quantisation(random, scale),
    })),
    operators: [
      {
        name: operator,
        inputs: [0, 1],
        outputs: [2],
        options: { fusedActivation: randomActivation(random) },
      },
    ],
    inputs: [0, 1],
    outputs: [2],
  });
}

describe("elementwise arithmetic as a line", () => {
  for (const operator of ["ADD", "SUB"]) {
    it(`${operator}: all 65 536 pairs of operands, whatever the scales`, async () => {
      let linear = 0;
      for (let seed = 0; seed < seeds; seed++) {
        const bytes = pairModel(operator, 50 + seed);
        const graph = readModel(bytes);
        const only = graph.operators[0];
        if (!only) throw new Error("A model without operators.");
        const isLinear = ({ name }: { name: string }) => name.endsWith("_linear");
        if (!operatorCompiler(only).bind(only, { board: null }).forms.some(isLinear)) continue;
        linear++;
        const inputs = [new Uint8Array(rows * columns), new Uint8Array(rows * columns)];
        for (let pair = 0; pair < pairs; pair++) {
          (inputs[0] as Uint8Array)[pair] = (pair >> 8) - 128;
          (inputs[1] as Uint8Array)[pair] = (pair & 255) - 128;
        }
        const module = await compile(bytes, {
          chooseForm: (all) => all.find(isLinear) ?? (all[0] as (typeof all)[number]),
        });
        const answer = startModule(module).infer(Uint8Array.from(Buffer.concat(inputs)));
        const tensors = runReference(graph, inputs);
        const expected = tensors.get(graph.outputs[0]?.index ?? -1) as Uint8Array;
        expect(Buffer.compare(answer, expected), `${operator} seed ${seed}`).toBe(0);
      }
      expect(linear, "models that lie on a line").toBeGreaterThan(seeds / 2);
    });
  }

  it("finds no line where there is none, and none whose table would be long", () => {
    const clamp = { minimum: -128, maximum: 127 };
    const results = Int32Array.from({ length: pairs }, (_, pair) => (pair >> 8) - 128);
    expect(findLine({ results, clamp, slopes: [1, 0] })?.table.length).toBe(256);
    expect(findLine({ results, clamp, slopes: [9, 0] })).toBeNull();
    results[77 * 256 + 3] = 0;
    expect(findLine({ results, clamp, slopes: [1, 0] })).toBeNull();
  });

  it("rounds products of 60 bits as TensorFlow Lite does", () => {
    const random = new Random(3);
    for (let round = 0; round < 2000; round++) {
      const multiplier = random.integer(2 ** 30, 2 ** 31 - 1);
      const right = random.integer(0, 20);
      const value = random.integer(-(2 ** 29), 2 ** 29);
      const high = (BigInt(value) * BigInt(multiplier) + (1n << 30n)) >> 31n;
      const half = right > 0 ? 1n << BigInt(right - 1) : 0n;
      const expected = (high + half - (high < 0n && right > 0 ? 1n : 0n)) >> BigInt(right);
      expect(rescale(value, { multiplier, shift: -right })).toBe(Number(expected));
    }
  });
});
