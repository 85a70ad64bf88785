/** `wamlet bench`: what models cost once compiled, variants side by side; what `npm run bench` runs. */
import type { BenchRow } from "../../measure/bench.js";
import type { BenchResult } from "../../measure/bench_model.js";
import { type Context, defineVerb } from "../verb.js";

/** Boards whose cost tables price the opcodes. */
const pricedBy = ["qemu-cortex-m4", "qemu-riscv32"];

const variantNames = ["plain", "speed", "balanced", "size"] as const;

/** What a run without `--json` says below its tables. */
const footnote =
  "Opcodes are executed ones under WAMR's rules, counted exactly; modelled: those × the cost table measured in QEMU. " +
  "Module, code and linear memory are exact, runtime is modelled from WAMR's loader. Bytes all.";

export const bench = defineVerb({
  description:
    "Compiles models in variants (plain: every kernel's reference form; speed, balanced, size: --optimize) and counts " +
    "what an inference executes, as opcodes and priced as instructions. Without models: the bundled examples and, where " +
    "they are, the conformance models (WAMLET_CONFORMANCE, or ../shared/conformance). A model with golden outputs beside " +
    "it (index.json) runs on a golden frame and must meet it; any other runs on random int8 frames with a fixed seed, " +
    "and all variants must answer alike.",
  positionals: { models: { type: "string", array: true, describe: ".tflite files" } },
  options: {
    model: { type: "string", array: true, requiresArg: true, describe: "The same, as an option" },
    variant: {
      type: "string",
      array: true,
      choices: variantNames,
      requiresArg: true,
      describe: "Only these variants",
    },
    layers: { type: "boolean", default: false, describe: "Each layer as well (counted by profiling builds)" },
    markdown: { type: "boolean", default: false, describe: "Tables as Markdown" },
  },
  examples: [
    ["bench", "The models that come with Wamlet"],
    ["bench zoo:kws kws.tflite", "Models side by side"],
    ["bench --model kws.tflite --layers", "Where the opcodes go"],
    ["bench --variant balanced", "One variant only"],
    ["bench --json", "For a program: one array of {model, layer, port, variant, instructions, …}"],
  ],
  async run(args, context) {
    const { benchModelName, benchModels } = await import("../bench_models.js");
    const named = [...(args.models ?? []), ...(args.model ?? [])];
    const paths = named.length > 0 ? named : benchModels(context.environment);
    const results: { readonly model: string; readonly result: BenchResult }[] = [];
    const unsupported: string[] = [];
    const { WamletError } = await import("../../errors.js");
    for (const [done, path] of paths.entries()) {
      context.signal.throwIfAborted();
      const model = benchModelName(path);
      const onVariant = (variant: string) =>
        context.progress.show(`${model} ${variant}`, done / paths.length);
      try {
        const { layers, variant } = args;
        const variants = variantNames.filter((name) => variant === undefined || variant.includes(name));
        results.push({ model, result: await measure(path, model, { variants, layers, onVariant }, context) });
      } catch (error) {
        const known = error instanceof WamletError && error.code.startsWith("WAMLET_UNSUPPORTED");
        if (named.length > 0 || !known) throw error;
        unsupported.push(`${model}: ${error.message}`);
      }
    }
    context.progress.clear();
    const rows = results.flatMap(({ result }) => result.rows);
    const { layerTable, memoryTable, modelTable, portsOf, showTable } = await import("../bench_tables.js");
    const { output } = context;
    output.result(rows satisfies BenchRow[], () => {
      const { colors } = output;
      const note = (text: string) => output.line(args.markdown ? text : colors.dim(text));
      const show = (table: Parameters<typeof showTable>[0]) =>
        output.line(showTable(table, args.markdown, colors));
      show(modelTable(rows, false));
      output.line();
      note(footnote);
      note(results.map(({ model, result }) => `${model}: ${checkedOn(result)}`).join("; "));
      for (const text of unsupported) note(text);
      output.line();
      show(memoryTable(results.flatMap(({ model, result }) => plansOf(model, result))));
      if (!args.layers) return;
      for (const { model } of results) {
        for (const port of portsOf(rows)) {
          output.line();
          output.line(`${model}, ${port}`);
          output.line();
          show(layerTable(rows, model, port));
        }
      }
    });
    return 0;
  },
});

function checkedOn({ input }: BenchResult): string {
  return input.golden === null ? `${input.source}, variants agree` : `${input.source}, equals its golden`;
}

/** Of the variant that a compile without options gives, where it was measured. */
function plansOf(model: string, { memory }: BenchResult) {
  const plan = memory.get("balanced") ?? [...memory.values()][0];
  return plan === undefined ? [] : [[model, plan] as const];
}

async function measure(
  path: string,
  model: string,
  choice: {
    readonly variants: readonly (typeof variantNames)[number][];
    readonly layers: boolean;
    readonly onVariant: (variant: string) => void;
  },
  context: Context,
): Promise<BenchResult> {
  const { readModelFile } = await import("../model_file.js");
  const { benchModel } = await import("../../measure/bench_model.js");
  const { loadBoard } = await import("../../descriptor/load_board.js");
  const bytes = await readModelFile(path, "the model", context);
  const costs = pricedBy.map((board) => loadBoard(board).cost);
  return benchModel({ model, path, bytes, costs, signal: context.signal, ...choice });
}
