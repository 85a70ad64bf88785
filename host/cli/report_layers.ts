/** Where the time of an inference goes: layers as a table with bars. */
import { type LayerMeasurement, type LayerReport, slowestLayers } from "../measure/layers.js";
import type { LayerDescription } from "../module/description.js";
import { bar, digits, formatCount, formatShare } from "./format.js";
import type { Output } from "./output.js";
import { countLabels, paragraph, reportColumns } from "./report.js";
import type { RunReport } from "./run_report.js";
import { formatTable } from "./table.js";

/** What is left of the line, between these. */
const shortestBar = 6;
const longestBar = 20;

/**
 * @param most only the slowest layers, the slowest first; without it all, in their order
 */
export function showLayers(
  report: RunReport,
  described: readonly LayerDescription[],
  output: Output,
  most?: number,
): void {
  const { layers, count } = report.measurements;
  if (layers === null) return;
  const { cyan, dim } = output.colors;
  const [label] = countLabels(report.measurements);
  const shown = most === undefined ? layers.layers : slowestLayers(layers, most);
  const largest = Math.max(...shown.map(({ share }) => share), 0);
  const cells = shown.map(({ index, operator, macs, count: counted, countPerMac, share }) => [
    String(index),
    operator,
    described.find((layer) => layer.index === index)?.outputShape.join("×") ?? "",
    macs === 0 ? "" : formatCount(macs),
    formatCount(counted.median),
    countPerMac === null ? "" : digits(countPerMac),
    formatShare(share),
  ]);
  const headings = ["layer", "operator", "output", "MACs", count.unit, "per MAC", "share"];
  const width = headings.reduce((sum, heading, column) => {
    return sum + 2 + Math.max(heading.length, ...cells.map((row) => row[column]?.length ?? 0));
  }, 0);
  const columns = Math.min(longestBar, Math.max(shortestBar, reportColumns(output) - width));
  output.line(
    formatTable(
      [
        ...headings.map((heading, column) => ({
          heading,
          align: column === 1 || column === 2 ? ("left" as const) : ("right" as const),
        })),
        { heading: "" },
      ],
      cells.map((row, index) => [
        ...row,
        cyan(bar(largest === 0 ? 0 : (shown[index]?.share ?? 0) / largest, columns).trimEnd()),
      ]),
      output.colors,
    ),
  );
  paragraph("", summary(layers, shown, count.unit, label), output, dim, 0);
}

function summary(
  { layers, outside }: LayerReport,
  shown: readonly LayerMeasurement[],
  unit: string,
  label: string,
): string {
  const rest = layers.length - shown.length;
  const others = layers.filter((layer) => !shown.includes(layer)).reduce((sum, { share }) => sum + share, 0);
  const more = rest > 0 ? `${rest} more layers take ${formatShare(others)}, ` : "";
  return `${unit}: ${label}, medians; ${more}${formatShare(outside.share)} lies between layers`;
}
