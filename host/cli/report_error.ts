/** The one way in which failures reach the user: message, code and hint on stderr, or JSON on stdout. */
import { WamletError } from "../errors.js";
import type { Output } from "./output.js";
import type { Progress } from "./progress.js";
import type { ExitCode } from "./verb.js";

/**
 * @param verbose show the stack of an unexpected error, and causes
 * @returns the exit code that belongs to the error
 */
export function reportError(
  error: unknown,
  {
    output,
    errors,
    verbose,
  }: { readonly output: Output; readonly errors: Progress; readonly verbose: boolean },
): ExitCode {
  const known = error instanceof WamletError ? error : unexpected(error);
  if (output.json) {
    output.result({ error: known.toJSON() }, () => {});
  } else {
    const { bold, dim, red } = errors.colors;
    errors.note(`${bold(red("error:"))} ${known.message} ${dim(`[${known.code}]`)}`);
    errors.note(`${bold("hint:")} ${known.hint}`);
  }
  if (verbose) for (const stack of stacks(known)) errors.note(stack);
  return exitCodeOf(known);
}

/** 2 where the command line was wrong or the user stopped it, else 1. */
export function exitCodeOf(error: WamletError): ExitCode {
  return error.code === "WAMLET_USAGE" || error.code === "WAMLET_INTERRUPTED" ? 2 : 1;
}

function unexpected(cause: unknown): WamletError {
  return new WamletError(
    "WAMLET_INTERNAL",
    `Unexpected failure: ${cause instanceof Error ? cause.message : String(cause)}.`,
    "This is a fault of Wamlet: run the command again with --verbose and report what it prints.",
    { cause },
  );
}

/** The stacks of an error and of what caused it; a cause of a cause may be anything. */
function stacks(error: WamletError): string[] {
  const found: string[] = [];
  let current: unknown = error;
  for (let depth = 0; depth < 8 && current instanceof Error; depth++) {
    found.push(current.stack ?? current.message);
    current = current.cause;
  }
  return found;
}
