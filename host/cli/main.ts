#!/usr/bin/env node
/**
 * The `wamlet` command: parses the command line, runs the verb, and turns whatever happens into an exit code.
 * Nothing heavy is imported before a verb runs.
 */
import type { Command } from "./command_line.js";
import { plainHelp } from "./help.js";
import { Interruption } from "./interruption.js";
import { Output } from "./output.js";
import { Progress } from "./progress.js";
import { reportError } from "./report_error.js";
import type { ExitCode } from "./verb.js";

async function main(words: readonly string[]): Promise<ExitCode> {
  const interruption = new Interruption(process);
  const progress = new Progress(process.stderr, process.env);
  const output = new Output(process.stdout, process.env, {
    // Until the command line is parsed, so that an error in it is JSON too where JSON was asked for.
    json: words.includes("--json"),
    beforeWrite: () => progress.clear(),
    onClosed: (error) => interruption.outputFailed(error),
  });
  try {
    const command = await understand(words, process.stdout.columns);
    if (typeof command === "string") {
      output.line(command);
      await output.flush();
      return 0;
    }
    output.useJson(command.args.json === true);
    const exitCode = await interruption.guard(
      command.verb.run(command.args, {
        output,
        progress,
        signal: interruption.signal,
        environment: process.env,
        workingDirectory: process.cwd(),
      }),
    );
    await output.flush();
    // A verb that stopped early without a word has not done what was asked; with exit code 2 it has told of it.
    const told = command.verb.endless === true || exitCode === 2;
    if (!(told && interruption.byUser)) interruption.signal.throwIfAborted();
    return exitCode;
  } catch (error) {
    progress.clear();
    if (interruption.isReaderGone) return 0;
    return reportError(interruption.signal.aborted ? interruption.signal.reason : error, {
      output,
      errors: progress,
      verbose: words.includes("--verbose"),
    });
  } finally {
    progress.clear();
  }
}

/** The verb to run, or the help that was asked for. @throws WamletError WAMLET_USAGE */
async function understand(words: readonly string[], columns: number | undefined): Promise<Command | string> {
  const help = await plainHelp(words, columns);
  if (help !== null) return help;
  const { parseCommandLine } = await import("./command_line.js");
  return parseCommandLine(words, columns);
}

const exitCode = await main(process.argv.slice(2));
// What a verb left open (a worker, a port of a board that no longer answers) must not keep the process alive,
// and what it printed must be out before it ends.
process.stdout.write("", () => process.stderr.write("", () => process.exit(exitCode)));
