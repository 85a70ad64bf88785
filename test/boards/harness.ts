/**
 * Builds the agent's C with the sanitizers and talks to it by lines (test/boards/harness/harness.c): one command, one
 * answer.
 */
import { execFileSync, spawnSync } from "node:child_process";
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { packagePath } from "../../host/package_root.js";

/** What the harness leaves out: these need WAMR, or the whole device. */
const withoutRuntime = ["agent.c", "runtime.c", "info.c", "load.c", "infer.c", "deploy.c", "modules.c"];

/** The C compiler, or null where there is none that knows the sanitizers. */
export const compiler: string | null = findCompiler();

export const compilerMissing = "there is no C compiler with AddressSanitizer (gcc or clang)";

function findCompiler(): string | null {
  const program = "int main(void) { return 0; }";
  for (const command of [process.env.CC, "gcc", "clang"]) {
    if (command === undefined) continue;
    const options = ["-x", "c", "-fsanitize=address,undefined", "-o", "/dev/null", "-"];
    if (spawnSync(command, options, { input: program }).status === 0) return command;
  }
  return null;
}

/** Compiles the agent as strictly as it is meant to be; throws with the compiler's words. */
export function buildHarness(): { readonly path: string; remove(): void } {
  if (compiler === null) throw new Error(compilerMissing);
  const folder = mkdtempSync(join(tmpdir(), "wamlet-harness-"));
  const agent = packagePath("boards", "agent");
  const sources = readdirSync(agent).filter((file) => file.endsWith(".c") && !withoutRuntime.includes(file));
  const sanitize = ["-g", "-O1", "-fsanitize=address,undefined", "-fno-sanitize-recover=all"];
  const strict = ["-std=c99", "-Wall", "-Wextra", "-Werror", "-Wpedantic", "-I", agent];
  const objects = sources.map((source) => {
    const object = join(folder, source.replace(/c$/, "o"));
    execFileSync(compiler, [...strict, ...sanitize, "-c", join(agent, source), "-o", object]);
    return object;
  });
  const path = join(folder, "harness");
  const main = packagePath("test", "boards", "harness", "harness.c");
  const options = ["-std=gnu11", "-Wall", "-Wextra", "-Werror", "-I", agent];
  execFileSync(compiler, [...options, ...sanitize, main, ...objects, "-o", path]);
  return { path, remove: () => rmSync(folder, { recursive: true }) };
}

/** Runs the commands in one process and gives their answers; throws with what a sanitizer found. */
export function ask(path: string, commands: readonly string[]): string[] {
  const { stdout, stderr, status } = spawnSync(path, {
    input: `${commands.join("\n")}\n`,
    encoding: "utf8",
    maxBuffer: 1 << 28,
  });
  const answers = stdout.split("\n").slice(0, -1);
  if (status !== 0 || answers.length !== commands.length) {
    throw new Error(
      `harness ended with ${status} after "${commands[answers.length] ?? "the last"}": ${stderr}`,
    );
  }
  return answers;
}
