/** The compiled kernels against TensorFlow Lite Micro's own results, bit for bit. */
import { describe, expect, it } from "vitest";
import { compile } from "../../host/compiler/compile.js";
import { supportedOperators } from "../../host/compiler/operators/table.js";
import {
  conformanceFolder,
  conformanceMissing,
  modelIndex,
  type OperatorCase,
  operatorCases,
  readConformance,
} from "../reference/conformance.js";
import { startModule } from "./run_module.js";

/**
 * Models of each operator suite that are tried here; CI runs all of them by `wamlet validate --suite`, which takes a
 * minute and more.
 */
const perSuite = Number(process.env.WAMLET_GOLDENS ?? 2);

const models = [
  "hello_world_int8",
  "kws_ref_model",
  "vww_96_int8",
  "pretrainedResnet_quant",
  "ad01_int8",
  "micro_speech_quantized",
];

describe.skipIf(conformanceFolder === null)(
  `goldens of TensorFlow Lite Micro (else ${conformanceMissing})`,
  () => {
    const suites = new Map<string, OperatorCase[]>();
    for (const one of operatorCases()) suites.set(one.op, [...(suites.get(one.op) ?? []), one]);
    const isSupported = (op: string) => supportedOperators.includes(op.replace(/_int16$/, "").toUpperCase());

    for (const [op, cases] of suites) {
      if (!isSupported(op)) continue;
      it(`${op}: ${Math.min(perSuite, cases.length)} of ${cases.length} models are exact`, async () => {
        for (const { id, model, input, output, samples, state } of cases.slice(0, perSuite)) {
          const module = await compile(readConformance(`ops/${model}`), { name: id });
          const running = startModule(module);
          const inputs = readConformance(`ops/${input}`);
          const frame = inputs.length / samples;
          const answers = Array.from({ length: samples }, (_, sample) => {
            if (sample === 0 || state === "fresh") running.reset();
            return running.infer(inputs.subarray(sample * frame, (sample + 1) * frame));
          });
          expect(Buffer.concat(answers).equals(readConformance(`ops/${output}`)), id).toBe(true);
        }
      });
    }

    for (const name of models) {
      it(`${name} is exact on all its cases, and its plan is no larger than the greedy one`, async () => {
        const index = modelIndex(name);
        const module = await compile(readConformance(`models/${name}/${index.model}`));
        const running = startModule(module);
        for (const { input, output } of index.cases) {
          const answer = running.infer(readConformance(`models/${name}/${input}`));
          expect(Buffer.from(answer).equals(readConformance(`models/${name}/${output}`)), input).toBe(true);
        }
        const { planBytes, greedyBytes, lowerBoundBytes } = module.description.memory;
        expect(planBytes).toBeLessThanOrEqual(greedyBytes);
        expect(planBytes).toBeLessThanOrEqual(lowerBoundBytes * 1.02);
      });
    }
  },
);
