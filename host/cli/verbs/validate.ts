/** `wamlet validate`: are the answers exactly the golden ones? On the desk, or on a board. */
import type { BoardSession } from "../../board/board_session.js";
import type { SuiteCase } from "../../measure/suite.js";
import type { CaseResult, Mismatch, Validation } from "../../measure/validate.js";
import { portOptions } from "../options.js";
import type { Output } from "../output.js";
import { type Context, defineVerb } from "../verb.js";

export const validate = defineVerb({
  description:
    "Compares answers with golden ones bit for bit: one model with --input and --golden, or a whole suite. Runs in a " +
    "worker of Node, or with --port on a board. Exit code 0 only when everything is exact.",
  positionals: { model: { type: "string", describe: "A .tflite or .wasm file" } },
  options: {
    input: {
      alias: "i",
      type: "string",
      requiresArg: true,
      describe: "Raw bytes of one frame or of several",
    },
    golden: { alias: "g", type: "string", requiresArg: true, describe: "Raw bytes of the expected outputs" },
    suite: { type: "string", requiresArg: true, describe: "Index of a suite, or of a model's cases (JSON)" },
    ...portOptions,
  },
  examples: [
    ["validate kws.tflite -i in_00.bin -g out_00.bin", "One model, one frame"],
    ["validate --suite ops/index.json", "A whole suite, a line for each operator"],
    ["validate --suite kws/index.json --port /dev/ttyUSB0", "A model's cases on a board"],
  ],
  async run(args, context) {
    const { WamletError } = await import("../../errors.js");
    const { readSuite } = await import("../../measure/suite.js");
    const wantsOne = args.model !== undefined && args.input !== undefined && args.golden !== undefined;
    if (args.suite === undefined && !wantsOne) {
      throw new WamletError(
        "WAMLET_USAGE",
        "validate needs a model with --input and --golden, or --suite.",
        "wamlet validate --help shows both.",
      );
    }
    const cases =
      args.suite === undefined
        ? [await singleCase(args.model as string, args.input as string, args.golden as string)]
        : await readSuite(args.suite);
    const session = await openSession(args, context);
    try {
      const results = await runCases(cases, session, context);
      const counts = count(results);
      context.output.result({ ...counts, on: session?.url ?? "this computer", results }, () => {
        showGroups(results, context.output);
        const unsupported = `, ${counts.unsupported} unsupported`;
        context.output.line(`${counts.exact} of ${counts.cases} exact${unsupported}`);
      });
      return counts.exact === counts.cases ? 0 : 1;
    } finally {
      await session?.close();
    }
  },
});

/** Only with --port: unlike the verbs that live on a board, validating on the desk is the usual case. */
async function openSession(
  args: { readonly port?: string | undefined; readonly baudRate?: number | undefined },
  { signal }: Context,
): Promise<BoardSession | null> {
  if (args.port === undefined) return null;
  const { openBoard } = await import("../../board/board_session.js");
  return openBoard(args.port, { baudRate: args.baudRate, signal });
}

/** A model with one input file that may hold several frames. */
async function singleCase(model: string, input: string, golden: string): Promise<SuiteCase> {
  const { readFileBytes } = await import("../read_file.js");
  const [bytes, expected] = [
    await readFileBytes(input, "the input"),
    await readFileBytes(golden, "the golden"),
  ];
  const { nameFromPath } = await import("../compile_file.js");
  return {
    id: nameFromPath(model),
    group: nameFromPath(model),
    modelPath: model,
    sequence: false,
    samples: [{ name: input, input: async () => bytes, golden: async () => expected }],
  };
}

async function runCases(
  cases: readonly SuiteCase[],
  session: BoardSession | null,
  context: Context,
): Promise<CaseResult[]> {
  const { validateSuite } = await import("../../measure/validate.js");
  const { executeHere, executeOnBoard } = await import("../../measure/executors.js");
  const { loadModule, nameFromPath } = await import("../compile_file.js");
  const silent = () => undefined;
  const { colors } = context.progress;
  const quiet = { ...context, progress: { show: silent, clear: silent, note: silent, colors } };
  const validation: Validation = {
    compile: (one) => loadModule(one.modelPath, { name: nameFromPath(one.id) }, quiet),
    execute: (module) => (session ? executeOnBoard(session, module) : executeHere(module)),
  };
  const results: CaseResult[] = [];
  for await (const result of validateSuite(cases, validation)) {
    results.push(result);
    context.signal.throwIfAborted();
    context.progress.show(result.id, results.length / cases.length);
  }
  context.progress.clear();
  return results;
}

function count(results: readonly CaseResult[]) {
  const of = (result: CaseResult["result"]) => results.filter((one) => one.result === result).length;
  return {
    cases: results.length,
    exact: of("exact"),
    different: of("different"),
    unsupported: of("unsupported"),
    failed: of("failed"),
  };
}

/** A line per operator or model; the first case of it that is not exact beside it. */
function showGroups(results: readonly CaseResult[], output: Output): void {
  const { dim, green, red, yellow } = output.colors;
  const groups = new Map<string, CaseResult[]>();
  for (const result of results) groups.set(result.group, [...(groups.get(result.group) ?? []), result]);
  const width = Math.max(...[...groups.keys()].map((name) => name.length));
  for (const [name, group] of groups) {
    const exact = group.filter(({ result }) => result === "exact").length;
    const bad = group.find(({ result }) => result === "different" || result === "failed");
    const first = bad ?? group.find(({ result }) => result === "unsupported");
    const paint = bad ? red : exact === group.length ? green : yellow;
    const why = first ? dim(`  ${explain(first)}`) : "";
    output.line(`${name.padEnd(width)}  ${paint(`${exact}/${group.length}`)}${why}`);
    if (bad?.result === "failed") output.line(dim(`hint: ${bad.error.hint}`));
  }
}

function explain(result: CaseResult): string {
  switch (result.result) {
    case "exact":
      return "";
    case "unsupported":
      return `${result.id}: ${result.reason}`;
    case "failed":
      return `${result.id}: ${result.error.message} (${result.error.code})`;
    case "different":
      return `${result.id}: ${mismatchText(result.mismatch)}`;
  }
}

function mismatchText({ sample, tensor, position, byte, got, expected, differing }: Mismatch): string {
  return `${sample}, output '${tensor}' [${position.join(",")}] (byte ${byte}) is ${got}, golden ${expected}; ${differing} bytes differ`;
}
