/** `wamlet emulate`: a virtual board that a second terminal talks to. */
import type { ServeEvent } from "../../emulator/serve.js";
import { defineVerb } from "../verb.js";

export const emulate = defineVerb({
  description:
    "Starts a virtual board and serves its serial line over TCP, until Ctrl-C. Once the line READY is printed, every " +
    "verb reaches it with the port that stands there. It takes as long as the board would; --pace fast does not.",
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
      describe: "tcp:PORT on this machine, or tcp:HOST:PORT; port 0 takes a free one",
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
    ["deploy kws.tflite --port tcp://127.0.0.1:7070", "What the second terminal says"],
  ],
  endless: true,
  async run(args, { output, progress, signal }) {
    const { WamletError } = await import("../../errors.js");
    const { loadBoard } = await import("../../descriptor/load_board.js");
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
