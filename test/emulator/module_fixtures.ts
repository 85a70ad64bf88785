/** Hand-made modules in WebAssembly text, as they are deployed. */
import { createHash } from "node:crypto";
import { checkAbi } from "../../host/module/abi.js";
import { layPayload } from "../../host/module/layout.js";
import type { Manifest } from "../../host/module/manifest.js";
import { encodeManifest } from "../../host/module/manifest_codec.js";
import { runtimeMemory } from "../../host/module/runtime_memory.js";
import { assemble } from "../module/build_module.js";

export interface TestModule {
  readonly payload: Uint8Array;
  readonly manifestBytes: Uint8Array;
  readonly manifest: Manifest;
}

export interface TestModuleOptions {
  readonly inputBytes?: number;
  readonly outputBytes?: number;
  readonly heapBase?: number;
  /** Text that has to stand before everything else. */
  readonly imports?: string;
  readonly manifest?: Partial<Manifest>;
}

/** For a profiling build: `(call $layer (i32.const 0))` after each layer. */
export const layerImport = '(import "wamlet" "layer" (func $layer (param i32)))';

/** Input at 0, output behind it. */
export function testModule(name: string, functions: string, options: TestModuleOptions = {}): TestModule {
  const { inputBytes = 4, outputBytes = 4, heapBase = 4096, imports = "" } = options;
  const payload = layPayload(
    assemble(`(module ${imports}
      (memory (export "memory") ${Math.ceil(heapBase / 65536)} ${Math.ceil(heapBase / 65536)})
      (global (export "__heap_base") i32 (i32.const ${heapBase}))
      (global (export "__data_end") i32 (i32.const ${heapBase}))
      ${functions})`),
  );
  const abi = checkAbi(payload);
  const manifest: Manifest = {
    kind: "wasm",
    abi: 1,
    name,
    version: "1",
    payloadBytes: payload.length,
    payloadSha256: new Uint8Array(createHash("sha256").update(payload).digest()),
    linearMemoryBytes: abi.linearMemoryBytes,
    runtimeBytes: runtimeMemory(abi.module, { inputs: [{}], layers: options.manifest?.layers ?? 0 })
      .totalBytes,
    inputs: [{ offset: 0, bytes: inputBytes }],
    outputs: [{ offset: inputBytes, bytes: outputBytes }],
    features: abi.features,
    opcodeBudget: 10_000_000,
    layers: 0,
    ...options.manifest,
  };
  return { payload, manifest, manifestBytes: encodeManifest(manifest) };
}

/** Adds 1 to each byte of the input. */
export function incrementModule(name: string, bytes: number, options: TestModuleOptions = {}): TestModule {
  const infer = `(func (export "infer") (result i32) (local $i i32)
    (loop $next
      (i32.store8 (i32.add (local.get $i) (i32.const ${bytes}))
        (i32.add (i32.load8_u (local.get $i)) (i32.const 1)))
      (br_if $next (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 1))) (i32.const ${bytes}))))
    (i32.const 0))`;
  return testModule(name, infer, { inputBytes: bytes, outputBytes: bytes, ...options });
}

/** Counts down from a number, then answers its input: as much compute as one likes. */
export function busyModule(name: string, rounds: number, options: TestModuleOptions = {}): TestModule {
  const infer = `(func (export "infer") (result i32) (local $i i32)
    (local.set $i (i32.const ${rounds}))
    (loop $next (br_if $next (local.tee $i (i32.sub (local.get $i) (i32.const 1)))))
    (i32.store (i32.const ${options.inputBytes ?? 4}) (i32.load (i32.const 0)))
    (i32.const 0))`;
  return testModule(name, infer, { manifest: { opcodeBudget: rounds * 8 + 1000 }, ...options });
}
