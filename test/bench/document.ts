/**
 * `npm run docs:performance`: measures everything and writes the tables of docs/PERFORMANCE.md and of the README's
 * benchmark between their markers (`<!-- table: name -->` to `<!-- end -->`); the text around them stays.
 */
import { spawnSync } from "node:child_process";
import { readFileSync, renameSync, writeFileSync } from "node:fs";
import { benchModelName, benchModels } from "../../host/cli/bench_models.js";
import { layerTable, modelTable, showTable, type Table } from "../../host/cli/bench_tables.js";
import { formatCount } from "../../host/cli/format.js";
import { colorsFor } from "../../host/cli/output.js";
import { isStarted, runScript } from "../../host/cli/run_script.js";
import { loadBoard } from "../../host/descriptor/load_board.js";
import { readPort } from "../../host/emulator/firmware_build.js";
import { WamletError } from "../../host/errors.js";
import type { BenchRow } from "../../host/measure/bench.js";
import { type BenchResult, benchModel } from "../../host/measure/bench_model.js";
import { packagePath } from "../../host/package_root.js";
import { boardVariants } from "./board_models.js";
import { type BoardsResult, benchBoards, benchedBoards } from "./boards.js";
import { allPipelines, type PipelineRow, pipelineTable } from "./pipelines.js";

const note = (text: string) => process.stderr.write(`${text}\n`);
const { signal } = new AbortController();

/** Models whose layers and pipelines are shown one by one: the issue's, MLPerf Tiny's. */
const shown = /kws|vww|Resnet|ad01|micro_speech/;

async function main(): Promise<undefined> {
  const named = process.argv.slice(2);
  const paths = named.length > 0 ? named : benchModels(process.env);
  const unsupported: string[] = [];
  const opcodes = await countOpcodes(paths, unsupported);
  const pipelines = await allPipelines(
    paths.filter((path) => shown.test(benchModelName(path))),
    note,
  );
  const boards: { -readonly [Part in keyof BoardsResult]: BoardsResult[Part] } = {
    rows: [],
    skipped: unsupported,
    notes: [],
    inputs: [],
  };
  // Model by model, and written after each: an interrupted run keeps what it has measured.
  for (const path of paths.filter((one) => opcodes.has(benchModelName(one)))) {
    const request = {
      boards: benchedBoards,
      paths: [path],
      named: true,
      variants: boardVariants,
      layers: true,
    };
    const { rows, skipped, notes, inputs } = await benchBoards({ ...request, signal, note });
    boards.rows = [...boards.rows, ...rows];
    boards.skipped = [...boards.skipped, ...skipped];
    boards.notes = [...boards.notes, ...notes];
    boards.inputs = [...boards.inputs, ...inputs];
    write({ ...performanceTables(opcodes, pipelines, boards), readme: readmeTable(opcodes, boards) });
  }
}

function write(tables: Readonly<Record<string, string>>): void {
  for (const file of [packagePath("docs", "PERFORMANCE.md"), packagePath("README.md")]) {
    const text = readFileSync(file, "utf8");
    writeFileSync(`${file}.new`, filled(text, tables));
    renameSync(`${file}.new`, file);
  }
}

/** @param unsupported is told what does not compile, and why */
async function countOpcodes(
  paths: readonly string[],
  unsupported: string[],
): Promise<Map<string, BenchResult>> {
  const results = new Map<string, BenchResult>();
  const costs = benchedBoards.map((board) => loadBoard(board).cost);
  for (const path of paths) {
    const model = benchModelName(path);
    note(`opcodes: ${model}`);
    try {
      const variants = ["plain", "speed", "balanced", "size"] as const;
      const bytes = readFileSync(path);
      results.set(model, await benchModel({ model, path, bytes, variants, layers: false, costs, signal }));
    } catch (error) {
      if (!(error instanceof WamletError) || !error.code.startsWith("WAMLET_UNSUPPORTED")) throw error;
      unsupported.push(`${model}: ${error.message}`);
    }
  }
  return results;
}

/** The first line that each compiler and emulator says of itself: figures of plain C depend on them. */
function toolVersions(): string {
  const ports = benchedBoards.map(readPort);
  const tools = ["clang", ...ports.flatMap(({ compiler, emulator }) => [compiler, emulator.command])];
  const { stdout } = spawnSync("git", ["-C", packagePath(), "describe", "--always", "--dirty"], {
    encoding: "utf8",
  });
  const revision = stdout?.trim() ? [`- wamlet: ${stdout.trim()}`] : [];
  const lines = tools.map(
    (tool) => spawnSync(tool, ["--version"], { encoding: "utf8" }).stdout?.split("\n")[0],
  );
  const said = lines.flatMap((line, index) => (line ? [`- ${tools[index]}: ${line}`] : []));
  return [...revision, ...said].join("\n");
}

