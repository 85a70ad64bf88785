/**
 * What the repository's own scripts (`npm run firmware`, `npm run bench:boards` and their like) share with the command:
 * how words are refused and how failures are told.
 */
import { existsSync, realpathSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { type ParseArgsConfig, parseArgs } from "node:util";
import { WamletError } from "../errors.js";
import { Output } from "./output.js";
import { Progress } from "./progress.js";
import { reportError } from "./report_error.js";
import type { ExitCode } from "./verb.js";

/** Whether this is the file that node was started with: a script may be imported, too. @param url `import.meta.url` */
export function isStarted(url: string): boolean {
  const [, started] = process.argv;
  return started !== undefined && existsSync(started) && realpathSync(started) === fileURLToPath(url);
}

/** Ends the process as `script` ends. @param script an exit code, or nothing where all went well */
export async function runScript(script: () => Promise<ExitCode | undefined>): Promise<never> {
  const errors = new Progress(process.stderr, process.env);
  const output = new Output(process.stdout, process.env, {
    json: false,
    beforeWrite: () => {},
    // Whoever reads has gone: nothing is left to be done.
    onClosed: () => process.exit(0),
  });
  const exitCode = await script().catch((error: unknown) =>
    reportError(error, { output, errors, verbose: !(error instanceof WamletError) }),
  );
  await output.flush();
  process.exit(exitCode ?? 0);
}

/**
 * `parseArgs` whose refusal says what to write.
 * @param usage a hint
 * @throws WamletError WAMLET_USAGE
 */
export function scriptOptions<const Config extends ParseArgsConfig>(
  config: Config,
  usage: string,
): ReturnType<typeof parseArgs<Config>> {
  try {
    return parseArgs(config);
  } catch (cause) {
    const message = cause instanceof Error ? cause.message : String(cause);
    throw new WamletError("WAMLET_USAGE", message.replace(/\.?$/, "."), usage, { cause });
  }
}

/** @throws WamletError WAMLET_USAGE where `asked` is not one of `known` */
export function oneOf<Name extends string>(what: string, asked: string, known: readonly Name[]): Name {
  const found = known.find((name) => name === asked);
  if (found !== undefined) return found;
  throw new WamletError("WAMLET_USAGE", `${what} ${asked} is unknown.`, `Known are ${known.join(", ")}.`);
}
