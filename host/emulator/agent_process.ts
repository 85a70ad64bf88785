/**
 * The real agent on this computer, for `wamlet emulate --board linux` and its kin: what a board runs, with WAMR, as a
 * process or in QEMU, on a TCP port, a socket in the file system, or a pseudo-terminal.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { randomInt } from "node:crypto";
import { once } from "node:events";
import { rm } from "node:fs/promises";
import { createServer } from "node:net";
import { setTimeout } from "node:timers/promises";
import type { Board } from "../descriptor/board.js";
import { WamletError } from "../errors.js";
import { readPort } from "./firmware_build.js";
import { clearSocket, isAnswered, type ListenAddress, listenUrl, parseListen } from "./listen_address.js";

export interface AgentOptions {
  readonly board: Board;
  /** What buildAgent made. */
  readonly executable: string;
  /** `tcp:PORT`, `tcp:HOST:PORT`, `unix:PATH`, or `pty` (linux). */
  readonly listen: string;
  /** File that keeps the flash; in memory where it is not given. */
  readonly flash?: string | undefined;
  /** More words for QEMU, as a monitor. */
  readonly emulatorWords?: readonly string[];
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
  const address = listen === "pty" ? null : parseListen(listen);
  if (address?.type === "unix") await clearSocket(address.path);
  const { slots, slotBytes, sectorBytes, wordBytes } = board.store;
  const figures = {
    listen: address?.type === "unix" ? listenUrl(address) : listen,
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
  return running(child, await readiness(child), address);
}

/** What ends QEMU when standard input does: QEMU itself does not look. */
const LEASH =
  'exec 3<&0; "$@" </dev/null & child=$!; { cat <&3; kill $child; } >/dev/null 2>&1 & wait $child';

async function startQemu({
  board,
  executable,
  listen,
  flash,
  emulatorWords,
}: AgentOptions): Promise<RunningAgent> {
  if (flash !== undefined || listen === "pty") {
    throw new WamletError(
      "WAMLET_INVALID_PORT",
      flash === undefined ? "QEMU offers no pseudo-terminal." : "QEMU's boards keep their flash in memory.",
      flash === undefined ? "Write tcp:7070, tcp:0 for a free port, or unix:PATH." : "Leave out --flash.",
    );
  }
  const address = await free(listen);
  const { command, words, seedAddress } = readPort(board.name).emulator;
  const seed = `loader,addr=${seedAddress},data=${randomInt(2 ** 32 - 1)},data-len=4`;
  const serial =
    address.type === "tcp"
      ? `tcp:${address.host}:${address.port},server=on,wait=off,nodelay=on`
      : // QEMU takes a comma that is doubled for one of the path.
        `unix:${address.path.replaceAll(",", ",,")},server=on,wait=off`;
  const qemu = [
    command,
    ...words,
    "-kernel",
    executable,
    "-device",
    seed,
    "-serial",
    serial,
    ...(emulatorWords ?? []),
  ];
  const child = spawn("sh", ["-c", LEASH, "sh", ...qemu], { stdio: ["pipe", "pipe", "pipe"] });
  let said = "";
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    said = (said + text).slice(-8192);
  });
  const ended = new Promise<never>((_, reject) => {
    child.on("error", (cause) => reject(failed(`QEMU cannot be started: ${cause.message}`)));
    child.on("close", (code) => reject(failed(`QEMU does not start: ${said.trim() || `code ${code}`}`)));
  });
  await Promise.race([listening(address), ended]);
  ended.catch(() => {});
  return running(child, { url: listenUrl(address), said: () => said }, address);
}

/** @param address null for a pseudo-terminal */
function running(
  child: ChildProcess,
  { url, said }: { url: string; said(): string },
  address: ListenAddress | null,
): RunningAgent {
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
      if (address?.type === "unix") await rm(address.path, { force: true });
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

/** The address, with a port of its own where any will do and with the place of a socket cleared. */
async function free(listen: string): Promise<ListenAddress> {
  const address = parseListen(listen);
  if (address.type === "unix") await clearSocket(address.path);
  return address.type === "tcp" && address.port === 0
    ? { ...address, port: await freePort(address.host) }
    : address;
}

/** Resolves once somebody listens there. */
async function listening(address: ListenAddress): Promise<void> {
  while (!(await isAnswered(address))) await setTimeout(50);
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
    "Choose another port with --listen tcp:PORT (0 takes a free one) or unix:PATH, or another --flash file.",
  );
}
