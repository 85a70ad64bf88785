/**
 * The C reference of a model as a Wamlet module: what somebody gets who compiles plain C with `clang -O3` for wasm32
 * and runs it under the same agent. Code stays as clang made it. Only what surrounds it changes, because a module of
 * Wamlet's has no active data segments: they become one passive segment that `reset` copies to where clang put them.
 */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import binaryen from "binaryen";
import type { Graph, Tensor } from "../../host/model/graph.js";
import { linearMemoryStep } from "../../host/module/abi.js";
import type { ModelDescription, TensorDescription } from "../../host/module/description.js";
import { readModule, type WamletModule, writeModule } from "../../host/module/layout.js";
import { packagePath } from "../../host/package_root.js";
import type { CModel } from "./c_source.js";
import { exists, run } from "./tools.js";

/** Why there is no clang-wasm, or null. */
export function clangMissing(): string | null {
  const missing = ["clang", "wasm-ld"].filter((command) => !exists(command));
  return missing.length === 0 ? null : `${missing.join(" and ")} missing: apt-get install clang lld`;
}

const flags = [
  "--target=wasm32",
  "-std=gnu11",
  "-O3",
  "-mbulk-memory",
  "-msign-ext",
  "-mnontrapping-fptoint",
];
const linking = ["--no-entry", "--stack-first", "-z,stack-size=16", "--export=infer", "--export=arena"];

/** @param macs of each layer */
export async function clangModule(
  graph: Graph,
  model: CModel,
  macs: readonly number[],
  profile: boolean,
): Promise<WamletModule> {
  const linked = await compileC(model, profile);
  const { wasm, linearMemoryBytes, arena } = finish(linked, model);
  const inputs = graph.inputs.map((tensor, index) => describe(tensor, arena + (model.inputs[index] ?? 0)));
  const outputs = graph.outputs.map((tensor, index) => describe(tensor, arena + (model.outputs[index] ?? 0)));
  const description: ModelDescription = {
    format: 1,
    name: "bench-clang",
    source: { sha256: graph.sourceSha256, bytes: graph.sourceBytes, description: graph.description },
    tools: { clang: "test/bench/clang_wasm.ts" },
    board: null,
    inputs,
    outputs,
    labels: [],
    layers: graph.operators.map(({ index, name, outputs }) => ({
      index,
      operator: name,
      name: outputs[0]?.name ?? "",
      kernel: "c",
      outputShape: outputs[0]?.shape ?? [],
      macs: macs[index] ?? 0,
      parameters: 0,
      opcodes: 0,
      bytesMoved: 0,
    })),
    memory: {
      planBytes: linearMemoryBytes,
      linearMemoryBytes,
      lowerBoundBytes: 0,
      greedyBytes: 0,
      buffers: [],
    },
  };
  const places = (tensors: readonly TensorDescription[]) =>
    tensors.map(({ offset, bytes }) => ({ offset, bytes }));
  return readModule(
    writeModule(wasm, description, {
      name: description.name,
      version: "",
      inputs: places(inputs),
      outputs: places(outputs),
      // Only so that a real runaway ends: plain C takes up to thirty opcodes for a MAC or an element.
      opcodeBudget: 10_000_000 + 60 * (sum(macs) + sum(graph.tensors.map(({ elements }) => elements))),
      layers: profile ? graph.operators.length : 0,
    }),
  );
}

