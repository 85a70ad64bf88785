/** The two places where a module can be tried: a worker of this process, or a board. */
import type { BoardSession } from "../board/board_session.js";
import { ModuleRunner } from "../emulator/module_runner.js";
import { WamletError } from "../errors.js";
import type { WamletModule } from "../module/layout.js";
import { runtimeFeatures } from "../module/manifest.js";
import type { Executor } from "./validate.js";

/** Cuts the inputs' bytes into tensors. @throws WamletError WAMLET_WRONG_SHAPE */
export function splitInputs(module: WamletModule, input: Uint8Array): Uint8Array[] {
  const { inputs } = module.description;
  const expected = inputs.reduce((sum, { bytes }) => sum + bytes, 0);
  if (input.length !== expected) {
    const shapes = inputs.map(({ type, shape }) => `${type} [${shape.join(",")}]`).join(" and ");
    throw new WamletError(
      "WAMLET_WRONG_SHAPE",
      `A frame has ${input.length} bytes where ${expected} are expected: ${shapes}.`,
      "Give the raw little-endian bytes of all inputs, one after the other.",
    );
  }
  let from = 0;
  return inputs.map(({ bytes }) => {
    const part = input.subarray(from, from + bytes);
    from += bytes;
    return part;
  });
}

const hasState = (module: WamletModule) => (module.manifest.features & runtimeFeatures.state) !== 0;

/** Runs a module in a worker of V8, with the virtual board's own guards. */
export async function executeHere(module: WamletModule): Promise<Executor> {
  const runner = await ModuleRunner.load(module.payload, module.manifest);
  return {
    async infer(input) {
      splitInputs(module, input).forEach((bytes, index) => {
        runner.write(module.description.inputs[index]?.offset ?? 0, bytes);
      });
      return Uint8Array.from(Buffer.concat((await runner.infer()).outputs));
    },
    async reset() {
      if (hasState(module)) await runner.reset();
    },
    close: () => runner.close(),
  };
}

/** Deploys a module to a board and runs it there; it is removed again at the end. */
export async function executeOnBoard(session: BoardSession, module: WamletModule): Promise<Executor> {
  const { manifest, manifestBytes, payload } = module;
  await session.deploy({ payload, manifestBytes, manifest }, { activate: false });
  const loaded = await session.load(manifest.name);
  return {
    async infer(input) {
      const answer = await loaded.infer(splitInputs(module, input));
      return Uint8Array.from(Buffer.concat(answer.outputs));
    },
    async reset() {
      if (hasState(module)) await loaded.resetState();
    },
    async close() {
      await loaded.unload();
      await session.remove(manifest.name);
    },
  };
}
