/** Compilers and other programs that a benchmark starts. */
import { spawn, spawnSync } from "node:child_process";

/** The program's output; throws with what it complained of. */
export function run(command: string, words: readonly string[], input?: Uint8Array): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const child = spawn(command, words, { stdio: ["pipe", "pipe", "pipe"] });
    const out: Buffer[] = [];
    let said = "";
    child.stdout.on("data", (bytes: Buffer) => out.push(bytes));
    child.stderr.setEncoding("utf8").on("data", (text: string) => {
      said = (said + text).slice(-4096);
    });
    child.on("error", reject);
    child.on("close", (code) =>
      code === 0 ? resolve(Buffer.concat(out)) : reject(new Error(`${command} (${code}): ${said.trim()}`)),
    );
    child.stdin.on("error", () => {}).end(input ?? "");
  });
}

/** Whether a program is there. */
export function exists(command: string): boolean {
  return spawnSync(command, ["--version"]).status === 0;
}
