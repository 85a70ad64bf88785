/** Builds modules that keep the ABI: from function bodies byte by byte, or from WebAssembly text. */
import binaryen from "binaryen";
import { ByteWriter } from "../../host/module/byte_writer.js";
import type { ValueType } from "../../host/module/opcodes.js";
import { sectionId, wasmHeader } from "../../host/module/sections.js";

export const valueByte: Readonly<Record<ValueType, number>> = { i32: 0x7f, i64: 0x7e, f32: 0x7d, f64: 0x7c };

export interface FunctionSource {
  readonly parameters: readonly ValueType[];
  readonly results: readonly ValueType[];
  readonly locals: readonly ValueType[];
  /** Instructions with the last `end`. */
  readonly code: Uint8Array;
}

export interface ModuleSource {
  /** The last one is exported as `infer`. */
  readonly functions: readonly FunctionSource[];
  readonly weights: Uint8Array;
  readonly heapBase: number;
  /** Import `wamlet.layer` as function 0. */
  readonly layer?: boolean;
}

/** A module with the exports of the ABI, a mutable i64 global 2 and one passive segment. */
export function buildModule(source: ModuleSource): Uint8Array {
  const { functions, weights, heapBase, layer = false } = source;
  const imports = layer ? 1 : 0;
  const writer = new ByteWriter().raw(wasmHeader);
  const types = new ByteWriter().u32(functions.length + imports);
  for (const { parameters, results } of functions) {
    types.u8(0x60).sized(Uint8Array.from(parameters, (type) => valueByte[type]));
    types.sized(Uint8Array.from(results, (type) => valueByte[type]));
  }
  if (layer) types.raw([0x60, 1, 0x7f, 0]);
  writer.section(sectionId.type, types.finish());
  if (layer) {
    const body = new ByteWriter().u32(1).name("wamlet").name("layer").u8(0).u32(functions.length);
    writer.section(sectionId.import, body.finish());
  }
  const declared = new ByteWriter().u32(functions.length);
  functions.forEach((_, index) => {
    declared.u32(index);
  });
  writer.section(sectionId.function, declared.finish());
  writer.section(sectionId.memory, Uint8Array.of(1, 1, 1, 1));
  const globals = new ByteWriter().u32(3);
  for (const value of [heapBase, heapBase - 16]) globals.raw([0x7f, 0, 0x41]).s64(BigInt(value)).u8(0x0b);
  globals.raw([0x7e, 1, 0x42, 7, 0x0b]);
  writer.section(sectionId.global, globals.finish());
  const exports = new ByteWriter().u32(4).name("memory").u8(2).u32(0);
  exports.name("__heap_base").u8(3).u32(0).name("__data_end").u8(3).u32(1);
  exports
    .name("infer")
    .u8(0)
    .u32(imports + functions.length - 1);
  writer.section(sectionId.export, exports.finish());
  writer.section(sectionId.dataCount, Uint8Array.of(1));
  const bodies = new ByteWriter().u32(functions.length);
  for (const { locals, code } of functions) {
    const body = new ByteWriter().u32(locals.length);
    for (const type of locals) body.u32(1).u8(valueByte[type]);
    bodies.sized(body.raw(code).finish());
  }
  writer.section(sectionId.code, bodies.finish());
  writer.section(sectionId.data, new ByteWriter().u32(1).u8(1).sized(weights).finish());
  return writer.finish();
}

const { Features } = binaryen;

/** Assembles WebAssembly text as it stands, without optimisation. */
export function assemble(text: string): Uint8Array {
  const module = binaryen.parseText(text);
  try {
    module.setFeatures(
      Features.MutableGlobals |
        Features.SignExt |
        Features.NontrappingFPToInt |
        Features.BulkMemory |
        Features.BulkMemoryOpt,
    );
    if (!module.validate()) throw new Error(`invalid text:\n${text}`);
    return module.emitBinary();
  } finally {
    module.dispose();
  }
}

/** A module of the ABI around functions in text; one of them must export `infer`. */
export function abiModule(functions: string, { heapBase = 4096, weights = "" } = {}): Uint8Array {
  return assemble(`(module
    (memory $memory (export "memory") 1 1)
    (global (export "__heap_base") i32 (i32.const ${heapBase}))
    (global (export "__data_end") i32 (i32.const ${heapBase}))
    ${weights === "" ? "" : `(data $weights "${weights}")`}
    ${functions})`);
}
