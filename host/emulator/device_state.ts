/** What the handlers of the virtual board's messages share: the board, its store, its memory, its loaded modules. */
import type { Board } from "../descriptor/board.js";
import type { Message } from "../wire/message.js";
import type { Flash } from "./flash.js";
import type { LoadedModule } from "./loaded_module.js";
import type { MemoryAccount } from "./memory_account.js";
import type { RunnerOptions } from "./module_runner.js";
import { Refusal } from "./refusal.js";
import type { ModuleStore } from "./store.js";

export interface DeviceState {
  readonly board: Board;
  readonly flash: Flash;
  readonly store: ModuleStore;
  readonly memory: MemoryAccount;
  /** By handle. */
  readonly loaded: Map<number, LoadedModule>;
  readonly runner: RunnerOptions;
  readonly bootId: number;
  /** Bytes that the device's receive buffer takes, and of one message. */
  readonly receiveBufferBytes: number;
  readonly maxPayload: number;
  /** Highest level of log lines that are sent. */
  logLevel: number;
  /** Handle of the module that was loaded last. */
  lastHandle: number;
  log(level: LogLevel, text: string): void;
}

export const logLevels = { error: 1, warning: 2, information: 3, debug: 4 } as const;

export type LogLevel = keyof typeof logLevels;

/** What a message leads to. */
export interface Outcome {
  readonly answers: readonly Message[];
  /** Virtual time of the CPU before the answers go out, beside what flash takes. */
  readonly nanoseconds?: number;
  /** The board starts anew once the answers are on the line. */
  readonly restart?: boolean;
}

/** @throws Refusal unknown-handle */
export function loadedModule(device: DeviceState, handle: number): LoadedModule {
  const module = device.loaded.get(handle);
  if (module !== undefined) return module;
  throw new Refusal("unknown-handle", [handle], `No module is loaded as ${handle}.`, "Load it again.");
}
