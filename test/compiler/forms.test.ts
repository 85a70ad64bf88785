/** Every kernel form, whether the cost model would choose it or not, against the plain reference. */
import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { compile } from "../../host/compiler/compile.js";
import { operatorCompiler } from "../../host/compiler/operators/table.js";
import { WamletError } from "../../host/errors.js";
import { packagePath } from "../../host/package_root.js";
import { randomInput, randomModel } from "../reference/random_graph.js";
import { runReference } from "../reference/run_reference.js";
import { startModule } from "./run_module.js";

/** Random models tried per operator; of each, this many generated forms. */
const rounds = Number(process.env.WAMLET_RANDOM_MODELS ?? 6);
const formsPerModel = 2;

async function checkForm(operator: string, seed: number, pick: number): Promise<string | null> {
  const { bytes, graph } = randomModel(operator, seed);
  const only = graph.operators[0];
  if (!only) return null;
  const forms = operatorCompiler(only)
    .bind(only, { board: null })
    .forms.filter(({ generated }) => generated !== null);
  const form = forms[(seed * 7 + pick * 13) % Math.max(1, forms.length)];
  if (!form) return null;
  const module = await compile(bytes, {
    chooseForm: (all) => all.find(({ name }) => name === form.name) ?? (all[0] as (typeof all)[number]),
  });
  const running = startModule(module);
  for (let sample = 0; sample < 3; sample++) {
    const inputs = randomInput(graph, seed * 17 + sample);
    const tensors = runReference(graph, inputs);
    const expected = Buffer.concat(graph.outputs.map((tensor) => tensors.get(tensor.index) as Uint8Array));
    const at = `${operator} seed ${seed} form ${form.name} sample ${sample}`;
    const run = () => Buffer.from(running.infer(Uint8Array.from(Buffer.concat(inputs))));
    expect(run, at).not.toThrow();
    expect(run().equals(expected), at).toBe(true);
  }
  return form.name;
}

describe("generated kernels equal the plain reference on random models", () => {
  for (const operator of ["CONV_2D", "DEPTHWISE_CONV_2D", "FULLY_CONNECTED"]) {
    it(`${operator}: extreme weights and inputs, whatever tile is taken`, async () => {
      const tried = new Set<string>();
      for (let seed = 0; seed < rounds * 4 && tried.size < rounds * formsPerModel; seed++) {
        for (let pick = 0; pick < formsPerModel; pick++) {
          const name = await checkForm(operator, 1000 + seed, pick);
          if (name) tried.add(name);
        }
      }
      expect(tried.size, "forms that applied to the random models").toBeGreaterThan(2);
    });
  }

  it("refuses a name that is no operator", () => {
    const { graph } = randomModel("CONV_2D", 1);
    const operator = { ...graph.operators[0], name: "CONV_9D" } as (typeof graph.operators)[number];
    expect(() => operatorCompiler(operator)).toThrow(WamletError);
  });

  it("gives the same answers for every --optimize, speed the fewest opcodes, size the smallest code", async () => {
    const file = readFileSync(packagePath("examples/digits/digits.tflite"));
    const modules = [];
    for (const optimize of ["speed", "balanced", "size"] as const)
      modules.push(await compile(file, { optimize }));
    const input = Uint8Array.from({ length: 64 }, (_, index) => (index * 37) & 0xff);
    const answers = modules.map((module) => Buffer.from(startModule(module).infer(input)).toString("hex"));
    expect(new Set(answers).size).toBe(1);
    const code = modules.map((module) => module.payload.length - module.weightBytes);
    expect(code[2]).toBe(Math.min(...code));
    const opcodes = modules.map(({ description }) =>
      description.layers.reduce((sum, layer) => sum + layer.opcodes, 0),
    );
    expect(opcodes).toEqual([...opcodes].sort((a, b) => a - b));
  });
});
