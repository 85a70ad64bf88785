/** The report at the end of the demo: everything that a run tells. */
import type { Board } from "../descriptor/board.js";
import type { LayerDescription } from "../module/description.js";
import type { Output } from "./output.js";
import { paragraph, showAccuracy, showFigures, showResources } from "./report.js";
import { showLayers } from "./report_layers.js";
import { showRadios } from "./report_radios.js";
import type { RunReport } from "./run_report.js";

/** Slowest layers shown; `wamlet profile --layers` shows them all. */
const slowestShown = 5;

export function showReport(
  report: RunReport,
  board: Board | null,
  layers: readonly LayerDescription[],
  output: Output,
): void {
  const { bold, dim } = output.colors;
  output.line();
  showAccuracy(report, output);
  showFigures(report, output);
  showResources(report, output);
  output.line();
  output.line(bold(`The ${Math.min(slowestShown, layers.length)} slowest of ${layers.length} layers`));
  showLayers(report, layers, output, slowestShown);
  output.line();
  showRadios(report, board, output);
  output.line();
  const next = "wamlet deploy model.tflite, wamlet stream frames.npy, wamlet profile model.tflite --layers";
  paragraph("", `With a model of yours: ${next}`, output, dim, 0);
}
