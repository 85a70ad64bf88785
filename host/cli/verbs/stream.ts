/** `wamlet stream`: a file of frames through a board, answers and figures back. */
import { answerFormats } from "../answer_lines.js";
import { portOptions } from "../options.js";
import { defineVerb } from "../verb.js";

export const stream = defineVerb({
  description:
    "Sends a file of frames (.npy, .csv, or raw .bin) to a module on a board and reports accuracy, time and energy of " +
    "the answers. Real values are quantised by the module's own scale and zero point. Without --module the board's " +
    "active module answers.",
  positionals: {
    frames: { type: "string", demandOption: true, describe: "File of frames: .npy, .csv, .bin" },
  },
  options: {
    ...portOptions,
    module: {
      alias: "m",
      type: "string",
      requiresArg: true,
      describe: "A .tflite or .wasm (deployed unless the board has it), or the name of a stored module",
    },
    labels: {
      type: "string",
      requiresArg: true,
      describe: "Classes of the frames (.csv, .npy), or class names (a text file)",
    },
    rate: { type: "number", requiresArg: true, describe: "Frames a second (default: as fast as it goes)" },
    count: {
      alias: "n",
      type: "number",
      requiresArg: true,
      describe: "Frames to stream; beyond the file's end it begins again (default: the file once)",
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
  },
  examples: [
    ["stream frames.npy --labels labels.csv", "The active module, with accuracy"],
    ["stream frames.csv -m motion.tflite --port emulator:esp32", "Compile, deploy and stream in one"],
    ["stream frames.npy --rate 10 -n 600", "A minute at ten frames a second"],
    ["stream frames.npy -o jsonl > answers.jsonl", "Every answer for a program"],
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
    const wanted = positiveInteger("--count", args.count);
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
    const { withBoard } = await import("../board_connection.js");
    const { prepareModule } = await import("../prepare_module.js");
    const { runFrames } = await import("../run_frames.js");
    const { runReport } = await import("../run_report.js");
    const { answerPrinter } = await import("../answer_lines.js");
    const { answerRow } = await import("../../measure/rows.js");
    const { noAnswers, summaryLine } = await import("../report.js");
    // A virtual board keeps real time where the user asks for a rate.
    const pace = args.rate === undefined ? undefined : "real";
    const { layers, rate } = args;
    await withBoard(
      args,
      context,
      async (connection) => {
        const options = { layers, classNames: labels.classNames };
        const prepared = await prepareModule(connection, args.module, options, context);
        const { description } = prepared.module;
        const frames = await fileFrames(args.frames, description, labels);
        const [first] = description.outputs;
        const print = rows === undefined ? null : await answerPrinter(rows, frames.names, output);
        const run = await runFrames(
          connection,
          prepared.loaded,
          description,
          frames,
          {
            count: wanted ?? frames.count,
            rate,
            layers,
            live: print === null,
            onAnswer: (answer, expected) => {
              if (print !== null && first !== undefined)
                print(answerRow(answer, first, frames.names, expected));
            },
          },
          context,
        );
        if (run.measurements === null) throw noAnswers(context.signal);
        const report = await runReport(connection, prepared, frames, run, run.measurements);
        if (rows === "jsonl" || rows === "csv") {
          progress.note(summaryLine(report));
          return;
        }
        if (output.json && run.interrupted) return;
        const { showAccuracy, showFigures, showResources, showTitle } = await import("../report.js");
        const { showLayers } = await import("../report_layers.js");
        const { showRadios } = await import("../report_radios.js");
        output.result(report, () => {
          if (rows !== undefined) output.line();
          showTitle(report, output);
          output.line();
          showAccuracy(report, output);
          showFigures(report, output);
          showResources(report, output);
          if (layers) output.line();
          showLayers(report, description.layers, output);
          output.line();
          showRadios(report, null, output);
        });
      },
      { pace },
    );
    return 0;
  },
});
