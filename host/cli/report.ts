/**
 * A run for people: accuracy, count, time and energy, line, memory, layers, and whether to compute or to send.
 * Every figure says whether it was measured or modelled; the report of `--json` holds the same.
 */
import { WamletError } from "../errors.js";
import type { LiveFrames } from "../frames/live.js";
import { countsCycles } from "../measure/energy.js";
import type { MeasurementReport } from "../measure/measurements.js";
import type { Statistics } from "../measure/statistics.js";
import { clampedText, isMuchClamped } from "./clamped_values.js";
import {
  digits,
  formatBytes,
  formatCount,
  formatEnergy,
  formatShare,
  formatTime,
  unknown,
  wrapText,
} from "./format.js";
import type { Output } from "./output.js";
import type { RunReport } from "./run_report.js";
import { formatTable } from "./table.js";

/** Left column, wide enough for every label. */
const labelColumns = 12;

/** A run in one line, where its answers were the output. */
export function summaryLine(report: RunReport): string {
  const { accuracy, microseconds, energy, frames } = report.measurements;
  const right = accuracy === null ? "" : `, accuracy ${formatShare(accuracy.fraction)}`;
  const [label] = countLabels(report.measurements);
  const { live } = report;
  const lost = live === null ? "" : `, ${live.dropped} dropped, ${live.malformed} malformed`;
  const clamped = isMuchClamped(report) ? `. ${clampedText(report)}` : "";
  const joules = energy === null ? "" : ` and ${formatEnergy(energy.statistics.median)} (${energy.source})`;
  return `${frames} ${plural(frames, "frame")}${lost}${right}, median ${formatTime(microseconds.median)} (${label})${joules}${clamped}`;
}

/** A run that ended before its first answer: interrupted, or without a frame. */
export function noAnswers(signal: AbortSignal, live: LiveFrames | null = null): unknown {
  if (signal.aborted) return signal.reason;
  if (live !== null && live.lastMalformed !== null && live.counts.received === 0) {
    const { code, message, hint } = live.lastMalformed;
    const text = `None of ${live.counts.malformed} lines was a frame; the last: ${message}`;
    return new WamletError(code, text, hint);
  }
  return new WamletError(
    "WAMLET_INVALID_FRAMES",
    "There was no frame to run.",
    live === null ? "Give a file with at least one frame." : "See whether the source sends frames.",
  );
}

/** Title, what was run, and how long it took. */
export function showTitle(report: RunReport, output: Output): void {
  const { bold, dim } = output.colors;
  const { model, board, measurements, elapsedMicroseconds, clock } = report;
  output.line(`${bold(model.name)} on ${board.name}, ${board.chip}, at ${board.port}`);
  output.line(
    dim(
      `${measurements.frames} ${plural(measurements.frames, "frame")} of ${report.frames} in ${formatTime(elapsedMicroseconds)} (${clock})${report.interrupted ? ", interrupted" : ""}`,
    ),
  );
}

/** Share of right answers, and what was taken for what. */
export function showAccuracy(report: RunReport, output: Output): void {
  const { bold, dim } = output.colors;
  const { accuracy } = report.measurements;
  if (accuracy === null) return;
  const { labelled, correct, fraction, confusion } = accuracy;
  field("accuracy", `${bold(formatShare(fraction))}  ${correct} of ${labelled} right`, output);
  const name = (index: number) => report.model.labels[index] ?? String(index);
  const wrong = confusion.filter(({ expected, answered }) => expected !== answered);
  wrong.sort((one, other) => other.frames - one.frames);
  const most = wrong.slice(0, 5).map(({ expected, answered, frames }) => {
    return `${name(expected)} taken for ${name(answered)}${frames > 1 ? ` ×${frames}` : ""}`;
  });
  if (wrong.length > most.length) most.push("…");
  if (most.length > 0) paragraph("", most.join(", "), output, dim);
}

/** Count, time and energy of one inference. */
export function showFigures(report: RunReport, output: Output, withMaximum = true): void {
  const { dim } = output.colors;
  const { count, microseconds, energy } = report.measurements;
  const [countLabel, countWords] = countLabels(report.measurements);
  const figures = withMaximum
    ? (["min", "median", "p95", "max"] as const)
    : (["min", "median", "p95"] as const);
  const row = (name: string, statistics: Statistics, format: (value: number) => string, label: string) => [
    name,
    ...figures.map((figure) => format(statistics[figure])),
    dim(label),
  ];
  output.line();
  output.line(
    formatTable(
      [
        { heading: "per inference".padEnd(labelColumns - 2) },
        ...figures.map((heading) => ({
          heading: heading.padStart(9),
          align: "right" as const,
        })),
        { heading: "" },
      ],
      [
        row(count.unit, count.statistics, formatCount, countLabel),
        row("time", microseconds, formatTime, countLabel),
        energy === null
          ? ["energy", ...figures.map(() => unknown), dim("not known")]
          : row("energy", energy.statistics, formatEnergy, energy.source),
      ],
      output.colors,
    ),
  );
  paragraph("", `${count.unit}: ${countWords}`, output, dim, 0);
  if (report.energyModel !== null) paragraph("", `energy: modelled, ${report.energyModel}`, output, dim, 0);
  if (energy === null)
    paragraph("", `energy: the board has no sensor, ${noEnergyModel(report)}`, output, dim, 0);
  if (!count.statistics.exact) {
    paragraph(
      "",
      "Percentiles are within 0.4 %: there are too many values to keep them all.",
      output,
      dim,
      0,
    );
  }
}

