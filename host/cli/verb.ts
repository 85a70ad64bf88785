/**
 * What a verb of the command line is: its options and examples, and the function that does it. A verb's file
 * imports at its top only what help needs; the rooms that do the work are imported inside `run`, so that
 * `--help` answers at once.
 */
import type { ArgumentsCamelCase, InferredOptionTypes, Options, PositionalOptions } from "yargs";
import type { Output } from "./output.js";
import type { Progress } from "./progress.js";

/** 0 done, 1 failed, 2 wrong usage or interrupted. */
export type ExitCode = 0 | 1 | 2;

/** What a verb is given beside its arguments. */
export interface Context {
  /** stdout: results, as text or JSON. */
  readonly output: Output;
  /** stderr: progress and notes. */
  readonly progress: Progress;
  /** Aborted by Ctrl-C, SIGTERM, or when nobody reads the output any more. */
  readonly signal: AbortSignal;
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly workingDirectory: string;
}

/** A command line and what it does. */
export type Example = readonly [command: string, meaning: string];

export interface Verb {
  /** A sentence or two below the summary in the verb's own help. */
  readonly description: string;
  readonly positionals: Readonly<Record<string, PositionalOptions>>;
  readonly options: Readonly<Record<string, Options>>;
  readonly examples: readonly Example[];
  /** Ctrl-C is the way to end it, and no failure. */
  readonly endless?: boolean;
  /**
   * @returns the exit code; failures are thrown as WamletError, so 1 is for results that are bad news, and 2 for those
   *   that say themselves that the user has cut them off
   */
  run(args: Readonly<Record<string, unknown>>, context: Context): Promise<ExitCode>;
}

/** The arguments of a verb as its declarations type them, `--baud-rate` as `baudRate`. */
export type VerbArguments<
  P extends Record<string, PositionalOptions>,
  O extends Record<string, Options>,
> = ArgumentsCamelCase<InferredOptionTypes<P> & InferredOptionTypes<O>>;

/** Declares a verb; `run` receives arguments with the types that `positionals` and `options` say. */
export function defineVerb<
  const P extends Record<string, PositionalOptions>,
  const O extends Record<string, Options>,
>(declaration: {
  readonly description: string;
  readonly positionals: P;
  readonly options: O;
  readonly examples: readonly Example[];
  readonly endless?: boolean;
  readonly run: (args: VerbArguments<P, O>, context: Context) => Promise<ExitCode>;
}): Verb {
  return {
    ...declaration,
    // yargs has parsed the arguments by these very declarations (command_line.ts).
    run: (args, context) => declaration.run(args as VerbArguments<P, O>, context),
  };
}
