/** `wamlet run`: a model or module on frames, here on the desk. */
import { extname } from "node:path";
import type { ClassScore } from "../../measure/classes.js";
import type { WamletModule } from "../../module/layout.js";
import { clampedText, isMuchClamped } from "../clamped_values.js";
import { digits, formatShare } from "../format.js";
import { frameLabelsOption, frameOptions } from "../frame_options.js";
import { optimizeOption } from "../options.js";
import type { Output } from "../output.js";
import { defineVerb } from "../verb.js";

/** Frames shown where the answers are not written to a file. */
const shownFrames = 20;

export const run = defineVerb({
  description:
    "Runs a .tflite model or a compiled module on frames in a worker of Node, bit for bit as a board would. Without " +
    "--output it shows the best classes of each frame; with it, the answers go to a file.",
  positionals: { file: { type: "string", demandOption: true, describe: "A .tflite or .wasm file" } },
  options: {
    input: {
      alias: "i",
      type: "string",
      demandOption: true,
      requiresArg: true,
      describe: "Frames: a file (.npy, .csv, .wav, .jsonl, .bin) or images",
    },
    output: {
      alias: "o",
      type: "string",
      requiresArg: true,
      describe: "Answers: .npy (first output) or raw bytes",
    },
    top: { type: "number", default: 3, requiresArg: true, describe: "Classes to show for each frame" },
    frames: { alias: "n", type: "number", requiresArg: true, describe: "Only the first N frames" },
    ...optimizeOption,
    ...frameLabelsOption,
    ...frameOptions,
  },
  examples: [
    ["run digits.tflite -i frames.npy", "The best three classes of each frame"],
    ["run digits.tflite -i frames.npy --labels labels.csv", "How many are right"],
    ["run kws.wasm -i in.bin -o out.bin", "Raw bytes in, raw bytes out"],
    ["run speech.tflite -i sound.wav --hop 20ms", "Windows of a recording"],
    ["run person.tflite -i photos/", "A folder of images, scaled and cropped"],
  ],
  async run(args, context) {
    const { loadModule } = await import("../compile_file.js");
    const { fileFrames, positiveInteger, readLabelChoice } = await import("../input_frames.js");
    const { frameReading } = await import("../frame_options.js");
    const { executeHere } = await import("../../measure/executors.js");
    const { topAnswers } = await import("../../measure/classes.js");
    const { tensorElements } = await import("../../frames/quantise.js");
    const most = positiveInteger("--frames", args.frames);
    const top = positiveInteger("--top", args.top);
    const reading = await frameReading(args);
    const labels = await readLabelChoice(args.labels);
    const module = await loadModule(args.file, { optimize: args.optimize }, context);
    const frames = await fileFrames(args.input, module.description, labels, reading, context);
    const { names } = frames;
    const count = Math.min(frames.count, most ?? frames.count);
    const answers: Uint8Array[][] = [];
    const expected: (number | null)[] = [];
    const clamped = { inputValues: 0, clampedValues: 0 };
    const values = module.description.inputs.reduce((sum, input) => sum + tensorElements(input), 0);
    const executor = await executeHere(module);
    try {
      for await (const frame of frames.take(count)) {
        context.signal.throwIfAborted();
        clamped.inputValues += values;
        clamped.clampedValues += frame.clamped;
        expected.push(frame.expected);
        const bytes = Uint8Array.from(Buffer.concat(frame.inputs));
        answers.push(splitOutputs(module, await executor.infer(bytes)));
        context.progress.show(`Frame ${answers.length} of ${count}`, answers.length / count);
      }
    } finally {
      await executor.close();
    }
    const [tensor] = module.description.outputs;
    if (tensor === undefined) return 0;
    const best = answers.map(([first]) => topAnswers(first ?? new Uint8Array(), tensor, names, top));
    const isLabelled = expected.some((position) => position !== null);
    const right = isLabelled ? best.filter(([top], index) => top?.index === expected[index]).length : null;
    if (args.output !== undefined) await writeAnswers(args.output, module, answers);
    const result = {
      frames: count,
      right,
      ...clamped,
      output: args.output ?? null,
      answers: args.output === undefined ? best : undefined,
    };
    if (isMuchClamped(clamped)) {
      context.progress.note(context.progress.colors.yellow(`warning: ${clampedText(clamped)}`));
    }
    context.output.result(result, () => {
      if (args.output === undefined) showAnswers(best, expected, names, context.output);
      else context.output.line(`${count} ${count === 1 ? "answer" : "answers"} written to ${args.output}`);
      if (right !== null) context.output.line(`${right} of ${count} right (${formatShare(right / count)})`);
    });
    return 0;
  },
});

function splitOutputs(module: WamletModule, bytes: Uint8Array): Uint8Array[] {
  let from = 0;
  return module.description.outputs.map((tensor) => {
    const part = bytes.subarray(from, from + tensor.bytes);
    from += tensor.bytes;
    return part;
  });
}

async function writeAnswers(
  path: string,
  module: WamletModule,
  answers: readonly Uint8Array[][],
): Promise<void> {
  const { encodeNpyAnswers, encodeRawAnswers } = await import("../../frames/npy_writer.js");
  const { writeFileWhole } = await import("../write_file.js");
  const [tensor] = module.description.outputs;
  const bytes =
    extname(path).toLowerCase() === ".npy" && tensor
      ? encodeNpyAnswers(
          tensor,
          answers.map(([first]) => first as Uint8Array),
        )
      : encodeRawAnswers(answers);
  await writeFileWhole(path, bytes);
}

function showAnswers(
  best: readonly ClassScore[][],
  expected: readonly (number | null)[],
  names: readonly string[],
  output: Output,
): void {
  const { dim, green, red } = output.colors;
  best.slice(0, shownFrames).forEach((scores, frame) => {
    const shown = scores.map(({ index, label, value }) => `${label ?? index} ${digits(value)}`).join("   ");
    const wanted = expected[frame] ?? null;
    const verdict =
      wanted === null
        ? ""
        : scores[0]?.index === wanted
          ? green("  right")
          : red(`  is ${names[wanted] ?? wanted}`);
    output.line(`${dim(String(frame).padStart(5))}  ${shown}${verdict}`);
  });
  if (best.length > shownFrames) {
    output.line(dim(`   … and ${best.length - shownFrames} more; --json or --output gives them all`));
  }
}
