/** The desk side of assembling: one worker that stays warm between compilations and ends with the process. */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { Worker } from "node:worker_threads";
import { WamletError } from "../errors.js";
import { packagePath } from "../package_root.js";
import { workerUrl } from "../worker_url.js";
import type { AssembleRequest } from "./assemble_module.js";
import type { AssembleReply } from "./assemble_worker.js";

/** What a compilation adds to the kernels. */
export interface Assembly {
  /** `module.ts` and generated kernels, by path. */
  readonly sources: Readonly<Record<string, string>>;
  readonly weights: Uint8Array;
  readonly linearMemoryBytes: number;
}

let worker: Worker | null = null;
/** The end of the queue: requests go to the worker one after the other. */
let queue: Promise<unknown> = Promise.resolve();

/** All sources of a module: the kernels of this package, and its own. */
export function moduleSources(own: Readonly<Record<string, string>>): Record<string, string> {
  const root = packagePath("assembly");
  const sources: Record<string, string> = {};
  for (const name of readdirSync(root, { recursive: true, encoding: "utf8" }).sort()) {
    if (name.endsWith(".ts")) sources[name.replaceAll("\\", "/")] = readFileSync(join(root, name), "utf8");
  }
  return { ...sources, ...own };
}

/**
 * Compiles the sources to a core WebAssembly module.
 * @throws WamletError WAMLET_COMPILER_FAILED: a fault of ours, never of the model
 */
export function assemble(assembly: Assembly, signal?: AbortSignal): Promise<Uint8Array> {
  if (signal?.aborted) return Promise.reject(interrupted());
  const { options } = JSON.parse(readFileSync(packagePath("asconfig.json"), "utf8")) as {
    options: Record<string, unknown>;
  };
  const request: AssembleRequest = {
    sources: moduleSources(assembly.sources),
    options,
    weights: assembly.weights,
    linearMemoryBytes: assembly.linearMemoryBytes,
  };
  const answer = queue.then(() => ask(request, signal));
  queue = answer.catch(() => undefined);
  return answer;
}

function ask(request: AssembleRequest, signal: AbortSignal | undefined): Promise<Uint8Array> {
  worker ??= new Worker(workerUrl("compiler/assemble_worker"), { stdout: true, stderr: true });
  const current = worker;
  current.ref();
  return new Promise((resolve, reject) => {
    const settle = (act: () => void) => {
      current.off("message", onMessage);
      current.off("error", onEnd);
      current.off("exit", onEnd);
      signal?.removeEventListener("abort", onAbort);
      current.unref();
      act();
    };
    const onMessage = (reply: AssembleReply) =>
      settle(() => ("binary" in reply ? resolve(reply.binary) : reject(failed(reply.failure))));
    const onEnd = (reason: unknown) =>
      settle(() => {
        // asc ends its thread on an internal crash; the next request gets a new one.
        worker = null;
        reject(
          failed(
            reason instanceof Error ? reason.message : `the compiler's thread ended (${String(reason)})`,
          ),
        );
      });
    const onAbort = () =>
      settle(() => {
        worker = null;
        void current.terminate();
        reject(interrupted());
      });
    current.on("message", onMessage);
    current.on("error", onEnd);
    current.on("exit", onEnd);
    if (signal?.aborted) onAbort();
    else {
      signal?.addEventListener("abort", onAbort, { once: true });
      current.postMessage(request);
    }
  });
}

function interrupted(): WamletError {
  return new WamletError("WAMLET_INTERRUPTED", "Compiling was interrupted.", "Nothing was written.");
}

function failed(what: string): WamletError {
  return new WamletError(
    "WAMLET_COMPILER_FAILED",
    `The generated code did not compile: ${what}`,
    "This is a fault in Wamlet: please report it with the model; `--emit-source DIR` keeps the generated code.",
  );
}
