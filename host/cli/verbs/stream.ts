/** `wamlet stream`: frames of a file or as they come through a board, answers and figures back. */
import type { Answer } from "../../board/answer.js";
import { answerFormats } from "../answer_lines.js";
import type { BoardConnection } from "../board_connection.js";
import { frameLabelsOption, frameOptions } from "../frame_options.js";
import type { InputFrame } from "../input_frames.js";
import { liveOptions } from "../live_frames.js";
import { optimizeOption, portOptions } from "../options.js";
import type { Run } from "../run_frames.js";
import { defineVerb, type ExitCode } from "../verb.js";

export const stream = defineVerb({
  description:
    "Sends frames to a module on a board and reports accuracy, time and energy of the answers. Frames are a file " +
    "(.npy, .csv, .wav, .jsonl, raw .bin, a recording), images, or a live source: - (stdin), tcp://host:port, " +
    "serial:/dev/ttyUSB1. Real values are quantised by the module's own scale and zero point. Without --module the " +
    "board's active module answers. Ctrl-C ends a stream with the report so far.",
  positionals: {
    frames: {
      type: "string",
      demandOption: true,
      describe: "File, folder of images, or -, tcp://host:port, serial:PORT",
    },
  },
  options: {
    ...portOptions,
    module: {
      alias: "m",
      type: "string",
      requiresArg: true,
      describe: "A .tflite or .wasm (deployed unless the board has it), or the name of a stored module",
    },
    ...optimizeOption,
    rate: { type: "number", requiresArg: true, describe: "Frames a second (default: as fast as it goes)" },
    count: {
      alias: "n",
      type: "number",
      requiresArg: true,
      describe: "Frames to stream; beyond the file's end it begins again (default: all there are)",
    },
    output: {
      alias: "o",
      choices: answerFormats,
      describe: "Print every answer: as a table, JSON lines or CSV",
    },
    layers: {
      type: "boolean",
      default: false,
      describe: "Count by layer; needs a .tflite or a profiling build",
    },
    record: {
      type: "string",
      requiresArg: true,
      describe:
        "Keep frames and answers in this file; streamed later, its answers are held against the new ones",
    },
    append: { type: "boolean", describe: "Go on with a recording instead of refusing a file that exists" },
    ...frameLabelsOption,
    ...frameOptions,
    ...liveOptions,
  },
  examples: [
    ["stream frames.npy --labels labels.csv", "The active module, with accuracy"],
    ["stream frames.csv -m motion.tflite --port emulator:esp32", "Compile, deploy and stream in one"],
    ["stream frames.npy --rate 10 -n 600", "A minute at ten frames a second"],
    ["stream frames.npy -o jsonl > answers.jsonl", "Every answer for a program"],
    ["stream imu.csv --sample-rate 50 --hop 500ms", "Windows of a recorded signal"],
    ["stream - --when-full drop-oldest", "JSON lines from stdin, the newest first"],
    ["stream frames.npy --record today.jsonl", "Keep frames and answers for replay"],
  ],
  async run(args, context) {
    const { WamletError } = await import("../../errors.js");
    const { output, progress } = context;
    const rows = args.output;
    if (output.json && rows !== undefined) {
      throw new WamletError(
        "WAMLET_USAGE",
        `--json prints one report, -o ${rows} a line for each answer: together they cannot be told apart.`,
        "Leave one of the two out.",
      );
    }
    const { positiveInteger, readLabelChoice, fileFrames } = await import("../input_frames.js");
    const { frameReading } = await import("../frame_options.js");
    const { checkRecordOptions, openRecording, recordAnswer } = await import("../record_answers.js");
    const wanted = positiveInteger("--count", args.count);
    const reading = await frameReading(args);
    checkRecordOptions(args);
    if (args.rate !== undefined && !(args.rate > 0 && args.rate <= 1e6)) {
      throw new WamletError(
        "WAMLET_USAGE",
        `--rate is ${args.rate}.`,
        "Give frames a second, as in --rate 10.",
      );
    }
    const { findConfig } = await import("../../board/config.js");
    const labels = await readLabelChoice(
      args.labels ?? findConfig(context.workingDirectory)?.labels ?? undefined,
    );
    const { framesFrom, openSource, refuseLiveOptions } = await import("../live_frames.js");
    const source = await openSource(args.frames, context.signal);
    if (source === null) {
      refuseLiveOptions(args);
      const { frameFormat } = await import("../../frames/read_frames.js");
      frameFormat(args.frames, reading);
    }
    const { withBoard } = await import("../board_connection.js");
    const { prepareModule } = await import("../prepare_module.js");
    const { runFrames } = await import("../run_frames.js");
    const { runReport } = await import("../run_report.js");
    const { answerPrinter } = await import("../answer_lines.js");
    const { answerRow } = await import("../../measure/rows.js");
    const { openReplay, replayText } = await import("../replay.js");
    const { noAnswers, summaryLine } = await import("../report.js");
    // A virtual board keeps real time where the frames have a time of their own.
    const pace = args.rate === undefined && source === null ? undefined : "real";
    const { layers, rate, optimize } = args;
    const stream = async (connection: BoardConnection): Promise<ExitCode> => {
      const options = { layers, classNames: labels.classNames, optimize };
      const prepared = await prepareModule(connection, args.module, options, context);
      const { description } = prepared.module;
      const frames =
        source === null
          ? await fileFrames(args.frames, description, labels, reading, context)
          : await framesFrom(source, description, labels, reading, args, context.signal);
      const replay = source === null ? await openReplay(args.frames, description.outputs, context) : null;
      const [first] = description.outputs;
      const recording = await openRecording(args, prepared.loaded.name, description);
      const print = rows === undefined ? null : await answerPrinter(rows, frames.names, output);
      const onAnswer = (answer: Answer, frame: InputFrame) => {
        if (recording !== null) recordAnswer(recording, answer, frame);
        replay?.compare(answer);
        if (print !== null && first !== undefined)
          print(answerRow(answer, first, frames.names, frame.expected));
      };
      const count = wanted ?? frames.count;
      const runOptions = { count, rate, layers, live: print === null, onAnswer };
      let run: Run;
      try {
        run = await runFrames(connection, prepared.loaded, description, frames, runOptions, context);
      } finally {
        recording?.close();
      }
      if (run.measurements === null) throw noAnswers(context.signal, frames.live);
      const replayed = replay?.result() ?? null;
      const report = {
        ...(await runReport(connection, prepared, frames, run, run.measurements)),
        recording: args.record ?? null,
        replay: replayed,
      };
      // Nothing but Ctrl-C ends many a live source: its report is the result, and no error beside it.
      const exitCode = run.interrupted && source !== null ? 2 : 0;
      if (rows === "jsonl" || rows === "csv") {
        progress.note(summaryLine(report));
        if (replayed !== null) progress.note(replayText(replayed));
        return exitCode;
      }
      if (output.json && run.interrupted && source === null) return exitCode;
      const { field, showAccuracy, showFigures, showResources, showTitle } = await import("../report.js");
      const { showLayers } = await import("../report_layers.js");
      const { showRadios } = await import("../report_radios.js");
      output.result(report, () => {
        if (rows !== undefined) output.line();
        showTitle(report, output);
        if (report.measurements.accuracy !== null || replayed !== null) output.line();
        showAccuracy(report, output);
        if (replayed !== null) field("replay", replayText(replayed), output);
        showFigures(report, output);
        showResources(report, output);
        if (args.record !== undefined) field("recorded", args.record, output);
        if (layers) output.line();
        showLayers(report, description.layers, output);
        output.line();
        showRadios(report, null, output);
      });
      return exitCode;
    };
    try {
      return await withBoard(args, context, stream, { pace });
    } finally {
      await source?.close();
    }
  },
});
