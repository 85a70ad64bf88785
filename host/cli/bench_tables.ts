/** Measurements as tables: aligned for people, or as Markdown for docs/PERFORMANCE.md. */
import type { BenchRow } from "../measure/bench.js";
import type { MemoryDescription } from "../module/description.js";
import { digits, formatCount } from "./format.js";
import type { Colors } from "./output.js";
import { type Column, formatTable } from "./table.js";

/** Columns and cells, before anybody decided how they look. */
export interface Table {
  readonly columns: readonly Column[];
  readonly rows: readonly (readonly string[])[];
}

const left = (heading: string): Column => ({ heading });
const right = (heading: string): Column => ({ heading, align: "right" });

/** Ports in the order in which they appear. */
export function portsOf(rows: readonly BenchRow[]): string[] {
  return [...new Set(rows.map(({ port }) => port))];
}

/**
 * One line for a model and variant; figures of every port side by side.
 * @param native ports whose variant `native` others are set in relation to
 */
export function modelTable(rows: readonly BenchRow[], native: boolean): Table {
  const ports = portsOf(rows);
  const whole = rows.filter(({ layer }) => layer === null);
  const bytes = ["module", "code", "linear", "runtime"];
  const columns = [
    left("model"),
    left("variant"),
    ...bytes.map(right),
    ...ports.flatMap((port) => [
      right(portHeading(port)),
      right("per MAC"),
      ...(native ? [right("× native")] : []),
    ]),
  ];
  const lines = groups(whole, ({ model, variant }) => `${model}\n${variant}`);
  return {
    columns,
    rows: lines.map((line) => {
      const [first] = line as [BenchRow];
      const { model, variant, moduleBytes, codeBytes, linearMemory } = first;
      return [
        model,
        variant,
        ...[moduleBytes, codeBytes, linearMemory].map(String),
        variant === "native" ? "" : [...new Set(line.map((row) => row.runtimeBytes))].join(" / "),
        ...ports.flatMap((port) =>
          figures(at(line, port), native ? nativeOf(whole, first, port) : null, native),
        ),
      ];
    }),
  };
}

/** One line for a layer; the variants side by side: count · per MAC, where there are MACs · × `native`, where measured. */
export function layerTable(rows: readonly BenchRow[], model: string, port: string): Table {
  const own = rows.filter((row) => row.model === model && row.port === port && row.layer !== null);
  const variants = [...new Set(own.map(({ variant }) => variant))];
  // In the model's order: a variant may have fused the first one away.
  const lines = groups(own, ({ layer }) => layer ?? "").sort(
    ([one], [other]) => Number.parseInt(one?.layer ?? "", 10) - Number.parseInt(other?.layer ?? "", 10),
  );
  return {
    columns: [left("layer"), right("MACs"), ...variants.map(right)],
    rows: lines.map((line) => {
      const [first] = line as [BenchRow];
      const of = (name: string) => line.find(({ variant }) => variant === name);
      const cell = (variant: string) =>
        layerCell(of(variant), variant === "native" ? undefined : of("native"));
      return [first.layer ?? "", first.macs === 0 ? "" : formatCount(first.macs), ...variants.map(cell)];
    }),
  };
}

function layerCell(row: BenchRow | undefined, native: BenchRow | undefined): string {
  if (row === undefined) return "–";
  const parts = [formatCount(row.instructions)];
  if (row.macs > 0) parts.push(digits(row.instructions / row.macs));
  if (native) parts.push(`${digits(row.instructions / native.instructions)}×`);
  return parts.join(" · ");
}

/** The memory plan beside its lower bound and TensorFlow Lite Micro's greedy planner. */
export function memoryTable(plans: readonly (readonly [model: string, plan: MemoryDescription])[]): Table {
  return {
    columns: [left("model"), ...["plan", "lower bound", "TFLM's greedy plan", "linear"].map(right)],
    rows: plans.map(([model, { planBytes, lowerBoundBytes, greedyBytes, linearMemoryBytes }]) => [
      model,
      ...[planBytes, lowerBoundBytes, greedyBytes, linearMemoryBytes].map(String),
    ]),
  };
}

function portHeading(port: string): string {
  return port === "virtual" ? "opcodes" : port;
}

function figures(row: BenchRow | undefined, native: BenchRow | null | undefined, ratio: boolean): string[] {
  const missing = ratio ? ["–", "", ""] : ["–", ""];
  if (row === undefined) return missing;
  const perMac = row.macs === 0 ? "" : digits(row.instructions / row.macs);
  const share = native ? digits(row.instructions / native.instructions) : "";
  return [formatCount(row.instructions), perMac, ...(ratio ? [share] : [])];
}

function at(line: readonly BenchRow[], port: string): BenchRow | undefined {
  return line.find((row) => row.port === port);
}

function nativeOf(rows: readonly BenchRow[], { model }: BenchRow, port: string): BenchRow | undefined {
  return rows.find((row) => row.model === model && row.port === port && row.variant === "native");
}

function groups(rows: readonly BenchRow[], key: (row: BenchRow) => string): BenchRow[][] {
  const found = new Map<string, BenchRow[]>();
  for (const row of rows) {
    const group = found.get(key(row)) ?? [];
    group.push(row);
    found.set(key(row), group);
  }
  return [...found.values()];
}

/** @param markdown a table of Markdown; else columns aligned by spaces */
export function showTable({ columns, rows }: Table, markdown: boolean, colors: Colors): string {
  if (!markdown) return formatTable(columns, rows, colors);
  const line = (cells: readonly string[]) => `| ${cells.join(" | ")} |`;
  return [
    line(columns.map(({ heading }) => heading)),
    line(columns.map(({ align }) => (align === "right" ? "---:" : "---"))),
    ...rows.map(line),
  ].join("\n");
}
