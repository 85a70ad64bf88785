/**
 * The real agent as a process of this computer, for `wamlet emulate --board linux`: what a board runs, with WAMR, on a
 * TCP port or a pseudo-terminal.
 */
import { type ChildProcess, spawn } from "node:child_process";
import type { Board } from "../descriptor/board.js";
import { WamletError } from "../errors.js";

export interface AgentOptions {
  readonly board: Board;
  /** What buildAgent made. */
  readonly executable: string;
  /** `tcp:PORT`, `tcp:HOST:PORT` or `pty`. */
  readonly listen: string;
  /** File that keeps the flash; in memory where it is not given. */
  readonly flash?: string | undefined;
}

export interface RunningAgent {
  /** What a client names as its port. */
  readonly url: string;
  /** Rejects if the agent ends by itself. */
  readonly failure: Promise<never>;
  /** Ends it; resolves once the process is gone. */
  close(): Promise<void>;
}

/**
 * Starts the agent and waits until it listens. It ends with this process in any case, because its standard input does.
 * @throws WamletError WAMLET_AGENT_FAILED with what it said
 */
export async function startAgent(options: AgentOptions): Promise<RunningAgent> {
  const { board, executable, listen, flash } = options;
  const { slots, slotBytes, sectorBytes, wordBytes } = board.store;
  const figures = {
    listen,
    slots,
    "slot-bytes": slotBytes,
    "sector-bytes": sectorBytes,
    "word-bytes": wordBytes,
    "pool-bytes": board.memory.poolBytes.value,
    "receive-bytes": board.memory.receiveBufferBytes,
    ...(flash === undefined ? {} : { flash }),
  };
  const words = Object.entries(figures).flatMap(([name, value]) => [`--${name}`, String(value)]);
  const child = spawn(executable, words, { stdio: ["pipe", "pipe", "pipe"] });
  const gone = new Promise<void>((resolve) => child.on("close", () => resolve()));
  const { url, said } = await readiness(child);
  let closing = false;
  const failure = gone.then(() => {
    if (closing) return new Promise<never>(() => {});
    throw failed(`The agent ended by itself: ${said().trim() || `code ${child.exitCode}`}`);
  });
  failure.catch(() => {});
  return {
    url,
    failure,
    async close() {
      closing = true;
      child.kill();
      await gone;
    },
  };
}

/** The URL in the agent's READY line, and what it says on standard error. */
function readiness(child: ChildProcess): Promise<{ readonly url: string; said(): string }> {
  return new Promise((resolve, reject) => {
    let out = "";
    let said = "";
    child.stderr?.setEncoding("utf8").on("data", (text: string) => {
      said = (said + text).slice(-8192);
    });
    child.stdout?.setEncoding("utf8").on("data", (text: string) => {
      out += text;
      const url = /^READY (\S+)\n/m.exec(out)?.[1];
      if (url !== undefined) resolve({ url, said: () => said });
    });
    child.on("error", (cause) => reject(failed(`The agent cannot be started: ${cause.message}`)));
    child.on("close", (code) => reject(failed(`The agent does not start: ${said.trim() || `code ${code}`}`)));
  });
}

function failed(what: string): WamletError {
  return new WamletError(
    "WAMLET_AGENT_FAILED",
    `${what.replace(/\.$/, "")}.`,
    "Choose another port with --listen tcp:PORT (0 takes a free one), or another --flash file.",
  );
}
