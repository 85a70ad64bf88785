/** The worker that assembles modules: one request, one answer, in order. */
import { parentPort } from "node:worker_threads";
import { type AssembleRequest, assembleModule } from "./assemble_module.js";

/** What comes back: bytes, or what went wrong. */
export type AssembleReply = { readonly binary: Uint8Array } | { readonly failure: string };

parentPort?.on("message", (request: AssembleRequest) => {
  assembleModule(request).then(
    (binary) => parentPort?.postMessage({ binary } satisfies AssembleReply),
    // Binaryen throws things that are no Errors.
    (error: unknown) =>
      parentPort?.postMessage({
        failure: error instanceof Error ? error.message : String(error),
      } satisfies AssembleReply),
  );
});
