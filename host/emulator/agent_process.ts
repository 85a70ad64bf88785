/**
 * The real agent on this computer, for `wamlet emulate --board linux` and its kin: what a board runs, with WAMR, as a
 * process or in QEMU, on a TCP port or a pseudo-terminal.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { randomInt } from "node:crypto";
import { once } from "node:events";
import { connect, createServer } from "node:net";
import { setTimeout } from "node:timers/promises";
import type { Board } from "../descriptor/board.js";
import { WamletError } from "../errors.js";
import { readPort } from "./firmware_build.js";

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
 * @throws WamletError WAMLET_AGENT_FAILED with what it said, WAMLET_INVALID_PORT
 */
export async function startAgent(options: AgentOptions): Promise<RunningAgent> {
  return options.board.name === "linux" ? startLinuxAgent(options) : startQemu(options);
}

async function startLinuxAgent({ board, executable, listen, flash }: AgentOptions): Promise<RunningAgent> {
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
  return running(child, await readiness(child));
}

/** What ends QEMU when standard input does: QEMU itself does not look. */
const LEASH =
  'exec 3<&0; "$@" </dev/null & child=$!; { cat <&3; kill $child; } >/dev/null 2>&1 & wait $child';

async function startQemu({ board, executable, listen, flash }: AgentOptions): Promise<RunningAgent> {
  const at = /^tcp:(?:(.*):)?(\d{1,5})$/.exec(listen);
  if (at === null || flash !== undefined) {
    throw new WamletError(
      "WAMLET_INVALID_PORT",
      flash === undefined
        ? `${JSON.stringify(listen)} is no address for QEMU to listen at.`
        : "QEMU's boards keep their flash in memory.",
      flash === undefined ? "Write tcp:7070, or tcp:0 for a free port." : "Leave out --flash.",
    );
  }
  const host = at[1] ?? "127.0.0.1";
  const port = Number(at[2]) || (await freePort(host));
  const { command, words, seedAddress } = readPort(board.name).emulator;
  const seed = `loader,addr=${seedAddress},data=${randomInt(2 ** 32 - 1)},data-len=4`;
  const serial = `tcp:${host}:${port},server=on,wait=off,nodelay=on`;
  const qemu = [command, ...words, "-kernel", executable, "-device", seed, "-serial", serial];
  const child = spawn("sh", ["-c", LEASH, "sh", ...qemu], { stdio: ["pipe", "pipe", "pipe"] });
  const url = `tcp://${host}:${port}`;
  let said = "";
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    said = (said + text).slice(-8192);
  });
  const ended = new Promise<never>((_, reject) => {
    child.on("error", (cause) => reject(failed(`QEMU cannot be started: ${cause.message}`)));
    child.on("close", (code) => reject(failed(`QEMU does not start: ${said.trim() || `code ${code}`}`)));
  });
  await Promise.race([listening(host, port), ended]);
  ended.catch(() => {});
  return running(child, { url, said: () => said });
}

function running(child: ChildProcess, { url, said }: { url: string; said(): string }): RunningAgent {
  const gone = new Promise<void>((resolve) => {
    if (child.exitCode !== null) resolve();
    child.on("close", () => resolve());
  });
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
      child.stdin?.end();
      await gone;
    },
  };
}

/** A port that nobody has at this moment. */
async function freePort(host: string): Promise<number> {
  const server = createServer().listen(0, host);
  await once(server, "listening");
  const address = server.address();
  server.close();
  await once(server, "close");
  return typeof address === "object" && address !== null ? address.port : 0;
}

/** Resolves once somebody listens there. */
async function listening(host: string, port: number): Promise<void> {
  for (;;) {
    const socket = connect({ host, port });
    const open = await new Promise<boolean>((resolve) => {
      socket.on("connect", () => resolve(true));
      socket.on("error", () => resolve(false));
    });
    socket.destroy();
    if (open) return;
    await setTimeout(50);
  }
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
