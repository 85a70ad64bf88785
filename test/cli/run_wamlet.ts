/** Runs the built command as a user does: `dist/host/cli/main.js` in a process of its own. */
import { spawn } from "node:child_process";
import { packagePath } from "../../host/package_root.js";

export interface Run {
  readonly exitCode: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface RunOptions {
  readonly cwd?: string;
  readonly environment?: Readonly<Record<string, string>>;
  /** What the command finds on stdin; without it, nothing. */
  readonly input?: string | Uint8Array;
  /** Words for node itself, before the script. */
  readonly nodeOptions?: readonly string[];
}

/** Without the variables by which the machine that runs the tests would change what the command prints. */
const { NO_COLOR: _noColor, FORCE_COLOR: _forceColor, WAMLET_PORT: _port, ...machine } = process.env;

export function runWamlet(words: readonly string[], options: RunOptions = {}): Promise<Run> {
  return runNode(
    [...(options.nodeOptions ?? []), packagePath("dist", "host", "cli", "main.js"), ...words],
    options,
  );
}

export function runNode(
  words: readonly string[],
  { cwd, environment, input }: RunOptions = {},
): Promise<Run> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, words, {
      cwd,
      env: { ...machine, ...environment },
      stdio: ["pipe", "pipe", "pipe"],
    });
    // A command that ends before it has read everything is no failure of the test's.
    child.stdin.on("error", () => {}).end(input);
    const texts = { stdout: "", stderr: "" };
    for (const name of ["stdout", "stderr"] as const) {
      child[name].setEncoding("utf8").on("data", (text: string) => {
        texts[name] += text;
      });
    }
    child.on("error", reject).on("close", (exitCode) => resolve({ exitCode, ...texts }));
  });
}
