/**
 * Builds the agent (boards/agent/) for a port that runs on this computer. cargo brings WAMR; what is built lies in the
 * user's cache, so that an installed package stays as it is, and a second build takes a moment.
 */
import { spawn, spawnSync } from "node:child_process";
import { copyFile, rename } from "node:fs/promises";
import { join } from "node:path";
import { cacheFolder } from "../cache_folder.js";
import { WamletError } from "../errors.js";
import { packagePath } from "../package_root.js";
import type { BuildOptions } from "./build_options.js";
import { buildFirmware } from "./firmware_build.js";

/** Boards whose agent runs on this computer; others are virtual ones. */
export const agentBoards = ["linux", "qemu-cortex-m4", "qemu-cortex-m7", "qemu-riscv32"] as const;

export type AgentBoard = (typeof agentBoards)[number];

export function hasAgent(board: string): board is AgentBoard {
  return (agentBoards as readonly string[]).includes(board);
}

/** What a build needs beside a network, with Debian's name of it. */
const tools = [
  { commands: ["cargo"], name: "cargo", get: "https://rustup.rs, or apt-get install cargo" },
  { commands: ["cmake"], name: "cmake", get: "apt-get install cmake" },
  { commands: ["cc", "gcc", "clang"], name: "a C compiler", get: "apt-get install gcc" },
];

/** Lines of a failed build that are worth showing. */
const LAST_LINES = 12;

/**
 * Builds a board's agent, or finds that nothing has changed.
 * @returns path of the executable, or of the image that QEMU runs
 * @throws WamletError WAMLET_MISSING_TOOL, WAMLET_BUILD_FAILED, WAMLET_INTERRUPTED
 */
export function buildAgent(board: AgentBoard, options: BuildOptions): Promise<string> {
  switch (board) {
    case "linux":
      return buildLinuxAgent(options);
    case "qemu-cortex-m4":
    case "qemu-cortex-m7":
    case "qemu-riscv32":
      return buildFirmware(board, options);
  }
}

async function buildLinuxAgent(options: BuildOptions): Promise<string> {
  checkTools();
  // One folder for both kinds, so that WAMR, which takes longest, is built once.
  const target = join(cacheFolder(options.environment), "agents", "linux");
  const words = ["build", "--release", "--locked", "--target-dir", target];
  if (options.sanitize === true) words.push("--features", "sanitize");
  const { code, lines } = await run("cargo", words, packagePath("boards", "ports", "linux"), options);
  if (code === 0) return keep(target, options.sanitize === true ? "sanitized" : "plain");
  const said = lines.join("\n");
  if (/libclang/.test(said)) throw missing("libclang", "apt-get install libclang-dev");
  throw new WamletError(
    "WAMLET_BUILD_FAILED",
    `The agent cannot be built: ${lines.slice(-LAST_LINES).join("\n")}`,
    "It needs cargo, cmake, a C compiler, libclang, and crates.io for its first build.",
  );
}

/** A copy under a name of its own, put in place whole: the other kind's build must not replace it while it runs. */
async function keep(target: string, kind: string): Promise<string> {
  const path = join(target, kind);
  const copy = `${path}.${process.pid}`;
  await copyFile(join(target, "release", "wamlet-agent-linux"), copy);
  await rename(copy, path);
  return path;
}

function checkTools(): void {
  for (const { commands, name, get } of tools) {
    if (!commands.some((command) => spawnSync(command, ["--version"]).status === 0)) throw missing(name, get);
  }
}

function missing(name: string, get: string): WamletError {
  return new WamletError("WAMLET_MISSING_TOOL", `Building the agent needs ${name}.`, `Install it: ${get}.`);
}

function run(
  command: string,
  words: readonly string[],
  folder: string,
  { signal, onLine }: BuildOptions,
): Promise<{ readonly code: number | null; readonly lines: string[] }> {
  return new Promise((resolve, reject) => {
    const lines: string[] = [];
    const child = spawn(command, words, { cwd: folder, stdio: ["ignore", "ignore", "pipe"], signal });
    let rest = "";
    child.stderr.setEncoding("utf8").on("data", (text: string) => {
      const parts = (rest + text).split("\n");
      rest = parts.pop() ?? "";
      for (const line of parts) {
        lines.push(line);
        onLine?.(line.trim());
      }
    });
    child.on("error", (cause) => reject(signal?.aborted ? signal.reason : cause));
    child.on("close", (code) => resolve({ code, lines }));
  });
}
