/** The kernels' cost formulas against exactly counted opcodes, layer by layer. */
import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { compile } from "../../host/compiler/compile.js";
import {
  addCounts,
  collectCounts,
  type ExecutionCounts,
  noCounts,
  subtractCounts,
} from "../../host/module/execution_counts.js";
import { instrumentForCounting } from "../../host/module/instrument.js";
import { webAssembly } from "../../host/module/webassembly.js";
import { packagePath } from "../../host/package_root.js";
import { conformanceFolder, modelIndex, readConformance } from "../reference/conformance.js";

/**
 * Exact counts of each layer.
 * @param input bytes of the first input; zeros without: kernels that skip zeros then count less than they are modelled
 */
async function countLayers(
  file: Uint8Array,
  input?: Uint8Array,
): Promise<{
  modelled: number[];
  counted: number[];
  operators: string[];
  kernels: string[];
  total: ExecutionCounts;
}> {
  const module = await compile(file, { profile: true });
  const { wasm, plan } = instrumentForCounting(module.payload, { fuel: false });
  const counted: number[] = [];
  let before = noCounts;
  let total = noCounts;
  const instance = new webAssembly.Instance(new webAssembly.Module(wasm), {
    wamlet: {
      layer: () => {
        const now = collectCounts(instance.exports, plan);
        const layer = subtractCounts(now, before);
        counted.push(layer.opcodes);
        total = addCounts(total, layer);
        before = now;
      },
    },
  });
  const { memory, infer } = instance.exports as unknown as {
    readonly memory: { readonly buffer: ArrayBuffer };
    infer(): number;
  };
  if (input) new Uint8Array(memory.buffer).set(input, module.manifest.inputs[0]?.offset ?? 0);
  infer();
  const { layers } = module.description;
  return {
    modelled: layers.map((l) => l.opcodes),
    counted,
    operators: layers.map((l) => l.operator),
    kernels: layers.map((l) => l.kernel),
    total,
  };
}

const examples = ["examples/digits/digits.tflite", "examples/motion/motion.tflite"];
const conformance = [
  "hello_world_int8",
  "kws_ref_model",
  "pretrainedResnet_quant",
  "ad01_int8",
  "micro_speech_quantized",
];

/**
 * Kernels whose cost is modelled with an assumed share of zeros (`columns.ts`, `zero_skipping.ts`): frames have more or
 * fewer, and so have outputs that a rectifier leaves at its minimum.
 */
const skipsZeros = (kernel: string) => /columns|quads|zero_skipping/.test(kernel);

async function check(file: Uint8Array, input?: Uint8Array): Promise<void> {
  const { modelled, counted, operators, kernels } = await countLayers(file, input);
  expect(counted.length).toBe(modelled.length);
  const sum = (values: readonly number[]) => values.reduce((total, value) => total + value, 0);
  const assumed = kernels.some(skipsZeros);
  expect(Math.abs(sum(modelled) / sum(counted) - 1), "whole network").toBeLessThan(assumed ? 0.2 : 0.1);
  const whole = sum(counted);
  counted.forEach((count, index) => {
    // A layer that hardly counts may be off by more; what dominates the choice of kernels may not.
    if (count < whole * 0.02) return;
    expect(
      Math.abs((modelled[index] as number) / count - 1),
      `layer ${index} ${operators[index]}: ${modelled[index]} modelled, ${count} counted`,
    ).toBeLessThan(skipsZeros(kernels[index] as string) ? 0.6 : 0.15);
  });
}

describe("the kernels' cost model", () => {
  for (const path of examples) {
    it(`is within 10 % of the counted opcodes of ${path} (20 % where zeros are skipped), 15 % for each layer that matters`, async () => {
      await check(readFileSync(packagePath(path)));
    });
  }
  for (const name of conformance) {
    it.skipIf(conformanceFolder === null)(
      `is within 10 % of the counted opcodes of ${name} (20 % where zeros are skipped), 15 % a layer`,
      async () => {
        const [sample] = modelIndex(name).cases;
        const input = sample && readConformance(`models/${name}/${sample.input}`);
        await check(readConformance(`models/${name}/model.tflite`), input);
      },
    );
  }

  it("counts the same opcodes in every run", async () => {
    const file = readFileSync(packagePath(examples[0] as string));
    expect((await countLayers(file)).total).toEqual((await countLayers(file)).total);
  });
});
