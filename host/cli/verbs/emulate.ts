/** `wamlet emulate`: a board that a second terminal talks to, virtual, or the real agent as a process. */
import type { Board } from "../../descriptor/board.js";
import type { AgentBoard } from "../../emulator/agent_build.js";
import type { ServeEvent } from "../../emulator/serve.js";
import { type Context, defineVerb } from "../verb.js";

export const emulate = defineVerb({
  description:
    "Starts a virtual board and serves its serial line over TCP or a socket of this machine, until Ctrl-C. Once the line READY is printed, every " +
    "verb reaches it with the port that stands there. It takes as long as the board would; --pace fast does not. " +
    "--board linux and the qemu boards run the agent itself, with WAMR; the first start builds it.",
  positionals: {},
  options: {
    board: {
      type: "string",
      default: "esp32",
      requiresArg: true,
      describe: "Board: a name (wamlet boards) or the path of a descriptor",
    },
    listen: {
      type: "string",
      default: "tcp:0",
      requiresArg: true,
      describe: "tcp:PORT (0 takes a free one), tcp:HOST:PORT or unix:PATH; linux: also pty",
    },
    flash: { type: "string", requiresArg: true, describe: "File that keeps what the board stores" },
    "baud-rate": {
      alias: "b",
      type: "number",
      requiresArg: true,
      describe: "Speed of the board's line (default: the descriptor's)",
    },
    pace: {
      choices: ["real", "fast"],
      default: "real",
      describe: "Take the board's time, or as little as this machine needs",
    },
  },
  examples: [
    ["emulate", "An ESP32 on a free port of this machine"],
    ["emulate --board rp2040 --listen tcp:7070", "Always the same port"],
    ["emulate --flash board.flash", "A board that remembers its modules"],
    ["emulate --listen unix:/tmp/board.sock", "A socket that only this machine sees"],
    ["emulate --board linux", "The agent itself, running modules in WAMR"],
    ["deploy kws.tflite --port tcp://127.0.0.1:7070", "What the second terminal says"],
  ],
  endless: true,
  async run(args, context) {
    const { output, progress, signal } = context;
    const { WamletError } = await import("../../errors.js");
    const { loadBoard } = await import("../../descriptor/load_board.js");
    const { hasAgent } = await import("../../emulator/agent_build.js");
    const { serveBoard } = await import("../../emulator/serve.js");
    const { baudRate, flash, listen, pace } = args;
    if (baudRate !== undefined && !(Number.isInteger(baudRate) && baudRate >= 50)) {
      throw new WamletError(
        "WAMLET_USAGE",
        `--baud-rate is ${baudRate}.`,
        "Usual rates are 115200, 460800, 921600.",
      );
    }
    const board = loadBoard(args.board);
    if (hasAgent(args.board)) return runAgent(args.board, board, listen, flash, context);
    let failed: (error: unknown) => void = () => {};
    const failure = new Promise<never>((_, reject) => {
      failed = reject;
    });
    failure.catch(() => {});
    const onEvent = (event: ServeEvent) => {
      if (event.type === "failed") failed(event.error);
      else if (!output.json) progress.note(progress.colors.dim(`${event.peer} ${happened[event.type]}`));
    };
    const served = await serveBoard({ board, listen, flash, pace, baudRate, onEvent });
    try {
      const about = {
        board: board.name,
        url: served.url,
        baudRate: served.board.baudRate,
        pace,
        flash: flash ?? null,
      };
      if (output.json) output.record({ ready: true, ...about });
      else {
        output.line(`READY ${served.url}`);
        progress.note(
          progress.colors.dim(
            `${board.title}, virtual, ${about.baudRate} baud, ${flash === undefined ? "forgets when it ends" : `flash in ${flash}`}. Ctrl-C ends it.`,
          ),
        );
      }
      await Promise.race([ending(signal), failure]);
    } finally {
      await served.close();
    }
    return 0;
  },
});

/** Builds the agent, unless nothing has changed, and runs it. */
async function runAgent(
  name: AgentBoard,
  board: Board,
  listen: string,
  flash: string | undefined,
  { output, progress, signal, environment }: Context,
): Promise<0> {
  const { buildAgent } = await import("../../emulator/agent_build.js");
  const { startAgent } = await import("../../emulator/agent_process.js");
  const onLine = (line: string) => progress.show(`building the agent: ${line}`);
  const executable = await buildAgent(name, { environment, signal, onLine });
  progress.clear();
  const agent = await startAgent({ board, executable, listen, flash });
  try {
    if (output.json) output.record({ ready: true, board: board.name, url: agent.url, flash: flash ?? null });
    else {
      output.line(`READY ${agent.url}`);
      const memory = flash === undefined ? "forgets when it ends" : `flash in ${flash}`;
      const where = name === "linux" ? "as a process" : "in QEMU";
      progress.note(progress.colors.dim(`The agent ${where}, ${memory}. Ctrl-C ends it.`));
    }
    await Promise.race([ending(signal), agent.failure]);
  } finally {
    await agent.close();
  }
  return 0;
}

const happened = {
  connected: "is connected",
  left: "has left",
  refused: "was turned away: one client has the line",
} as const;

function ending(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    signal.addEventListener("abort", () => resolve());
  });
}
