/** A small complete module: four weights, one input, one output. */
import type { ModelDescription, TensorDescription } from "../../host/module/description.js";
import { type ManifestFields, writeModule } from "../../host/module/layout.js";
import { abiModule } from "./build_module.js";

const tensor = (name: string, offset: number, bytes: number): TensorDescription => ({
  name,
  type: "int8",
  shape: [1, bytes],
  scale: 0.5,
  zeroPoint: -128,
  offset,
  bytes,
});

export const exampleFields: ManifestFields = {
  name: "example",
  version: "1.0.0",
  inputs: [{ offset: 64, bytes: 16 }],
  outputs: [{ offset: 128, bytes: 4 }],
  opcodeBudget: 10_000,
  layers: 0,
};

export const exampleDescription: ModelDescription = {
  format: 1,
  name: "example",
  source: { sha256: "00".repeat(32), bytes: 1234, description: "écrit à la main" },
  tools: { wamlet: "0.1.0" },
  board: null,
  inputs: [tensor("input", 64, 16)],
  outputs: [tensor("output", 128, 4)],
  labels: ["zero", "one", "two", "three"],
  layers: [
    {
      index: 0,
      operator: "FULLY_CONNECTED",
      name: "output",
      kernel: "fully_connected_plain",
      outputShape: [1, 4],
      macs: 64,
      parameters: 64,
      opcodes: 900.5,
      bytesMoved: 4,
    },
  ],
  memory: {
    planBytes: 132,
    linearMemoryBytes: 4096,
    lowerBoundBytes: 132,
    greedyBytes: 132,
    buffers: [{ name: "input", kind: "input", offset: 64, bytes: 16, first: -1, last: 0 }],
  },
};

/** Core WebAssembly as a toolchain would emit it; `weights` bytes of weights. */
export function exampleWasm(weights = 4): Uint8Array {
  return abiModule(
    `(func (export "infer") (result i32) (local $i i32)
      (memory.init $weights (i32.const 0) (i32.const 0) (i32.const ${weights}))
      (loop $again
        (i32.store8 offset=128 (local.get $i)
          (i32.mul (i32.load8_s (local.get $i)) (i32.load8_s offset=64 (local.get $i))))
        (br_if $again (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 1))) (i32.const 4))))
      (i32.const 0))`,
    { weights: "w".repeat(weights) },
  );
}

/** The module file of the example. */
export function exampleModule(): Uint8Array {
  return writeModule(exampleWasm(), exampleDescription, exampleFields);
}
