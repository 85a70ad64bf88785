/** Where the time of an inference goes: layers as a table with bars. */
import { type LayerMeasurement, type LayerReport, slowestLayers } from "../measure/layers.js";
import type { LayerDescription } from "../module/description.js";
import { bar, digits, formatCount, formatShare } from "./format.js";
import type { Output } from "./output.js";
import { countLabels, paragraph } from "./report.js";
import type { RunReport } from "./run_report.js";
import { formatTable } from "./table.js";

const barColumns = 20;

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
  const { dim } = output.colors;
  const [label] = countLabels(report.measurements);
  const shown = most === undefined ? layers.layers : slowestLayers(layers, most);
  const largest = Math.max(...shown.map(({ share }) => share), 0);
  const row = ({ index, operator, macs, count: counted, countPerMac, share }: LayerMeasurement) => [
    String(index),
    operator,
    described.find((layer) => layer.index === index)?.outputShape.join("×") ?? "",
    macs === 0 ? "" : formatCount(macs),
    formatCount(counted.median),
    countPerMac === null ? "" : digits(countPerMac),
    formatShare(share),
    bar(largest === 0 ? 0 : share / largest, barColumns),
  ];
  output.line(
    formatTable(
      [
        { heading: "layer", align: "right" },
        { heading: "operator" },
        { heading: "output" },
        { heading: "MACs", align: "right" },
        { heading: count.unit, align: "right" },
        { heading: "per MAC", align: "right" },
        { heading: "share", align: "right" },
        { heading: "" },
      ],
      shown.map(row),
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
  const parts = [`${unit} ${label}, median of the profiled inferences`];
  if (rest > 0) parts.push(`${rest} more layers take ${formatShare(others)}`);
  parts.push(`${formatShare(outside.share)} lies between layers`);
  return `${parts.join("; ")}.`;
}
