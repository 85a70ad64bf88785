/** `wamlet demo`, also `npm run demo`: the whole road with what this package brings along, and no hardware. */
import { optimizeOption } from "../options.js";
import { defineVerb } from "../verb.js";

/** Frames of the profiling build: its counts vary little, and it runs beside the real thing. */
const profiledFrames = 8;

const examples = {
  digits: { title: "handwritten digits", frames: "frames.npy", labels: "labels.csv" },
  motion: { title: "movements of a wrist", frames: "frames.csv", labels: null },
} as const;

export const demo = defineVerb({
  description:
    "Compiles a bundled model, starts the built-in virtual board, deploys the module over the serial protocol, " +
    "streams the bundled frames, and reports accuracy, time, energy, memory, the slowest layers, and whether to " +
    "compute or to send.",
  positionals: {},
  options: {
    example: {
      choices: ["digits", "motion"],
      default: "digits",
      describe: "Images of handwritten digits, or a three-axis accelerometer",
    },
    board: {
      type: "string",
      default: "esp32",
      requiresArg: true,
      describe: "Virtual board: a name (wamlet boards) or the path of a descriptor",
    },
    ...optimizeOption,
  },
  examples: [
    ["demo", "Handwritten digits on a virtual ESP32"],
    ["demo --example motion --board nrf52840", "Another model on another board"],
    ["demo --json", "The report for a program"],
  ],
  async run(args, context) {
    const { output } = context;
    const { packagePath } = await import("../../package_root.js");
    const { loadBoard } = await import("../../descriptor/load_board.js");
    const { withBoard } = await import("../board_connection.js");
    const { deployWithProgress } = await import("../deploy_module.js");
    const { fileFrames, readLabelChoice } = await import("../input_frames.js");
    const { runFrames } = await import("../run_frames.js");
    const { runReport } = await import("../run_report.js");
    const { noAnswers } = await import("../report.js");
    const { DemoSteps } = await import("../demo_steps.js");
    const example = examples[args.example];
    const file = (name: string) => packagePath("examples", args.example, name);
    const board = loadBoard(args.board);
    const say = new DemoSteps(output);
    say.title(`Wamlet: ${example.title} on a virtual ${board.title}`);

    const { compileFile } = await import("../compile_file.js");
    const source = file(`${args.example}.tflite`);
    const compileOptions = { board, labels: file("classes.txt"), optimize: args.optimize };
    const started = performance.now();
    const module = await compileFile(source, compileOptions, context);
    const { description, payload } = module;
    const taken = performance.now() - started;
    say.compiled(`${args.example}.tflite`, description.source.bytes, payload.length, taken);
    // Compiled by a worker while the frames run; whoever awaits it below sees its error.
    const profileOptions = { ...compileOptions, profile: true, name: `${args.example}.profile` };
    const profiling = compileFile(source, profileOptions, context);
    profiling.catch(() => {});

    await withBoard({ port: `emulator:${args.board}` }, context, async (connection) => {
      const { session } = connection;
      say.poweredOn(connection.board ?? board, connection.meter.baudRate);
      const deployment = await deployWithProgress(connection, module, { activate: true }, context);
      say.deployed(deployment);
      const labels = await readLabelChoice(example.labels === null ? undefined : file(example.labels));
      const frames = await fileFrames(file(example.frames), description, labels, {}, context);
      const loaded = await session.load();
      const streaming = performance.now();
      const run = await runFrames(connection, loaded, description, frames, { count: frames.count }, context);
      if (run.measurements === null) throw noAnswers(context.signal);
      const prepared = { module, loaded, deployment };
      const report = await runReport(connection, prepared, frames, run, run.measurements);
      if (run.interrupted) return;
      say.streamed(run.measurements.frames, run.elapsedMicroseconds, performance.now() - streaming);
      await loaded.unload();

      const profile = await profiling;
      await deployWithProgress(connection, profile, { activate: false }, context);
      const profiled = await session.load(profile.manifest.name);
      const options = { count: Math.min(profiledFrames, frames.count), layers: true };
      const layers = await runFrames(connection, profiled, profile.description, frames, options, context);
      if (layers.measurements === null) throw noAnswers(context.signal);
      if (layers.interrupted) return;
      say.profiled(description.layers.length, layers.measurements.frames);
      const measurements = { ...report.measurements, layers: layers.measurements.layers };
      const whole = { ...report, measurements };
      const { showReport } = await import("../demo_report.js");
      output.result(whole, () => showReport(whole, connection.board, description.layers, output));
    });
    return 0;
  },
});
