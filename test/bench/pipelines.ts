/**
 * `npm run bench:pipelines`: what Binaryen's passes make of the same kernels. asc has optimised them already (at -O3,
 * asconfig.json); the question is what helps behind it where every executed opcode counts.
 */
import { readFileSync } from "node:fs";
import { benchModelName, benchModels } from "../../host/cli/bench_models.js";
import { showTable, type Table } from "../../host/cli/bench_tables.js";
import { formatCount } from "../../host/cli/format.js";
import { colorsFor } from "../../host/cli/output.js";
import { readFileBytes } from "../../host/cli/read_file.js";
import { isStarted, runScript, scriptOptions } from "../../host/cli/run_script.js";
import {
  type AssembleRequest,
  compileSources,
  finishModule,
  type Pipeline,
  standardPipeline,
} from "../../host/compiler/assemble_module.js";
import { moduleSources } from "../../host/compiler/assembler.js";
import type { CompiledModule } from "../../host/compiler/compile.js";
import { ModuleRunner } from "../../host/emulator/module_runner.js";
import { WamletError } from "../../host/errors.js";
import { compileVariant } from "../../host/measure/bench.js";
import { type BenchInput, benchInput } from "../../host/measure/bench_input.js";
import { requireEqual } from "../../host/measure/bench_model.js";
import { readModel } from "../../host/model/read_model.js";
import { readModule, writeModule } from "../../host/module/layout.js";
import { packagePath } from "../../host/package_root.js";

/** Without it, what asc's runtime leaves behind breaks the ABI. */
const least = "remove-unused-module-elements";
const own = standardPipeline.passes.filter((pass) => pass !== "untee");
const levels = {
  "-O": { level: 2, shrink: 1 },
  "-O3": { level: 3, shrink: 0 },
  "-Oz": { level: 2, shrink: 2 },
};

const pipelines: readonly (readonly [name: string, pipeline: Pipeline])[] = [
  ["none", { optimize: null, passes: [least] }],
  ...Object.entries(levels).map(([name, optimize]) => [name, { optimize, passes: [least] }] as const),
  ["ours without untee", { optimize: null, passes: own }],
  ["untee alone", { optimize: null, passes: [least, "untee"] }],
  ...Object.entries(levels).map(
    ([name, optimize]) => [`${name}, untee`, { optimize, passes: [least, "untee"] }] as const,
  ),
  ["ours", standardPipeline],
];

/** Of one model under one pipeline. */
export interface PipelineRow {
  readonly model: string;
  readonly pipeline: string;
  readonly opcodes: number;
  readonly codeBytes: number;
  /** Modelled: WAMR's own form of the code is what its RAM goes to. */
  readonly runtimeBytes: number;
}

/** Every pipeline on a model as `balanced` compiles it; answers must stay what they are. */
export async function benchPipelines(model: string, path: string): Promise<PipelineRow[]> {
  const file = await readFileBytes(path, "the model");
  const graph = readModel(file);
  const input = await benchInput(path, graph);
  const compiled = await compileVariant(file, "balanced", { profile: false });
  const request = requestOf(compiled);
  const binary = await compileSources(request);
  let expected = input.golden;
  const rows: PipelineRow[] = [];
  for (const [name, pipeline] of pipelines) {
    const { description, manifest } = compiled;
    const fields = {
      name: manifest.name,
      version: "",
      inputs: manifest.inputs,
      outputs: manifest.outputs,
      // Without any optimisation an inference may take several times what the cost model says.
      opcodeBudget: manifest.opcodeBudget * 4,
      layers: 0,
    };
    const module = readModule(writeModule(finishModule(binary, request, pipeline), description, fields));
    const { counts, answer } = await infer(module, input);
    expected ??= answer;
    requireEqual(`${model}, ${name}`, answer, expected);
    rows.push({
      model,
      pipeline: name,
      opcodes: counts.opcodes,
      codeBytes: module.payload.length - compiled.weightBytes,
      runtimeBytes: module.manifest.runtimeBytes,
    });
  }
  return rows;
}

/** What the compiler gave to the assembler for this module. */
function requestOf(compiled: CompiledModule): AssembleRequest {
  const { options } = JSON.parse(readFileSync(packagePath("asconfig.json"), "utf8")) as {
    options: Record<string, unknown>;
  };
  const { offset, bytes } = compiled.abi.weights ?? { offset: 0, bytes: 0 };
  return {
    sources: moduleSources(compiled.sources),
    options,
    weights: compiled.payload.slice(offset, offset + bytes),
    linearMemoryBytes: compiled.manifest.linearMemoryBytes,
  };
}

async function infer({ payload, manifest, abi }: ReturnType<typeof readModule>, { inputs }: BenchInput) {
  const runner = await ModuleRunner.load(payload, manifest);
  try {
    if (abi.state) await runner.reset();
    manifest.inputs.forEach(({ offset }, index) => {
      runner.write(offset, inputs[index] as Uint8Array);
    });
    const { counts, outputs } = await runner.infer();
    return { counts, answer: Uint8Array.from(Buffer.concat(outputs)) };
  } finally {
    await runner.close();
  }
}

/** A line a pipeline; opcodes and code of each model beside one another. */
export function pipelineTable(rows: readonly PipelineRow[]): Table {
  const models = [...new Set(rows.map(({ model }) => model))];
  const right = (heading: string) => ({ heading, align: "right" as const });
  return {
    columns: [
      { heading: "pipeline" },
      ...models.flatMap((model) => [right(`${model}: opcodes`), right("code")]),
    ],
    rows: pipelines.map(([name]) => [
      name,
      ...models.flatMap((model) => {
        const row = rows.find((one) => one.model === model && one.pipeline === name);
        return row ? [formatCount(row.opcodes), String(row.codeBytes)] : ["", ""];
      }),
    ]),
  };
}

/** Every model that compiles. */
export async function allPipelines(
  paths: readonly string[],
  note: (text: string) => void,
): Promise<PipelineRow[]> {
  const rows: PipelineRow[] = [];
  for (const path of paths) {
    const model = benchModelName(path);
    note(`pipelines: ${model}`);
    try {
      rows.push(...(await benchPipelines(model, path)));
    } catch (error) {
      if (!(error instanceof WamletError) || !error.code.startsWith("WAMLET_UNSUPPORTED")) throw error;
      note(`${model}: ${error.message}`);
    }
  }
  return rows;
}

async function main(): Promise<undefined> {
  const { values, positionals } = scriptOptions(
    {
      allowPositionals: true,
      options: { markdown: { type: "boolean", default: false }, json: { type: "boolean", default: false } },
    },
    "Write npm run bench:pipelines -- [MODEL]… [--json | --markdown].",
  );
  const paths = positionals.length > 0 ? positionals : benchModels(process.env);
  const rows = await allPipelines(paths, (text) => process.stderr.write(`${text}\n`));
  const table = showTable(pipelineTable(rows), values.markdown, colorsFor(process.stdout, process.env));
  process.stdout.write(values.json ? `${JSON.stringify(rows, null, 2)}\n` : `${table}\n`);
}

if (isStarted(import.meta.url)) await runScript(main);
