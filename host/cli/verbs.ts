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
  run: {
    positionals: "<file>",
    summary: "Run a model or module on frames, here",
    load: async () => (await import("./verbs/run.js")).run,
  },
  validate: {
    positionals: "[model]",
    summary: "Compare answers with golden ones, bit for bit",
    load: async () => (await import("./verbs/validate.js")).validate,
  },
  inspect: {
    positionals: "<file>",
    summary: "Show what is inside a model or module",
    load: async () => (await import("./verbs/inspect.js")).inspect,
  },
  deploy: {
    positionals: "<file>",
    summary: "Store a module on a board and verify it",
    load: async () => (await import("./verbs/deploy.js")).deploy,
  },
  modules: {
    positionals: "[action] [name]",
    summary: "List, activate and remove a board's modules",
    load: async () => (await import("./verbs/modules.js")).modules,
  },
  stream: {
    positionals: "<frames>",
    summary: "Stream frames through a board's module",
    load: async () => (await import("./verbs/stream.js")).stream,
  },
  profile: {
    positionals: "<module>",
    summary: "Show what an inference takes, as a whole and by layer",
    load: async () => (await import("./verbs/profile.js")).profile,
  },
  flash: {
    positionals: "[source]",
    summary: "Write firmware to an ESP32 board",
    load: async () => (await import("./verbs/flash.js")).flash,
  },
  monitor: {
    positionals: "",
    summary: "Show a board's console and log",
    load: async () => (await import("./verbs/monitor.js")).monitor,
  },
  emulate: {
    positionals: "",
    summary: "Serve a virtual board to other terminals",
    load: async () => (await import("./verbs/emulate.js")).emulate,
  },
  demo: {
    positionals: "",
    summary: "Run a bundled example on a virtual board",
    load: async () => (await import("./verbs/demo.js")).demo,
  },
  boards: {
    positionals: "[name]",
    summary: "Show the boards that are known, and what is attached",
    load: async () => (await import("./verbs/boards.js")).boards,
  },
  zoo: {
    positionals: "[action] [name]",
    summary: "List well-known models and download them",
    load: async () => (await import("./verbs/zoo.js")).zoo,
  },
  bench: {
    positionals: "[models..]",
    summary: "Compile models and count what an inference takes",
    load: async () => (await import("./verbs/bench.js")).bench,
  },
};
