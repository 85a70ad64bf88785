/** The verbs of the command line. Adding one means a line here and a file in `verbs/`. */
import type { Verb } from "./verb.js";

export interface VerbEntry {
  /** Positionals after the name, in yargs' notation: `<model>`, `[name]`. */
  readonly positionals: string;
  /** One line for `wamlet --help`. */
  readonly summary: string;
  readonly load: () => Promise<Verb>;
}

export const verbs: Readonly<Record<string, VerbEntry>> = {
  compile: {
    positionals: "<model>",
    summary: "Compile a quantised .tflite into a module",
    load: async () => (await import("./verbs/compile.js")).compile,
  },
  inspect: {
    positionals: "<file>",
    summary: "Show what is inside a model or module",
    load: async () => (await import("./verbs/inspect.js")).inspect,
  },
  boards: {
    positionals: "[name]",
    summary: "Show the boards that are known, and what is attached",
    load: async () => (await import("./verbs/boards.js")).boards,
  },
};
