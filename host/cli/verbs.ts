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
  boards: {
    positionals: "[name]",
    summary: "Show the boards that are known, and what is attached",
    load: async () => (await import("./verbs/boards.js")).boards,
  },
};
