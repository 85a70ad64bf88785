/**
 * `npm run bench:boards`: models and variants side by side, in instructions that QEMU counts exactly. Ours run under
 * the boards' agent and WAMR; so does the same network as plain C compiled by clang (`clang-wasm`); `native` is that
 * C compiled by gcc for the core and run without WAMR. See docs/PERFORMANCE.md.
 */
import { benchModelName, benchModels } from "../../host/cli/bench_models.js";
import { layerTable, modelTable, showTable, type Table } from "../../host/cli/bench_tables.js";
import { colorsFor } from "../../host/cli/output.js";
import { isStarted, oneOf, runScript, scriptOptions } from "../../host/cli/run_script.js";
import type { ExitCode } from "../../host/cli/verb.js";
import { loadBoard } from "../../host/descriptor/load_board.js";
import { WamletError } from "../../host/errors.js";
import type { BenchRow } from "../../host/measure/bench.js";
import { benchBoard } from "./board_bench.js";
import { BenchedModel, type BoardVariant, boardVariants } from "./board_models.js";

export const benchedBoards = ["qemu-cortex-m4", "qemu-riscv32"] as const;
export type BenchedBoard = (typeof benchedBoards)[number];

export interface BoardsResult {
  readonly rows: readonly BenchRow[];
  readonly skipped: readonly string[];
  /** What was measured otherwise than the rest. */
  readonly notes: readonly string[];
  /** What each model ran on, and what its answer was held against. */
  readonly inputs: readonly string[];
}

export const usage = `npm run bench:boards [-- --model FILE]… [--board NAME]… [--variant NAME]… [--layers] [--json | --markdown]

  --model FILE    a .tflite, instead of the bundled examples and the conformance models
  --board NAME    ${benchedBoards.join(", ")}
  --variant NAME  ${boardVariants.join(", ")}
  --layers        each layer as well: profiling builds, which include the call that reports a layer
  --json          one array of {model, layer, port, variant, instructions, macs, moduleBytes, codeBytes,
                  linearMemory, runtimeBytes}
  --markdown      tables as docs/PERFORMANCE.md has them
`;

/** Measures on all boards at the same time, each in an emulator of its own. */
export async function benchBoards(request: {
  readonly boards: readonly BenchedBoard[];
  readonly paths: readonly string[];
  /** Whether somebody named the models: then one that cannot be read is an error. */
  readonly named: boolean;
  readonly variants: readonly BoardVariant[];
  readonly layers: boolean;
  readonly signal: AbortSignal;
  readonly note: (text: string) => void;
}): Promise<BoardsResult> {
  const { boards, variants, layers, signal, note } = request;
  const skipped: string[] = [];
  const models: BenchedModel[] = [];
  for (const path of request.paths) {
    try {
      models.push(await BenchedModel.read(benchModelName(path), path));
    } catch (error) {
      if (request.named || !(error instanceof WamletError) || !error.code.startsWith("WAMLET_UNSUPPORTED"))
        throw error;
      skipped.push(`${benchModelName(path)}: ${error.message}`);
    }
  }
  const smallest = boards
    .map(loadBoard)
    .reduce((least, board) => (board.memory.poolBytes.value < least.memory.poolBytes.value ? board : least));
  let done = 0;
  const all = boards.length * models.length * variants.length;
  const onDone = (what: string) => note(`[${++done}/${all}] ${what}`);
  const results = await Promise.all(
    boards.map((board) => benchBoard({ board, smallest, models, variants, layers, signal, onDone })),
  );
  return {
    rows: results.flatMap(({ rows }) => rows),
    skipped: [...skipped, ...results.flatMap((result) => result.skipped)],
    notes: results.flatMap(({ notes }) => notes),
    inputs: models.map(({ name, input }) => {
      const against = input.golden === null ? "the oracle of test/reference" : "its golden";
      return `${name}: ${input.source}, held against ${against}`;
    }),
  };
}

/** The tables of a result: models on each board, then layers where there are any. */
export function boardTables({ rows }: BoardsResult): { readonly title: string; readonly table: Table }[] {
  const boards = [...new Set(rows.map(({ port }) => port))];
  const on = (board: string) => rows.filter(({ port }) => port === board);
  const withLayers = [...new Set(rows.filter(({ layer }) => layer !== null).map(({ model }) => model))];
  return [
    ...boards.map((board) => ({ title: board, table: modelTable(on(board), true) })),
    ...withLayers.flatMap((model) =>
      boards.map((board) => ({ title: `${model} on ${board}`, table: layerTable(rows, model, board) })),
    ),
  ];
}

async function main(): Promise<ExitCode> {
  const { values } = scriptOptions(
    {
      options: {
        model: { type: "string", multiple: true, default: [] },
        board: { type: "string", multiple: true, default: [] },
        variant: { type: "string", multiple: true, default: [] },
        layers: { type: "boolean", default: false },
        json: { type: "boolean", default: false },
        markdown: { type: "boolean", default: false },
        help: { type: "boolean", short: "h", default: false },
      },
    },
    "See npm run bench:boards -- --help.",
  );
  if (values.help) {
    process.stdout.write(usage);
    return 0;
  }
  const abort = new AbortController();
  process.once("SIGINT", () => abort.abort());
  const named = values.model.length > 0;
  const result = await benchBoards({
    boards: chosen("--board", values.board, benchedBoards),
    variants: chosen("--variant", values.variant, boardVariants),
    paths: named ? values.model : benchModels(process.env),
    named,
    layers: values.layers,
    signal: abort.signal,
    note: (text) => process.stderr.write(`${text}\n`),
  });
  if (values.json) {
    process.stdout.write(`${JSON.stringify(result.rows, null, 2)}\n`);
    return 0;
  }
  const colors = colorsFor(process.stdout, process.env);
  for (const { title, table } of boardTables(result)) {
    process.stdout.write(`${title}\n\n${showTable(table, values.markdown, colors)}\n\n`);
  }
  for (const line of [...result.inputs, ...result.notes, ...result.skipped])
    process.stdout.write(`${line}\n`);
  return 0;
}

function chosen<Name extends string>(
  option: string,
  asked: readonly string[],
  known: readonly Name[],
): readonly Name[] {
  const named = asked.map((name) => oneOf(option, name, known));
  return named.length === 0 ? known : known.filter((name) => named.includes(name));
}

if (isStarted(import.meta.url)) await runScript(main);
