/** `wamlet monitor`: what a board says, as it says it. */
import type { LogLevel } from "../../board/board_session.js";
import type { BoardConnection } from "../board_connection.js";
import type { MonitorKeys } from "../monitor_keys.js";
import type { MonitorLines } from "../monitor_lines.js";
import { portOptions } from "../options.js";
import { type Context, defineVerb } from "../verb.js";

/** Longer than anybody watches: a board may need its reset button, or an agent. */
const connectTimeout = 2 ** 31 - 1;

export const monitor = defineVerb({
  description:
    "Shows a board's console and the agent's log, coloured by level. Ctrl-C leaves, Ctrl-R resets the board. A board " +
    "without an agent, or one that hangs before it starts, is shown all the same. Where ESP-IDF's panic handler speaks, " +
    "the addresses are followed by the command that finds them in the source, or with --elf by the places themselves.",
  positionals: {},
  options: {
    ...portOptions,
    level: {
      choices: ["error", "warning", "information", "debug"],
      default: "information",
      describe: "Log lines up to this level",
    },
    timestamps: { alias: "t", type: "boolean", default: false, describe: "Begin each line with the time" },
    elf: {
      type: "string",
      requiresArg: true,
      describe: "ELF file of the board's firmware: a panic is shown with its places in the source",
    },
    reset: { type: "boolean", default: false, describe: "Reset the board first, where its port can" },
  },
  examples: [
    ["monitor", "The only attached board"],
    ["monitor --port /dev/ttyUSB0 --timestamps", "When it said what"],
    ["monitor --reset --level debug", "A board from its first word on"],
    ["monitor --elf build/agent.elf", "Where in the source a panic happened"],
    ["monitor --json | jq .text", "Every line as JSON"],
  ],
  endless: true,
  async run(args, context) {
    const { MonitorKeys } = await import("../monitor_keys.js");
    const { MonitorLines } = await import("../monitor_lines.js");
    const { PanicDecoder } = await import("../panic_decoder.js");
    const decoder = await PanicDecoder.create(args.elf, context.environment.PATH);
    const lines = new MonitorLines(context.output, args.timestamps, decoder);
    const keys = new MonitorKeys(process.stdin);
    try {
      let reset = args.reset;
      for (;;) {
        const again = await watch(args, context, lines, keys, reset);
        if (!again) return 0;
        reset = true;
      }
    } finally {
      keys.close();
      await lines.end();
    }
  },
});

/**
 * Shows one connection until it ends.
 * @returns whether to open the port again, resetting the board by its lines
 */
async function watch(
  args: {
    readonly port?: string | undefined;
    readonly baudRate?: number | undefined;
    readonly level: LogLevel;
  },
  context: Context,
  lines: MonitorLines,
  keys: MonitorKeys,
  reset: boolean,
): Promise<boolean> {
  const { withBoard } = await import("../board_connection.js");
  const reopen = new AbortController();
  let connection: BoardConnection | null = null;
  keys.onReset = () => {
    if (connection === null) return reopen.abort();
    lines.note("resetting the board");
    connection.session.reset().catch(() => reopen.abort());
  };
  const signal = AbortSignal.any([context.signal, keys.left, reopen.signal]);
  // A restarted agent logs at its usual level again.
  const askForLog = () => void connection?.session.logLevel(args.level).catch(() => {});
  const options = {
    connectTimeout,
    reset,
    onLog: (level: number, text: string) => lines.log(level, text),
    onConsole: (text: string) => lines.console(text),
    onOpen: () => {
      if (connection !== null) lines.note("the board has restarted");
      askForLog();
    },
  };
  try {
    await withBoard(
      args,
      { ...context, signal },
      async (opened) => {
        connection = opened;
        const { board, chip, agentVersion } = opened.session.info;
        lines.chip = chip;
        lines.note(`${board}, ${chip}, agent ${agentVersion}, at ${opened.session.url}${keys.hint}`);
        askForLog();
        await ended(opened, signal);
      },
      options,
    );
  } catch (error) {
    if (!signal.aborted) throw error;
  }
  return reopen.signal.aborted && !context.signal.aborted && !keys.left.aborted;
}

/** Resolves when the user leaves. @throws WamletError where the line ends by itself */
async function ended({ meter }: BoardConnection, signal: AbortSignal): Promise<void> {
  const left = new Promise<null>((resolve) => signal.addEventListener("abort", () => resolve(null)));
  if (signal.aborted) return;
  const error = await Promise.race([meter.ended, left]);
  if (error !== null) throw error;
}
