/** What a run gave as data: the report of `--json`, and what `report.ts` shows people. */
import type { Account } from "../compiler/account.js";
import type { Board } from "../descriptor/board.js";
import type { LiveCounts } from "../frames/live.js";
import { computeOrSend } from "../measure/compute_or_send.js";
import type { MeasurementReport } from "../measure/measurements.js";
import { type ReportJson, reportJson } from "../measure/report.js";
import type { WamletModule } from "../module/layout.js";
import type { BoardConnection } from "./board_connection.js";
import type { InputFrames } from "./input_frames.js";
import type { PreparedModule } from "./prepare_module.js";
import type { Run } from "./run_frames.js";

/** A class index: what a device sends instead of the frame. */
export const answerBytes = 1;

export interface RunReport extends ReportJson {
  readonly frames: string;
  /** Whose time the rates are by. */
  readonly clock: "virtual time" | "wall clock";
  readonly elapsedMicroseconds: number;
  readonly baudRate: number | null;
  readonly inputValues: number;
  readonly clampedValues: number;
  /** Of a live source: frames that came, found no room, or were none; null for a file. */
  readonly live: LiveCounts | null;
  readonly interrupted: boolean;
  /** Frames sent again, questions, damaged and doubled frames since the port was opened. */
  readonly line: Readonly<Record<string, number>>;
  readonly ram: RamReport;
  readonly energyModel: string | null;
}

/** The board's memory with the module loaded. */
export interface RamReport {
  readonly linearMemoryBytes: number;
  readonly runtimeBytes: number;
  /** Where `runtimeBytes` comes from: a virtual board has no runtime to ask. */
  readonly source: "measured" | "modelled";
  /** Of the pool for modules. */
  readonly usedBytes: number;
  readonly totalBytes: number;
  readonly receiveBufferBytes: number;
  readonly inputBytes: number;
  /** Whether the next frame fits beside the running one. */
  readonly overlaps: boolean;
}

/** Bytes around a frame in the receive buffer, as the compiler's account has it. */
const overlapOf = (account: Account | null, inputBytes: number, buffer: number): boolean =>
  account?.overlaps ?? inputBytes <= buffer;

/** Puts together what is known after a run. */
export async function runReport(
  connection: BoardConnection,
  prepared: PreparedModule,
  frames: InputFrames,
  run: Run,
  measurements: MeasurementReport,
): Promise<RunReport> {
  const { session, meter, board } = connection;
  const { module, loaded } = prepared;
  const { info, url } = session;
  const { energy, frameBytes } = measurements;
  const comparisons =
    board === null || energy === null
      ? []
      : computeOrSend(board, frameBytes.input, answerBytes, energy.statistics.median);
  const { accountFor } = await import("../compiler/account.js");
  const account = board === null ? null : accountFor(module, board);
  const inputBytes = measurements.frameBytes.input;
  return {
    ...reportJson(
      subjectOf(module, loaded.name, frames.names, { name: info.board, chip: info.chip, port: url }),
      measurements,
      run.rates,
      comparisons,
    ),
    frames: frames.name,
    clock: meter.clock.name,
    elapsedMicroseconds: run.elapsedMicroseconds,
    baudRate: meter.baudRate,
    inputValues: run.inputValues,
    clampedValues: run.clampedValues,
    live: frames.live?.counts ?? null,
    interrupted: run.interrupted,
    line: { ...session.lineStatistics },
    ram: {
      linearMemoryBytes: loaded.description.linearMemoryBytes,
      runtimeBytes: loaded.description.runtimeBytes,
      source: measurements.count.source.startsWith("modelled") ? "modelled" : "measured",
      usedBytes: loaded.description.memoryUsedBytes,
      totalBytes: loaded.description.memoryTotalBytes,
      receiveBufferBytes: info.receiveBufferBytes,
      inputBytes,
      overlaps: overlapOf(account, inputBytes, info.receiveBufferBytes),
    },
    energyModel: energyModel(measurements, board),
  };
}

function subjectOf(
  module: WamletModule,
  name: string,
  labels: readonly string[],
  board: { readonly name: string; readonly chip: string; readonly port: string },
) {
  return {
    model: { name, source: module.description.source, labels },
    moduleBytes: module.payload.length,
    weightBytes: module.abi.weights?.bytes ?? 0,
    linearMemoryBytes: module.manifest.linearMemoryBytes,
    board,
  };
}

/** What a modelled energy is made of; a measured one needs no such words. */
function energyModel({ energy }: MeasurementReport, board: Board | null): string | null {
  if (energy?.source !== "modelled" || board === null) return null;
  const { activeMilliamperes, volts } = board.power;
  const assumed = activeMilliamperes.source.startsWith("assumed") ? ", assumed" : "";
  return `${activeMilliamperes.value} mA × ${volts} V × time (current of ${board.name}'s descriptor${assumed})`;
}
