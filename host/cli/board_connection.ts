/**
 * A board for the length of a verb: the port is chosen, opened and greeted, and closed whatever happens. What the
 * board says of itself (its log, a panic) goes to stderr meanwhile.
 */
import { stripVTControlCharacters } from "node:util";
import type { BoardInfo, BoardOptions, BoardSession } from "../board/board_session.js";
import type { PortChoice } from "../board/choose_port.js";
import type { Board } from "../descriptor/board.js";
import { WamletError } from "../errors.js";
import { type LineClock, LineMeter } from "./line_meter.js";
import type { Context } from "./verb.js";

/** The options of `portOptions` and `boardOption` as yargs hands them over. */
export interface PortArguments {
  readonly port?: string | undefined;
  readonly baudRate?: number | undefined;
  readonly board?: string | undefined;
  /** Seconds. */
  readonly timeout?: number | undefined;
}

export interface ConnectionOptions extends Pick<BoardOptions, "onLog" | "onConsole" | "onOpen"> {
  /** Milliseconds to wait for the agent's first answer. */
  readonly connectTimeout?: number | undefined;
  /** Reset the board through the port's lines first, where it has such lines. */
  readonly reset?: boolean | undefined;
  /** How the virtual board's time goes where its URL does not say: `real` for work that has a pace of its own. */
  readonly pace?: "real" | "fast" | undefined;
}

export interface BoardConnection {
  readonly session: BoardSession;
  readonly choice: PortChoice;
  /** Bytes and time of the line. */
  readonly meter: LineMeter;
  /** What is known of the board; null where no descriptor has its name. Memory and store are as the board says. */
  readonly board: Board | null;
}

/** A board that is asked to leave in order has this long, less than the command itself has. */
const leaveMilliseconds = 1500;

/**
 * Opens the board that the command line, the environment, the config or the only match says, and closes it after.
 * @throws WamletError what choosing, opening and `use` throw
 */
export async function withBoard<Value>(
  args: PortArguments,
  context: Context,
  use: (connection: BoardConnection) => Promise<Value>,
  options: ConnectionOptions = {},
): Promise<Value> {
  const { choosePort } = await import("../board/choose_port.js");
  const { findConfig } = await import("../board/config.js");
  const { openBoard } = await import("../board/board_session.js");
  const { progress, signal, environment, workingDirectory } = context;
  const timeout = silence(args.timeout);
  const config = findConfig(workingDirectory);
  const wanted = args.board ?? config?.board ?? undefined;
  const choice = await choosePort({ flag: args.port, environment, config, board: wanted });
  const url = paced(choice.url, options.pace);
  progress.show(`Opening ${url}`);
  const isSerialPort = !/^(emulator|tcp|unix):/i.test(url);
  const baudRate = args.baudRate ?? (isSerialPort ? (config?.baudRate ?? undefined) : undefined);
  const { connectTimeout, reset } = options;
  const clock = await clockReader(url);
  let meter: LineMeter | undefined;
  let session: BoardSession | undefined;
  const leave = () => setTimeout(() => void session?.close(), leaveMilliseconds).unref();
  signal.addEventListener("abort", leave);
  try {
    session = await openBoard(url, {
      ...talkative(context),
      ...callbacks(options),
      baudRate,
      board: wanted,
      reset,
      connectTimeout,
      timeout,
      signal,
      wrap: (stream) => {
        meter = new LineMeter(stream, clock());
        return meter;
      },
    });
    progress.clear();
    const board = await descriptorOf(session.info, url, args.board, config?.board ?? undefined);
    if (meter === undefined) throw new RangeError("a board was opened without its line");
    return await use({ session, choice, meter, board });
  } finally {
    signal.removeEventListener("abort", leave);
    await session?.close();
  }
}

/** Longer than this, no inference takes; and no timer. */
const longestSilence = 86_400;

/** `--timeout` in milliseconds. @throws WamletError WAMLET_USAGE */
function silence(seconds: number | undefined): number | undefined {
  if (seconds === undefined) return undefined;
  if (seconds > 0 && seconds <= longestSilence) return seconds * 1000;
  throw new WamletError(
    "WAMLET_USAGE",
    `--timeout is ${seconds}.`,
    `Give seconds up to ${longestSilence}, as in --timeout 120.`,
  );
}

/** Those that are given, so that none takes the place of what is usual. */
function callbacks({ onLog, onConsole, onOpen }: ConnectionOptions): Partial<BoardOptions> {
  return { ...(onLog && { onLog }), ...(onConsole && { onConsole }), ...(onOpen && { onOpen }) };
}

/** `esp32 at emulator:esp32`. */
export function whichBoard({ session }: BoardConnection): string {
  return `${session.info.board} at ${session.url}`;
}

/** A board's text must not steer the terminal that shows it. */
export function printableText(text: string): string {
  return stripVTControlCharacters(text).replace(/\p{Cc}/gu, " ");
}

/** The board's log, errors and warnings by default, and what its console says, as notes. */
function talkative({ progress }: Context): Pick<BoardOptions, "onLog" | "onConsole"> {
  const { dim, red, yellow } = progress.colors;
  return {
    onLog: (level, text) =>
      progress.note((level <= 1 ? red : level === 2 ? yellow : dim)(`board: ${printableText(text)}`)),
    onConsole: (text) => {
      for (const line of text.split(/\r?\n/)) {
        if (line.trim() !== "") progress.note(dim(`console: ${printableText(line)}`));
      }
    },
  };
}

function paced(url: string, pace: ConnectionOptions["pace"]): string {
  if (pace === undefined || !url.startsWith("emulator:") || /[?&]pace=/.test(url)) return url;
  return `${url}${url.includes("?") ? "&" : "?"}pace=${pace}`;
}

/** What finds the line's clock once the port is open: a virtual board has one of its own. */
async function clockReader(url: string): Promise<() => LineClock | undefined> {
  if (!url.startsWith("emulator:")) return () => undefined;
  const { emulatorBinding } = await import("../emulator/binding.js");
  return () => {
    const board = emulatorBinding.board(url);
    return board && { name: "virtual time", microseconds: () => board.clock.now / 1000 };
  };
}

/** By `--board`, else by the URL of a virtual board, else by the board's own name, else by the config. */
async function descriptorOf(
  info: BoardInfo,
  url: string,
  flag: string | undefined,
  configured: string | undefined,
): Promise<Board | null> {
  const { loadBoard } = await import("../descriptor/load_board.js");
  const named = flag ?? /^emulator:([^?]+)/.exec(url)?.[1];
  if (named !== undefined) return asTheBoardSays(loadBoard(named), info);
  try {
    return asTheBoardSays(loadBoard(info.board), info);
  } catch (error) {
    if (!(error instanceof WamletError) || error.code !== "WAMLET_UNKNOWN_BOARD") throw error;
    // Somebody's own board: it can be used all the same, only nothing is known of it but what it says.
    return configured === undefined ? null : asTheBoardSays(loadBoard(configured), info);
  }
}

function asTheBoardSays(board: Board, info: BoardInfo): Board {
  const said = (value: number) => ({ value, source: "as the board says" });
  return {
    ...board,
    clockHertz: said(info.clockHertz),
    memory: {
      ...board.memory,
      poolBytes: said(info.memoryTotalBytes),
      largestBlockBytes: said(info.memoryLargestBlockBytes),
      receiveBufferBytes: info.receiveBufferBytes,
    },
    store: { ...board.store, slots: info.storeSlots, slotBytes: info.storeSlotBytes },
  };
}
