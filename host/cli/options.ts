/** Options that several verbs share, so that they are called and described alike everywhere. */
import type { Options } from "yargs";

/** Taken by every verb, before or after its name. */
export const globalOptions = {
  json: { type: "boolean", default: false, describe: "Print the result as JSON" },
  verbose: { type: "boolean", default: false, describe: "Show the stack of an unexpected error" },
} as const satisfies Record<string, Options>;

/** For verbs that talk to a board. */
export const portOptions = {
  port: {
    alias: "p",
    type: "string",
    requiresArg: true,
    describe: "Port: /dev/ttyUSB0, COM3, serial:<number>, tcp://host:port, unix:/path or emulator:<board>",
  },
  "baud-rate": {
    alias: "b",
    type: "number",
    requiresArg: true,
    describe:
      "Speed of a serial port (default: the board's; where that is not known, 921600 and 115200 are tried)",
  },
  timeout: {
    type: "number",
    requiresArg: true,
    describe: "Seconds of silence after which a board that owes an answer is given up (default: 60)",
  },
} as const satisfies Record<string, Options>;

/** For verbs that need to know a board without talking to it. */
export const boardOption = {
  board: {
    type: "string",
    requiresArg: true,
    describe: "Board: a name (wamlet boards) or the path of a descriptor",
  },
} as const satisfies Record<string, Options>;

/** For verbs that compile. */
export const optimizeOption = {
  optimize: {
    alias: "O",
    choices: ["speed", "balanced", "size"],
    default: "balanced",
    describe: "Fewest instructions, speed within some RAM, or the smallest module",
  },
} as const satisfies Record<string, Options>;

/** For verbs that name classes. */
export const labelsOption = {
  labels: { type: "string", requiresArg: true, describe: "File with one class name a line" },
} as const satisfies Record<string, Options>;