async function compileC({ source }: CModel, profile: boolean): Promise<Uint8Array> {
  const folder = mkdtempSync(join(tmpdir(), "wamlet-clang-"));
  try {
    const [file, output] = [join(folder, "model.c"), join(folder, "model.wasm")];
    writeFileSync(file, source);
    const layers = profile ? ["-DBENCH_LAYERS"] : [];
    const include = `-I${packagePath("test", "bench", "reference")}`;
    const words = [...flags, ...layers, include, "-nostdlib", ...linking.map((word) => `-Wl,${word}`)];
    await run("clang", [...words, file, "-o", output]);
    return await readFile(output);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** binaryen.d.ts leaves these out or types them otherwise; they exist at run time. */
interface Internals {
  getNumDataSegments(): number;
  getDataSegmentByIndex(index: number): number;
  getDataSegmentInfo(segment: number): { readonly offset: number; readonly data: ArrayBuffer };
  setMemory(
    initial: number,
    maximum: number,
    exportName: string,
    segments: readonly { name: string; offset: number; data: Uint8Array; passive: boolean }[],
  ): void;
}

function finish(bytes: Uint8Array, { arenaBytes }: CModel) {
  const module = binaryen.readBinary(bytes);
  try {
    const { Features, i32 } = binaryen;
    module.setFeatures(
      Features.MutableGlobals |
        Features.SignExt |
        Features.NontrappingFPToInt |
        Features.BulkMemory |
        Features.BulkMemoryOpt,
    );
    const internals = module as unknown as Internals;
    const arena = exportedConstant(module, "arena");
    const segments = Array.from({ length: internals.getNumDataSegments() }, (_, index) => {
      const { offset, data } = internals.getDataSegmentInfo(internals.getDataSegmentByIndex(index));
      return { offset, data: new Uint8Array(data) };
    });
    // A model so small that clang made numbers in the code of it all has none.
    const start = segments.length === 0 ? 0 : Math.min(...segments.map(({ offset }) => offset));
    const end = Math.max(start, ...segments.map(({ offset, data }) => offset + data.length));
    const weights = new Uint8Array(end - start);
    for (const { offset, data } of segments) weights.set(data, offset - start);
    const step = linearMemoryStep;
    const linearMemoryBytes = Math.ceil(Math.max(end, arena + arenaBytes) / step) * step;
    const pages = Math.ceil(linearMemoryBytes / 65536);
    for (const name of ["memory", "arena"]) module.removeExport(name);
    const passive = { name: "weights", offset: 0, data: weights, passive: true };
    internals.setMemory(pages, pages, "memory", weights.length > 0 ? [passive] : []);
    for (const name of ["__heap_base", "__data_end"]) {
      module.addGlobal(`wamlet ${name}`, i32, false, module.i32.const(linearMemoryBytes));
      module.addGlobalExport(`wamlet ${name}`, name);
    }
    if (weights.length > 0) addReset(module, start, weights.length);
    module.runPasses(["remove-unused-module-elements"]);
    if (!module.validate()) throw new Error("Binaryen refuses what clang made");
    return { wasm: module.emitBinary(), linearMemoryBytes, arena };
  } finally {
    module.dispose();
  }
}

/** `reset` copies the constants to where clang put them, as instantiation does with an active segment. */
function addReset(module: binaryen.Module, start: number, bytes: number): void {
  const { none } = binaryen;
  const [to, from, length] = [start, 0, bytes].map((value) => module.i32.const(value));
  const memory = module.memory as unknown as {
    init(name: string, d?: number, o?: number, l?: number): number;
  };
  module.addFunction("wamlet reset", none, none, [], memory.init("weights", to, from, length));
  module.addFunctionExport("wamlet reset", "reset");
}

/** The address of a symbol that wasm-ld exported. */
function exportedConstant(module: binaryen.Module, name: string): number {
  const global = binaryen.getExportInfo(module.getExport(name)).value;
  const { init } = binaryen.getGlobalInfo(module.getGlobal(global));
  return Number((binaryen.getExpressionInfo(init) as { readonly value?: unknown }).value);
}

function describe(tensor: Tensor, offset: number): TensorDescription {
  return {
    name: tensor.name,
    type: tensor.type,
    shape: tensor.shape,
    scale: tensor.quantisation?.scales[0] ?? null,
    zeroPoint: tensor.quantisation?.zeroPoints[0] ?? null,
    offset,
    bytes: tensor.bytes,
  };
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
