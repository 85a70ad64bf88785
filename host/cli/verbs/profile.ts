/** `wamlet profile`: what an inference takes on a board, as a whole and by layer. */
import { frameOptions } from "../frame_options.js";
import { boardOption, optimizeOption, portOptions } from "../options.js";
import { defineVerb } from "../verb.js";

/** Inferences where neither -n nor a file says how many. */
const usualCount = 32;

export const profile = defineVerb({
  description:
    "Runs a module many times on a board and shows the spread of count, time and energy. Without frames the inputs " +
    "are random, the same ones every time. --layers compiles a profiling build of a .tflite and shows where the time goes.",
  positionals: {
    module: {
      type: "string",
      demandOption: true,
      describe: "A .tflite or .wasm (deployed unless the board has it), or the name of a stored module",
    },
  },
  options: {
    ...portOptions,
    ...boardOption,
    ...optimizeOption,
    frames: { type: "string", requiresArg: true, describe: "File of frames, or folder of images" },
    count: {
      alias: "n",
      type: "number",
      requiresArg: true,
      describe: `Inferences (default: the file's frames, or ${usualCount})`,
    },
    seed: { type: "number", default: 1, requiresArg: true, describe: "Seed of the random inputs" },
    layers: {
      type: "boolean",
      default: false,
      describe: "Count by layer; needs a .tflite or a profiling build",
    },
    ...frameOptions,
  },
  examples: [
    ["profile kws.tflite --layers", "Where the time of an inference goes"],
    ["profile kws --frames frames.npy", "A stored module on real frames"],
    ["profile kws.tflite -n 1000 --port emulator:esp32c6", "What another board would take"],
    ["profile kws.tflite --layers --json", "The same for a program"],
  ],
  async run(args, context) {
    const { output } = context;
    const { fileFrames, positiveInteger, randomFrames, readLabelChoice } = await import("../input_frames.js");
    const wanted = positiveInteger("--count", args.count);
    const { withBoard } = await import("../board_connection.js");
    const { prepareModule } = await import("../prepare_module.js");
    const { runFrames } = await import("../run_frames.js");
    const { runReport } = await import("../run_report.js");
    const { frameReading, refuseFrameOptions } = await import("../frame_options.js");
    const reading = await frameReading(args);
    if (args.frames === undefined) await refuseFrameOptions(reading, "--frames");
    const { layers, optimize } = args;
    await withBoard(args, context, async (connection) => {
      const prepared = await prepareModule(connection, args.module, { layers, optimize }, context);
      const { description } = prepared.module;
      const frames =
        args.frames === undefined
          ? randomFrames(description, wanted ?? usualCount, args.seed)
          : await fileFrames(args.frames, description, await readLabelChoice(undefined), reading, context);
      const count = wanted ?? (args.frames === undefined ? usualCount : frames.count);
      const run = await runFrames(
        connection,
        prepared.loaded,
        description,
        frames,
        { count, layers },
        context,
      );
      const { noAnswers, showFigures, showResources, showTitle } = await import("../report.js");
      if (run.measurements === null) throw noAnswers(context.signal);
      if (output.json && run.interrupted) return;
      const report = await runReport(connection, prepared, frames, run, run.measurements);
      const { showLayers } = await import("../report_layers.js");
      output.result(report, () => {
        showTitle(report, output);
        showFigures(report, output);
        showResources(report, output);
        if (layers) output.line();
        showLayers(report, description.layers, output);
      });
    });
    return 0;
  },
});
