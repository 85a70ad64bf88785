/**
 * From the words after `wamlet` to a verb with its arguments. yargs parses and writes the help; what it finds
 * wrong becomes a WamletError like any other, with the name that was probably meant.
 */
import yargs, { type Argv } from "yargs";
import { didYouMean } from "../closest_name.js";
import { WamletError } from "../errors.js";
import { packageVersion } from "../package_root.js";
import { helpColumns, overview, verbUsage } from "./help.js";
import { globalOptions } from "./options.js";
import type { Verb } from "./verb.js";
import { type VerbEntry, verbs } from "./verbs.js";

export interface Command {
  readonly name: string;
  readonly verb: Verb;
  readonly args: Readonly<Record<string, unknown>>;
}

/**
 * Parses the command line.
 * @param outputColumns of the terminal, for help
 * @returns the verb to run, or the text of help or version where that is asked for
 * @throws WamletError WAMLET_USAGE
 */
export async function parseCommandLine(
  words: readonly string[],
  outputColumns: number | undefined,
): Promise<Command | string> {
  let chosen: Command | null = null;
  let current: Verb | null = null;
  let loadFailure: unknown = null;
  const columns = helpColumns(outputColumns);
  const parser = baseParser(words, columns);
  let printed = "";
  for (const [name, entry] of Object.entries(verbs)) {
    parser.command({
      command: `${name} ${entry.positionals}`.trim(),
      describe: entry.summary,
      builder: async (builder: Argv) => {
        try {
          current = await entry.load();
        } catch (error) {
          loadFailure = error;
          throw error;
        }
        return declare(builder, name, entry, current, columns);
      },
      handler: (args) => {
        if (current !== null) chosen = { name, verb: current, args: withDash(args, current, words) };
      },
    });
  }
  try {
    await parser.parseAsync(words, {}, (_error, _args, output) => {
      printed = output;
    });
  } catch (error) {
    if (loadFailure !== null) throw loadFailure;
    throw usageError(error instanceof Error ? error.message : String(error), words, current);
  }
  if (chosen === null) return printed;
  checkNumbers(chosen);
  checkLists(chosen, words);
  return chosen;
}

function baseParser(words: readonly string[], columns: number): Argv {
  const parser = yargs([...words]);
  return (
    parser
      .scriptName("wamlet")
      .usage(overview.usage)
      // Messages are matched below, and Wamlet speaks English everywhere.
      .locale("en")
      .updateStrings({ "Commands:": "Verbs:" })
      .parserConfiguration({ "duplicate-arguments-array": false })
      .strict()
      .fail(false)
      .exitProcess(false)
      .options(globalOptions)
      .demandCommand(1, "No verb given")
      .help()
      .alias("help", "h")
      .version(packageVersion())
      .example(...overview.example)
      .epilogue(overview.epilogue)
      .wrap(columns)
  );
}

function declare(builder: Argv, name: string, entry: VerbEntry, verb: Verb, columns: number): Argv {
  builder
    .usage(verbUsage(name, entry.positionals, verb.description, columns))
    .epilogue("")
    // Named first, so that options in groups of their own come after these.
    .group([], "Positionals:")
    .group([], "Options:");
  for (const [positional, options] of Object.entries(verb.positionals))
    builder.positional(positional, options);
  builder.options(verb.options);
  return builder.example(verb.examples.map(([command, meaning]) => [`$0 ${command}`, meaning]));
}

/** yargs hands a positional `-` (stdin) over as an empty text. */
function withDash(args: Command["args"], { positionals }: Verb, words: readonly string[]): Command["args"] {
  if (!words.includes("-")) return args;
  const empty = Object.keys(positionals).filter((name) => args[name] === "");
  return { ...args, ...Object.fromEntries(empty.map((name) => [name, "-"])) };
}

/** yargs turns a number that is none into NaN. */
function checkNumbers({ name, verb, args }: Command): void {
  for (const [option, { type }] of Object.entries(verb.options)) {
    if (type === "number" && Number.isNaN(args[option])) throw usage(`--${option} takes a number.`, name);
  }
}

/** Of a list that is given twice yargs keeps the last, and would lose the first without a word. */
function checkLists({ name, verb }: Command, words: readonly string[]): void {
  for (const [option, { array }] of Object.entries(verb.options)) {
    const times = words.filter((word) => word.replace(/=.*$/, "") === `--${option}`).length;
    if (array === true && times > 1)
      throw usage(`--${option} is given ${times} times; name all after one.`, name);
  }
}

/** Translates yargs' sentence into one with the name that was probably meant. */
function usageError(message: string, words: readonly string[], verb: Verb | null): WamletError {
  const verbName = words.find((word) => word in verbs) ?? null;
  const unknown = /^Unknown (?:argument|command)s?: ([^,]+)/.exec(message)?.[1];
  if (unknown !== undefined) {
    const dashes = words.find((word) => /^--?[^-]/.test(word) && word.replace(/^--?|=.*$/g, "") === unknown);
    if (dashes !== undefined) {
      const options = [...Object.keys(verb?.options ?? {}), ...Object.keys(globalOptions), "help", "version"];
      const known = options.map((option) => `--${option}`);
      return usage(`There is no option ${dashes.replace(/=.*$/, "")}.${didYouMean(dashes, known)}`, verbName);
    }
    if (verbName === null) {
      return usage(`There is no verb "${unknown}".${didYouMean(unknown, Object.keys(verbs))}`, null);
    }
    return usage(`"${unknown}" is an argument too many.`, verbName);
  }
  if (message.startsWith("Not enough non-option arguments")) {
    const expected = verbName === null ? "" : (verbs[verbName]?.positionals ?? "");
    return usage(`${verbName ?? "The verb"} needs ${expected || "more arguments"}.`, verbName);
  }
  const valueless = /^Not enough arguments following: (.+)$/.exec(message)?.[1];
  if (valueless !== undefined) return usage(`--${valueless} needs a value.`, verbName);
  return usage(`${message.replaceAll(/\s*\n\s*/g, " ").trim()}.`, verbName);
}

function usage(message: string, verbName: string | null): WamletError {
  const help =
    verbName === null ? "wamlet --help lists the verbs." : `wamlet ${verbName} --help shows how it is used.`;
  return new WamletError("WAMLET_USAGE", message, help);
}
