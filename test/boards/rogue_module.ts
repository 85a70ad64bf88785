/** Modules that break the ABI, as no compiler of ours makes them: a board has to notice by itself. */
import { createHash } from "node:crypto";
import type { Manifest } from "../../host/module/manifest.js";
import { encodeManifest } from "../../host/module/manifest_codec.js";
import type { TestModule } from "../emulator/module_fixtures.js";
import { assemble } from "../module/build_module.js";

/** Input at 0, output at 4; `imports` stands before everything else. */
export function rogueModule(name: string, functions: string, heapBase = 4096, imports = ""): TestModule {
  const payload = assemble(`(module ${imports}
    (memory (export "memory") 1 1)
    (global (export "__heap_base") i32 (i32.const ${heapBase}))
    (global (export "__data_end") i32 (i32.const 16))
    ${functions})`);
  const manifest: Manifest = {
    kind: "wasm",
    abi: 1,
    name,
    version: "1",
    payloadBytes: payload.length,
    payloadSha256: new Uint8Array(createHash("sha256").update(payload).digest()),
    linearMemoryBytes: heapBase,
    runtimeBytes: 4096,
    inputs: [{ offset: 0, bytes: 4 }],
    outputs: [{ offset: 4, bytes: 4 }],
    features: 0,
    opcodeBudget: 1_000_000,
    layers: 0,
  };
  return { payload, manifest, manifestBytes: encodeManifest(manifest) };
}
