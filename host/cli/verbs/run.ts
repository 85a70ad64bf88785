/** `wamlet run`: a model or module on frames, here on the desk. */
import { extname } from "node:path";
import type { ClassScore } from "../../measure/classes.js";
import type { WamletModule } from "../../module/layout.js";
import { digits, formatShare } from "../format.js";
import { frameOptions } from "../open_frames.js";
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
      describe: "Frames: .npy, .csv, .bin",
    },
    output: {
      alias: "o",
      type: "string",
      requiresArg: true,
      describe: "Answers: .npy (first output) or raw bytes",
    },
    ...frameOptions,
    top: { type: "number", default: 3, requiresArg: true, describe: "Classes to show for each frame" },
    frames: { alias: "n", type: "number", requiresArg: true, describe: "Only the first N frames" },
  },
  examples: [
    ["run digits.tflite -i frames.npy", "The best three classes of each frame"],
    ["run digits.tflite -i frames.npy --labels labels.csv", "How many are right"],
    ["run kws.wasm -i in.bin -o out.bin", "Raw bytes in, raw bytes out"],
  ],
  async run(args, context) {
    const { loadModule } = await import("../compile_file.js");
    const { openFrames } = await import("../open_frames.js");
    const { executeHere } = await import("../../measure/executors.js");
    const { topAnswers } = await import("../../measure/classes.js");
    const module = await loadModule(args.file, {}, context);
    const { frames, names, expected } = await openFrames(args.input, module, args);
    const count = Math.min(frames.count, args.frames ?? frames.count);
    const answers: Uint8Array[][] = [];
    const executor = await executeHere(module);
    try {
      for (let index = 0; index < count; index++) {
        context.signal.throwIfAborted();
        const { inputs } = frames.frame(index);
        answers.push(splitOutputs(module, await executor.infer(Uint8Array.from(Buffer.concat(inputs)))));
        context.progress.show(`Frame ${index + 1} of ${count}`, (index + 1) / count);
      }
    } finally {
      await executor.close();
    }
    const [tensor] = module.description.outputs;
    if (tensor === undefined) return 0;
    const best = answers.map(([first]) => topAnswers(first ?? new Uint8Array(), tensor, names, args.top));
    const right =
      expected === null ? null : best.filter(([top], index) => top?.index === expected[index]).length;
    if (args.output !== undefined) await writeAnswers(args.output, module, answers);
    const result = {
      frames: count,
      right,
      output: args.output ?? null,
      answers: args.output === undefined ? best : undefined,
    };
    context.output.result(result, () => {
      if (args.output === undefined) showAnswers(best, expected, names, context.output);
      else context.output.line(`${count} answers written to ${args.output}`);
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
  expected: readonly number[] | null,
  names: readonly string[],
  output: Output,
): void {
  const { dim, green, red } = output.colors;
  best.slice(0, shownFrames).forEach((scores, frame) => {
    const shown = scores.map(({ index, label, value }) => `${label ?? index} ${digits(value)}`).join("   ");
    const wanted = expected?.[frame];
    const verdict =
      wanted === undefined
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
