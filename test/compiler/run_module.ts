/** Runs a module's payload in V8 as a board would, and watches the memory above the plan. */
import type { WamletModule } from "../../host/module/layout.js";

interface Exports {
  readonly memory: { readonly buffer: ArrayBuffer };
  infer(): number;
  reset?(): void;
}

/** @types/node knows no WebAssembly namespace without the DOM's types. */
declare const WebAssembly: {
  readonly Module: new (bytes: Uint8Array) => object;
  readonly Instance: new (module: object, imports?: object) => { readonly exports: unknown };
};

export interface RunningModule {
  /** One inference. @param input the inputs' bytes, one after the other. @returns the outputs' */
  infer(input: Uint8Array): Uint8Array;
  reset(): void;
  /** Layers reported by a profiling build, in the order of their calls. */
  readonly layers: readonly number[];
}

/** @throws Error where the module writes above its plan or reports a failure */
export function startModule(module: WamletModule): RunningModule {
  const layers: number[] = [];
  const imports = { wamlet: { layer: (index: number) => layers.push(index) } };
  const instance = new WebAssembly.Instance(new WebAssembly.Module(module.payload), imports);
  const exports = instance.exports as Exports;
  const memory = new Uint8Array(exports.memory.buffer);
  const { planBytes } = module.description.memory;
  const canary = 0xa5;
  memory.fill(canary, planBytes);
  return {
    layers,
    infer(input) {
      let from = 0;
      for (const { offset, bytes } of module.manifest.inputs) {
        memory.set(input.subarray(from, from + bytes), offset);
        from += bytes;
      }
      const result = exports.infer();
      if (result !== 0) throw new Error(`infer() returned ${result}`);
      const hurt = memory.subarray(planBytes).findIndex((byte) => byte !== canary);
      if (hurt >= 0) throw new Error(`a kernel wrote ${hurt} bytes above the plan`);
      return Uint8Array.from(
        Buffer.concat(
          module.manifest.outputs.map(({ offset, bytes }) => memory.slice(offset, offset + bytes)),
        ),
      );
    },
    reset: () => exports.reset?.(),
  };
}
