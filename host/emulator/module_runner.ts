/**
 * Runs a module's payload in a worker thread of V8, where it can be stopped. What a module may do wrong becomes a
 * refusal of the wire: a trap, more opcodes than its manifest allows, bytes written above its plan. A watchdog on real
 * time stands behind the counted budget.
 */
import { Worker } from "node:worker_threads";
import type { ExecutionCounts } from "../module/execution_counts.js";
import type { Manifest } from "../module/manifest.js";
import { workerUrl } from "../worker_url.js";
import { Refusal } from "./refusal.js";
import type { RunnerAnswer, RunnerRequest } from "./runner_messages.js";

export interface Inference {
  /** One entry per output of the manifest. */
  readonly outputs: readonly Uint8Array[];
  readonly counts: ExecutionCounts;
  /** Empty for an ordinary build. */
  readonly layers: readonly ExecutionCounts[];
}

export interface RunnerOptions {
  /** Real milliseconds after which a request counts as hung. */
  readonly watchdogMilliseconds?: number;
}

/** A runaway is stopped by its opcode budget; this is for what that does not see, and for slow machines generous. */
const DEFAULT_WATCHDOG_MILLISECONDS = 120_000;

/** For the instrumenter's own structures; a module's memory is not counted here. */
const WORKER_LIMITS = { maxOldGenerationSizeMb: 256, stackSizeMb: 4 };

export class ModuleRunner {
  readonly #worker: Worker;
  readonly #manifest: Manifest;
  readonly #watchdogMilliseconds: number;
  #settle: ((answer: RunnerAnswer | Error) => void) | undefined;
  #closed = false;

  private constructor(worker: Worker, manifest: Manifest, options: RunnerOptions) {
    this.#worker = worker;
    this.#manifest = manifest;
    this.#watchdogMilliseconds = options.watchdogMilliseconds ?? DEFAULT_WATCHDOG_MILLISECONDS;
    worker.on("message", (answer: RunnerAnswer) => this.#settle?.(answer));
    worker.on("error", (error) => this.#settle?.(error));
    worker.on("exit", (code) => this.#settle?.(new Error(`the worker ended with code ${code}`)));
    worker.unref();
  }

  /**
   * Instantiates a payload.
   * @throws Refusal load-failed where it cannot be, out-of-time where that hangs
   */
  static async load(
    payload: Uint8Array,
    manifest: Manifest,
    options: RunnerOptions = {},
  ): Promise<ModuleRunner> {
    const worker = new Worker(workerUrl("emulator/module_worker"), { resourceLimits: WORKER_LIMITS });
    const runner = new ModuleRunner(worker, manifest, options);
    const { linearMemoryBytes, opcodeBudget, layers } = manifest;
    try {
      const request = { type: "load", payload, linearMemoryBytes, opcodeBudget, layers } as const;
      // Starting a thread takes what it takes; the caller's limit is for the module.
      await runner.#ask(request, DEFAULT_WATCHDOG_MILLISECONDS);
    } catch (error) {
      await runner.close();
      throw error;
    }
    return runner;
  }

  /** Puts bytes into linear memory. The caller checks that they belong there. */
  write(offset: number, bytes: Uint8Array): void {
    if (!this.#closed) this.#post({ type: "write", offset, bytes: bytes.slice() });
  }

  /**
   * Runs one inference on what linear memory holds.
   * @throws Refusal trapped, out-of-bounds, out-of-time, inference-failed
   */
  async infer(): Promise<Inference> {
    const answer = await this.#ask({ type: "infer", outputs: this.#manifest.outputs });
    if (answer.type !== "inferred") throw unexpected(answer);
    if (answer.returned !== 0) {
      throw new Refusal(
        "inference-failed",
        [answer.returned >>> 0],
        `infer returned ${answer.returned} instead of 0.`,
        "The module itself reports a failure; see what it says of this code.",
      );
    }
    const { outputs, counts, layers } = answer;
    return { outputs, counts, layers };
  }

  /** Calls the module's `reset`. @throws Refusal as `infer` */
  async reset(): Promise<void> {
    await this.#ask({ type: "reset" });
  }

  /** Ends the worker. */
  async close(): Promise<void> {
    this.#closed = true;
    await this.#worker.terminate();
  }

  #post(request: RunnerRequest): void {
    this.#worker.postMessage(request);
  }

  async #ask(
    request: RunnerRequest,
    watchdogMilliseconds = this.#watchdogMilliseconds,
  ): Promise<RunnerAnswer> {
    if (this.#closed) throw new Refusal("trapped", [], "The module was stopped.");
    // Only a worker that somebody waits for keeps the process alive.
    this.#worker.ref();
    let watchdog: NodeJS.Timeout | undefined;
    const answer = await new Promise<RunnerAnswer | Error | "hung">((resolve) => {
      this.#settle = resolve;
      watchdog = setTimeout(() => resolve("hung"), watchdogMilliseconds);
      this.#post(request);
    });
    clearTimeout(watchdog);
    this.#settle = undefined;
    this.#worker.unref();
    if (answer === "hung") {
      await this.close();
      throw new Refusal(
        "out-of-time",
        [watchdogMilliseconds],
        `The module gave no answer for ${watchdogMilliseconds} ms of real time and was stopped.`,
        "Compile the model again; if it stays, the module does not end.",
      );
    }
    return this.#accept(answer);
  }

  #accept(answer: RunnerAnswer | Error): RunnerAnswer {
    if (answer instanceof Error)
      throw new Refusal("trapped", [], `The module took its worker down: ${answer.message}.`);
    switch (answer.type) {
      case "done":
      case "inferred":
        return answer;
      case "refused":
        throw new Refusal("load-failed", [], answer.text, "Compile the model again with this release.");
      case "trapped":
        throw new Refusal("trapped", [], `The module trapped: ${answer.text}.`, COMPILER_FAULT);
      case "ran-away":
        throw new Refusal(
          "out-of-time",
          [this.#manifest.opcodeBudget],
          `The module executed more than the ${this.#manifest.opcodeBudget} opcodes that its manifest allows.`,
          COMPILER_FAULT,
        );
      case "out-of-bounds":
        throw new Refusal(
          "out-of-bounds",
          answer.address === null ? [] : [answer.address],
          `The module reached above its ${this.#manifest.linearMemoryBytes} bytes of memory${answer.address === null ? "" : ` at ${answer.address}`}.`,
          COMPILER_FAULT,
        );
    }
  }
}

const COMPILER_FAULT =
  "This is a fault of the module or of its compiler: compile again, or report it with the model.";

function unexpected(answer: RunnerAnswer): Refusal {
  return new Refusal("trapped", [], `The worker answered ${answer.type} to an inference.`);
}
