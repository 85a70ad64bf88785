/** `wamlet bench`: what models cost once compiled, side by side; what `npm run bench` runs. */
import { existsSync, readdirSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import type { Optimization } from "../../compiler/choose_forms.js";
import { packagePath } from "../../package_root.js";
import { formatCount } from "../format.js";
import { optimizeOption } from "../options.js";
import { type Context, defineVerb } from "../verb.js";

/** A model's figures; all but the seconds are exact and the same in every run. */
interface BenchRow {
  readonly model: string;
  readonly moduleBytes: number;
  readonly codeBytes: number;
  readonly weightBytes: number;
  readonly linearMemoryBytes: number;
  readonly planBytes: number;
  readonly lowerBoundBytes: number;
  readonly greedyBytes: number;
  /** Modelled from WAMR's loader. */
  readonly runtimeBytes: number;
  readonly macs: number;
  /** Counted over one inference on zero points. */
  readonly opcodes: number;
  readonly opcodesPerMac: number | null;
  readonly bytesMoved: number;
  readonly compileSeconds: number;
}

export const bench = defineVerb({
  description:
    "Compiles models and counts what an inference executes: module and weights, linear memory against the planner's " +
    "lower bound and TensorFlow Lite Micro's greedy planner, opcodes for each MAC. Without models: the bundled " +
    "examples and, where they are, the conformance models (WAMLET_CONFORMANCE, or ../shared/conformance).",
  positionals: { models: { type: "string", array: true, describe: ".tflite files" } },
  options: { ...optimizeOption },
  examples: [
    ["bench", "The models that come with Wamlet"],
    ["bench zoo:kws kws.tflite", "Models side by side"],
    ["bench kws.tflite --optimize size", "The smallest module instead of the quickest"],
    ["bench --json", "For a program that watches the figures"],
  ],
  async run(args, context) {
    const paths = args.models && args.models.length > 0 ? args.models : bundledModels(context.environment);
    const rows: BenchRow[] = [];
    const unsupported: { readonly model: string; readonly reason: string }[] = [];
    const { WamletError } = await import("../../errors.js");
    for (const path of paths) {
      context.signal.throwIfAborted();
      context.progress.show(modelName(path), rows.length / paths.length);
      try {
        rows.push(await measure(path, args.optimize, context));
      } catch (error) {
        const named = args.models && args.models.length > 0;
        if (named || !(error instanceof WamletError) || !error.code.startsWith("WAMLET_UNSUPPORTED"))
          throw error;
        unsupported.push({ model: modelName(path), reason: error.message });
      }
    }
    context.progress.clear();
    const { formatTable } = await import("../table.js");
    const { output } = context;
    output.result({ models: rows, unsupported }, () => {
      const right = (heading: string) => ({ heading, align: "right" as const });
      output.line(
        formatTable(
          [
            { heading: "model" },
            ...[
              "module",
              "code",
              "weights",
              "linear",
              "plan",
              "bound",
              "greedy",
              "runtime",
              "MACs",
              "opcodes",
              "per MAC",
              "seconds",
            ].map(right),
          ],
          rows.map((row) => [
            row.model,
            ...[
              row.moduleBytes,
              row.codeBytes,
              row.weightBytes,
              row.linearMemoryBytes,
              row.planBytes,
              row.lowerBoundBytes,
              row.greedyBytes,
              row.runtimeBytes,
            ].map(String),
            formatCount(row.macs),
            formatCount(row.opcodes),
            row.opcodesPerMac?.toFixed(2) ?? "",
            row.compileSeconds.toFixed(2),
          ]),
          output.colors,
        ),
      );
      output.line(
        output.colors.dim(
          "Bytes and opcodes are exact; runtime is modelled from WAMR's loader; seconds are this machine's.",
        ),
      );
      for (const { model, reason } of unsupported) output.line(output.colors.dim(`${model}: ${reason}`));
    });
    return 0;
  },
});

/** Bundled examples, then the conformance models where they are. */
function bundledModels(environment: Readonly<Record<string, string | undefined>>): string[] {
  const found = ["digits", "motion"].map((name) => packagePath("examples", name, `${name}.tflite`));
  const conformance = environment.WAMLET_CONFORMANCE ?? packagePath("../shared/conformance");
  const models = join(conformance, "models");
  if (!existsSync(models)) return found;
  const others = readdirSync(models)
    .sort()
    .map((name) => join(models, name, "model.tflite"));
  return [...found, ...others.filter((path) => existsSync(path))];
}

/** The published models are all called model.tflite; their folder says which. */
function modelName(path: string): string {
  const name = basename(path).replace(/\.tflite$/i, "");
  return name === "model" ? basename(dirname(path)) : name;
}

async function measure(path: string, optimize: Optimization, context: Context): Promise<BenchRow> {
  const { readModelFile } = await import("../model_file.js");
  const { compile } = await import("../../compiler/compile.js");
  const { ModuleRunner } = await import("../../emulator/module_runner.js");
  const bytes = await readModelFile(path, "the model", context);
  const started = performance.now();
  const module = await compile(bytes, { optimize, signal: context.signal });
  const compileSeconds = (performance.now() - started) / 1000;
  const runner = await ModuleRunner.load(module.payload, module.manifest);
  try {
    for (const tensor of module.description.inputs) {
      runner.write(tensor.offset, new Uint8Array(tensor.bytes).fill((tensor.zeroPoint ?? 0) & 0xff));
    }
    const { counts } = await runner.infer();
    const { memory, layers } = module.description;
    const macs = layers.reduce((sum, layer) => sum + layer.macs, 0);
    return {
      model: modelName(path),
      moduleBytes: module.payload.length,
      codeBytes: module.payload.length - module.weightBytes,
      weightBytes: module.weightBytes,
      linearMemoryBytes: memory.linearMemoryBytes,
      planBytes: memory.planBytes,
      lowerBoundBytes: memory.lowerBoundBytes,
      greedyBytes: memory.greedyBytes,
      runtimeBytes: module.manifest.runtimeBytes,
      macs,
      opcodes: counts.opcodes,
      opcodesPerMac: macs > 0 ? counts.opcodes / macs : null,
      bytesMoved: counts.memoryInit.bytes + counts.memoryCopy.bytes + counts.memoryFill.bytes,
      compileSeconds,
    };
  } finally {
    await runner.close();
  }
}
