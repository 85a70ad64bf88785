/**
 * Damaged models through the whole compiler: refused with a reason, or compiled into a module that keeps within its
 * memory, whatever is fed to it. One model of every operator, so that every operator's checks are tried.
 */
import { beforeAll, describe, expect, it } from "vitest";
import { compile } from "../../host/compiler/compile.js";
import { WamletError } from "../../host/errors.js";
import { webAssembly } from "../../host/module/webassembly.js";
import { altered, type Below, mutated, patience, rounds, seeded } from "../fuzz/mutations.js";
import { endure, expectEndured } from "../fuzz/survival.js";
import { buildModel } from "../model/model_builder.js";
import { randomModel, randomOperators } from "../reference/random_graph.js";
import { type RunningModule, startModule } from "./run_module.js";

/** Models that only the checks, the choice of kernels and the plan see, of each operator. */
const planned = Math.ceil(rounds / 10);
/** Models that are compiled and run, of each operator: each takes a thousand times as long. */
const compiled = Math.ceil(rounds / 2000);

const aborted = AbortSignal.abort();

/** Everything up to the assembler, which does not begin. */
async function plan(model: Uint8Array): Promise<void> {
  try {
    await compile(model, { signal: aborted });
  } catch (error) {
    if (!(error instanceof WamletError && error.code === "WAMLET_INTERRUPTED")) throw error;
  }
}

/** Above this a model is compiled and not run: V8 would take minutes over it, and no board has it. */
const mostMemory = 1 << 24;
const mostOpcodes = 1e8;

/** GATHER ends an inference itself where a computed index lies outside; no other trap is allowed. */
function inferAnything(running: RunningModule, input: Uint8Array): void {
  try {
    running.infer(input);
  } catch (error) {
    if (!(error instanceof webAssembly.RuntimeError && error.message === "unreachable")) throw error;
  }
}

/** Compiles and runs a model on any bytes. */
async function run(model: Uint8Array, below: Below): Promise<void> {
  const module = await compile(model);
  const { linearMemoryBytes, opcodeBudget, inputs } = module.manifest;
  if (linearMemoryBytes > mostMemory || opcodeBudget > mostOpcodes) return;
  const running = startModule(module);
  running.reset();
  const bytes = inputs.reduce((sum, place) => sum + place.bytes, 0);
  for (let inference = 0; inference < 2; inference++) {
    inferAnything(
      running,
      Uint8Array.from({ length: bytes }, () => below(256)),
    );
  }
}

// The first compilations start a worker and warm its code up: that is not the models' time.
beforeAll(async () => {
  for (const seed of [0, 1]) await compile(randomModel("CONV_2D", seed).bytes);
});

describe.each(randomOperators)("the compiler of damaged models of %s", (operator) => {
  const models = Array.from({ length: 4 }, (_, seed) => randomModel(operator, seed).bytes);
  // Changed in place twice out of three times: other damage seldom leaves a model.
  const damaged = (round: number, below: Below) =>
    (round % 3 === 0 ? mutated : altered)(models[round % models.length] as Uint8Array, below);

  it(
    `refuses or plans ${planned} of them`,
    async () => {
      const below = seeded(31);
      const tally = await endure(planned, (round) => plan(damaged(round, below)));
      expectEndured(tally);
      expect(tally.refused).toBeGreaterThan(0);
    },
    patience(planned),
  );

  it(
    `refuses or compiles and runs ${compiled} of them`,
    async () => {
      const below = seeded(32);
      expectEndured(await endure(compiled, (round) => run(damaged(round, below), below)));
    },
    patience(compiled * 100),
  );
});

describe("the compiler of a damaged model", () => {
  it.each([
    ["RELU", {}],
    ["LEAKY_RELU", { alpha: 0.1 }],
    ["ABS", {}],
    ["QUANTIZE", {}],
  ])("refuses scales of %s that are too far apart for any multiplier", async (name, options) => {
    const tensor = (scale: number) => ({
      type: "int8" as const,
      shape: [1, 4],
      quantisation: { scales: [scale], zeroPoints: [0] },
    });
    for (const [from, to] of [
      [1e30, 1e-30],
      [1, 1e-12],
    ] as const) {
      const model = buildModel({
        tensors: [tensor(from), tensor(to)],
        operators: [{ name, inputs: [0], outputs: [1], options }],
        inputs: [0],
        outputs: [1],
      });
      await expect(compile(model)).rejects.toMatchObject({
        code: "WAMLET_INVALID_MODEL",
        message: expect.stringContaining("too far apart"),
      });
    }
  });

  it("refuses tensors that no linear memory holds, by their bytes", async () => {
    const tensor = {
      type: "int8" as const,
      shape: [30_000, 60_000],
      quantisation: { scales: [1], zeroPoints: [0] },
    };
    const model = buildModel({
      tensors: [tensor, tensor, tensor],
      operators: [
        { name: "RELU", inputs: [0], outputs: [1], options: {} },
        { name: "ADD", inputs: [0, 1], outputs: [2], options: {} },
      ],
      inputs: [0],
      outputs: [2],
    });
    await expect(compile(model)).rejects.toMatchObject({
      code: "WAMLET_DOES_NOT_FIT",
      message: expect.stringContaining("3600003072 bytes"),
    });
  });
});
