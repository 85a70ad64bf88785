/**
 * The report of a run as JSON, for `--json`: a shape that scripts may rely on. `version` changes when a field
 * changes its meaning or goes; fields may be added at any time.
 */

import type { ModelDescription } from "../module/description.js";
import type { RadioComparison } from "./compute_or_send.js";
import type { MeasurementReport } from "./measurements.js";
import type { Rates } from "./rates.js";

/** What was measured, and where. */
export interface ReportSubject {
  readonly model: Pick<ModelDescription, "name" | "source" | "labels">;
  /** Bytes of the deployed module, and of its weights where they are known. */
  readonly moduleBytes: number;
  readonly weightBytes: number | null;
  readonly linearMemoryBytes: number;
  readonly board: { readonly name: string; readonly chip: string; readonly port: string };
}

export interface ReportJson {
  readonly format: "wamlet-report";
  readonly version: 1;
  readonly model: {
    readonly name: string;
    readonly sourceSha256: string;
    readonly labels: readonly string[];
    readonly moduleBytes: number;
    readonly weightBytes: number | null;
    readonly linearMemoryBytes: number;
  };
  readonly board: { readonly name: string; readonly chip: string; readonly port: string };
  readonly measurements: MeasurementReport;
  /** null where the stream's rate was not measured. */
  readonly rates: Rates | null;
  /** One entry per radio of the board; empty where it has none. */
  readonly computeOrSend: readonly RadioComparison[];
}

/** Puts a report together; all values are plain JSON. */
export function reportJson(
  subject: ReportSubject,
  measurements: MeasurementReport,
  rates: Rates | null = null,
  comparisons: readonly RadioComparison[] = [],
): ReportJson {
  const { model, moduleBytes, weightBytes, linearMemoryBytes, board } = subject;
  return {
    format: "wamlet-report",
    version: 1,
    model: {
      name: model.name,
      sourceSha256: model.source.sha256,
      labels: model.labels,
      moduleBytes,
      weightBytes,
      linearMemoryBytes,
    },
    board: { name: board.name, chip: board.chip, port: board.port },
    measurements,
    rates,
    computeOrSend: comparisons,
  };
}