/** Why no energy was modelled either. */
function noEnergyModel({ measurements: { count } }: RunReport): string {
  return countsCycles(count)
    ? "and no descriptor says what its cycles take"
    : "and what it counts does not tell what a device takes";
}

/** Line, module and memory. */
export function showResources(report: RunReport, output: Output): void {
  const { dim, yellow } = output.colors;
  const { model, ram } = report;
  output.line();
  showLive(report, output);
  showRates(report, output);
  const weights = model.weightBytes ?? 0;
  const parts = (...named: [string, number][]) =>
    dim(`(${named.map(([name, bytes]) => `${name} ${formatBytes(bytes)}`).join(", ")})`);
  const module = parts(["code", model.moduleBytes - weights], ["weights", weights]);
  field("module", `${formatBytes(model.moduleBytes)}  ${module}`, output);
  const { linearMemoryBytes, runtimeBytes, totalBytes } = ram;
  const runtime = `runtime ${formatBytes(runtimeBytes)}${ram.source === "modelled" ? " (modelled)" : ""}`;
  field(
    "RAM",
    `linear memory ${formatBytes(linearMemoryBytes)}, ${runtime}, of ${formatBytes(totalBytes)}`,
    output,
  );
  const overlap = ram.overlaps ? "the next one arrives meanwhile" : "they come between inferences";
  field(
    "buffer",
    `${formatBytes(ram.receiveBufferBytes)} for frames of ${formatBytes(ram.inputBytes)}: ${overlap}`,
    output,
  );
  const clamped = clampedText(report);
  if (clamped !== null) paragraph("clamped", clamped, output, isMuchClamped(report) ? yellow : dim);
}

/** What a live source gave. */
function showLive({ live, measurements }: RunReport, output: Output): void {
  if (live === null) return;
  const { received, dropped, malformed } = live;
  const { yellow } = output.colors;
  const bad = malformed === 0 ? "0 malformed" : yellow(`${malformed} malformed`);
  const lost = dropped === 0 ? "0 dropped" : yellow(`${dropped} dropped`);
  field("source", `${received} received, ${lost}, ${bad}, ${measurements.frames} answered`, output);
}

/** Frames a second, and what held them up. */
function showRates({ rates, baudRate, clock, line }: RunReport, output: Output): void {
  const { dim } = output.colors;
  if (rates === null) return;
  const { framesPerSecond, lineUtilisation, computeUtilisation } = rates;
  const source = clock === "virtual time" ? "modelled, virtual time" : "measured, wall clock";
  const computing = `computing ${formatShare(Math.min(1, computeUtilisation))} of the time`;
  field("stream", `${digits(framesPerSecond)} frames/s, ${computing}  ${dim(source)}`, output);
  const busy =
    lineUtilisation === null || baudRate === null
      ? `${formatBytes(Math.round(rates.bytesPerSecondToBoard))}/s to the board`
      : `${formatShare(lineUtilisation.toBoard)} of ${baudRate} baud used, ${formatShare(lineUtilisation.fromBoard)} back`;
  field("line", busy, output);
  const { resent = 0, damaged = 0 } = line;
  if (resent + damaged > 0) field("", `${resent} packets sent again, ${damaged} damaged`, output);
}

/** `label       text`. */
export function field(label: string, text: string, output: Output): void {
  output.line(`${output.colors.dim(label.padEnd(labelColumns))}${text}`);
}

/** Text below a field, broken at the width of the output. */
export function paragraph(
  label: string,
  text: string,
  output: Output,
  colour: (text: string) => string,
  indent = labelColumns,
): void {
  wrapText(text, reportColumns(output) - indent).forEach((line, index) => {
    const before = (index === 0 ? label : "").padEnd(indent);
    output.line(`${output.colors.dim(before)}${colour(line)}`);
  });
}

/** Lines beyond this are hard to read. */
export function reportColumns(output: Output): number {
  return Math.min(100, output.columns);
}

/** `modelled` or `measured`, and the sentence that says how. A count that no model made was counted. */
export function countLabels({ count }: Pick<MeasurementReport, "count">): ["modelled" | "measured", string] {
  const { source } = count;
  return source.startsWith("modelled")
    ? ["modelled", source.replace(/^modelled: /, "modelled, ")]
    : ["measured", `measured, ${source}`];
}

function plural(count: number, word: string): string {
  return count === 1 ? word : `${word}s`;
}
