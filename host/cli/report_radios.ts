/** Compute or send? What the raw frame would cost on each radio, beside the inference and its answer. */
import type { Board } from "../descriptor/board.js";
import type { RadioComparison } from "../measure/compute_or_send.js";
import { digits, formatBytes, formatEnergy } from "./format.js";
import type { Output } from "./output.js";
import { paragraph } from "./report.js";
import { answerBytes, type RunReport } from "./run_report.js";
import { formatTable } from "./table.js";

/** @param board whose radios they are, for their figures' sources; null shows none */
export function showRadios(report: RunReport, board: Board | null, output: Output): void {
  const { computeOrSend: comparisons, measurements } = report;
  const { energy, frameBytes } = measurements;
  if (comparisons.length === 0 || energy === null) return;
  const { bold, dim } = output.colors;
  output.line(bold("Compute or send?"));
  const inference = `${formatEnergy(energy.statistics.median)} (median, ${energy.source})`;
  const sizes = `a frame is ${formatBytes(frameBytes.input)}, an answer ${formatBytes(answerBytes)}`;
  paragraph("", `${sizes}; an inference takes ${inference}`, output, dim, 0);
  output.line(
    formatTable(
      [
        { heading: "radio".padEnd(10) },
        { heading: "send the frame", align: "right" },
        { heading: "compute, send the answer", align: "right" },
        { heading: "" },
      ],
      comparisons.map((comparison) => [
        comparison.radio,
        formatEnergy(comparison.send.nanojoules),
        formatEnergy(comparison.compute.nanojoules),
        verdict(comparison, output),
      ]),
      output.colors,
    ),
  );
  if (board === null) return;
  // Radios of one kind often rest on the same figures.
  const named = new Map<string, string[]>();
  for (const { radio, sources } of comparisons) {
    const text = firstClauses(sources);
    named.set(text, [...(named.get(text) ?? []), radio]);
  }
  for (const [text, radios] of named) paragraph("", `${radios.join(", ")}: ${text}`, output, dim, 2);
  paragraph("", `"wamlet boards ${board.name}" shows every figure with its whole source.`, output, dim, 2);
}

function verdict({ verdict: better, ratio }: RadioComparison, { colors }: Output): string {
  if (better === "equal" || ratio === null) return "equal";
  const times = better === "compute" ? ratio : 1 / ratio;
  const text = times < 1.05 ? `${better}, hardly cheaper` : `${better}, ${digits(times)}× cheaper`;
  return better === "compute" ? colors.green(text) : colors.yellow(text);
}

/** What a figure is and where it comes from stands first in its source; conditions follow. */
function firstClauses({ message, byte }: RadioComparison["sources"]): string {
  const [first, second] = [message, byte].map((source) => source.split(";")[0]?.trim() ?? source);
  return first === second || second === undefined ? `${first}` : `message ${first}; byte ${second}`;
}