/** Each table's Markdown by the name of its marker. */
function performanceTables(
  opcodes: ReadonlyMap<string, BenchResult>,
  pipelines: readonly PipelineRow[],
  boards: BoardsResult,
): Record<string, string> {
  const on = (port: string) => boards.rows.filter((row) => row.port === port);
  const layered = [...new Set(boards.rows.map(({ model }) => model))].filter((model) => shown.test(model));
  const said = [...boards.inputs, ...boards.notes, ...boards.skipped];
  return {
    tools: toolVersions(),
    reach: markdown(reachTable(boards.rows)),
    opcodes: markdown(
      modelTable(
        [...opcodes.values()].flatMap(({ rows }) => rows),
        false,
      ),
    ),
    ...Object.fromEntries(benchedBoards.map((board) => [board, markdown(modelTable(on(board), true))])),
    pipelines: markdown(pipelineTable(pipelines)),
    layers: layered
      .flatMap((model) =>
        benchedBoards.map(
          (board) => `### ${model} on ${board}\n\n${markdown(layerTable(boards.rows, model, board))}`,
        ),
      )
      .join("\n\n"),
    notes: said.map((line) => `- ${line}`).join("\n"),
  };
}

/** What the issue asks for on Cortex-M4, instructions an inference, and what it was measured against. */
const goals: readonly (readonly [model: string, most: number])[] = [
  ["kws_ref_model", 43e6],
  ["vww_96_int8", 100e6],
  ["pretrainedResnet_quant", 180e6],
  ["ad01_int8", 5e6],
  ["micro_speech_quantized", 8e6],
];

function reachTable(rows: readonly BenchRow[]): Table {
  const right = (heading: string) => ({ heading, align: "right" as const });
  const of = (model: string, variant: string) =>
    rows.find(
      (row) =>
        row.model === model && row.variant === variant && row.layer === null && row.port === benchedBoards[0],
    );
  const known = goals.filter(([model]) => of(model, "speed"));
  return {
    columns: [
      { heading: "model" },
      ...["goal", "speed", "of the goal", "plain", "clang-wasm", "native"].map(right),
    ],
    rows: known.map(([model, most]) => {
      const count = (variant: string) => of(model, variant)?.instructions ?? Number.NaN;
      const cell = (variant: string) => (of(model, variant) ? formatCount(count(variant)) : "–");
      const share = `${(count("speed") / most).toFixed(2)} ×`;
      return [
        model,
        formatCount(most),
        cell("speed"),
        share,
        cell("plain"),
        cell("clang-wasm"),
        cell("native"),
      ];
    }),
  };
}

/** One line a model, as `balanced` compiles it, for the README. */
function readmeTable(opcodes: ReadonlyMap<string, BenchResult>, boards: BoardsResult): string {
  const right = (heading: string) => ({ heading, align: "right" as const });
  const headings = [
    "MACs",
    "opcodes",
    "per MAC",
    "Cortex-M4",
    "rv32imac",
    "module",
    "linear memory",
    "lower bound",
  ];
  const rows = [...opcodes].map(([model, { rows: counted, memory }]) => {
    const row = counted.find(({ variant, port }) => variant === "balanced" && port === "virtual") as BenchRow;
    const on = (port: string) => {
      const found = boards.rows.find(
        (one) => one.model === model && one.port === port && one.variant === "balanced" && one.layer === null,
      );
      return found ? formatCount(found.instructions) : "–";
    };
    const [m4, rv32] = benchedBoards.map(on);
    const plan = memory.get("balanced");
    return [
      model,
      formatCount(row.macs),
      formatCount(row.instructions),
      (row.instructions / row.macs).toFixed(2),
      m4 ?? "",
      rv32 ?? "",
      String(row.moduleBytes),
      String(row.linearMemory),
      String(plan?.lowerBoundBytes ?? ""),
    ];
  });
  return markdown({ columns: [{ heading: "model" }, ...headings.map(right)], rows });
}

function markdown(table: Table): string {
  return showTable(table, true, colorsFor(process.stdout, {}));
}

/** Text with what stands between markers replaced. */
export function filled(text: string, tables: Readonly<Record<string, string>>): string {
  return text.replace(/(<!-- table: ([\w-]+) -->\n)[\s\S]*?(<!-- end -->)/g, (whole, begin, name, end) => {
    const table = tables[name];
    return table === undefined ? whole : `${begin}\n${table}\n\n${end}`;
  });
}

if (isStarted(import.meta.url)) await runScript(main);
