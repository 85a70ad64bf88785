/**
 * The worker that runs a module: the entry point of a thread, started by module_runner.ts from the built package.
 * It answers requests of runner_messages.ts one by one; a module that hangs hangs only this thread.
 */
import { parentPort } from "node:worker_threads";
import { WamletError } from "../errors.js";
import { GuardedInstance, type InferenceReport } from "./guarded_instance.js";
import type { RunnerAnswer, RunnerRequest } from "./runner_messages.js";

let instance: GuardedInstance | undefined;

function answer(request: RunnerRequest): RunnerAnswer | undefined {
  if (request.type === "load") {
    try {
      instance = new GuardedInstance(request);
      return { type: "done" };
    } catch (error) {
      return { type: "refused", text: error instanceof WamletError ? error.message : String(error) };
    }
  }
  if (instance === undefined) return { type: "refused", text: "No module is loaded." };
  switch (request.type) {
    case "write":
      instance.write(request.offset, request.bytes);
      return undefined;
    case "infer": {
      const report: InferenceReport = instance.infer();
      if (report.type !== "ran") return report;
      const outputs = request.outputs.map(({ offset, bytes }) =>
        (instance as GuardedInstance).read(offset, bytes),
      );
      return {
        type: "inferred",
        returned: report.returned,
        outputs,
        counts: report.counts,
        layers: report.layers,
      };
    }
    case "reset": {
      const report = instance.reset();
      return report.type === "ran" ? { type: "done" } : report;
    }
  }
}

parentPort?.on("message", (request: RunnerRequest) => {
  const reply = answer(request);
  if (reply !== undefined) parentPort?.postMessage(reply);
});
