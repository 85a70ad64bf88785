/**
 * What a board's agent takes of its RAM for a module beside its linear memory, WAMR's part and its own record: a model,
 * part by part. Register code, constants and stack frames follow WAMR's loader exactly (fast_interpreter.ts); the fixed
 * parts were measured, with WAMR 2.4.3 on 32-bit targets. test/boards/model.test.ts holds it against boards.
 */
import { callGraph } from "./call_graph.js";
import { unsupported } from "./code_reader.js";
import type { CoreModule, ModuleFunction } from "./core_module.js";
import { type TranslatedFunction, translateFunction } from "./fast_interpreter.js";

export interface RuntimeMemoryPart {
  readonly owner: "WAMR" | "agent";
  readonly name: string;
  readonly bytes: number;
  /** Where the figure comes from. */
  readonly source: string;
}

export interface RuntimeMemory {
  readonly parts: readonly RuntimeMemoryPart[];
  readonly totalBytes: number;
  /** The operand stack's share: what an agent passes to `wasm_runtime_create_exec_env`. */
  readonly stackBytes: number;
}

/**
 * Fixed parts, bytes: what the pool lost at each step of a load, headers of its blocks included. Loading needs about
 * 1 KB more for a moment, before instance and linear memory exist: that never decides.
 */
const loadBytes = 608;
const functionBytes = 120;
/** Type and offset of each parameter and local. */
const localBytes = 3;
const instanceBytes = 512;
const functionInstanceBytes = 32;
/** An import: what linking it takes, and its place in the instance. */
const importBytes = 176;
const executionBytes = 72;
/** The agent's `struct wamlet_loaded`, and what it keeps for each input and each layer of a profiling build. */
const recordBytes = 336;
const inputBytes = 4;
const layerBytes = 8;
/** `offsetof(WASMInterpFrame, operand)` on a 32-bit target. */
const frameHeaderBytes = 20;
/** The frame from which the host calls: two cells for a result. */
const hostFrameBytes = frameHeaderBytes + 8;

/**
 * Models the RAM that a module takes beside linear memory.
 * @param module a decoded module that keeps the ABI
 * @param manifest how many inputs and layers its manifest names
 * @throws WamletError WAMLET_UNSUPPORTED_MODULE
 */
export function runtimeMemory(
  module: CoreModule,
  manifest: { readonly inputs: readonly unknown[]; readonly layers: number },
): RuntimeMemory {
  const functions = module.functions.map((body) => translateFunction(module, body));
  const sum = (of: (translated: TranslatedFunction) => number) =>
    functions.reduce((total, translated) => total + of(translated), 0);
  const round8 = (bytes: number) => Math.ceil(bytes / 8) * 8;
  const stackBytes = round8(hostFrameBytes + deepestStack(module, functions));
  const measured = "measured: WAMR 2.4.3 on Cortex-M4 and rv32";
  const followed = "computed as WAMR's loader does, 32-bit target";
  const wamr = (name: string, bytes: number, source: string): RuntimeMemoryPart => ({
    owner: "WAMR",
    name,
    bytes,
    source,
  });
  const parts: RuntimeMemoryPart[] = [
    wamr("module", loadBytes, measured),
    wamr("functions", functionBytes * functions.length, measured),
    wamr("imports", importBytes * module.imports.length, measured),
    wamr(
      "register code",
      sum((translated) => round8(translated.compiledBytes)),
      followed,
    ),
    wamr(
      "constants",
      sum((translated) => round8(translated.constantCells * 4)),
      followed,
    ),
    wamr(
      "locals",
      localBytes * module.functions.reduce(localsOf, 0),
      "WASMFunction.local_types and local_offsets of WAMR",
    ),
    wamr("instance", instanceBytes + functionInstanceBytes * functions.length, measured),
    wamr("execution environment", executionBytes, measured),
    wamr("operand stack", stackBytes, followed),
    {
      owner: "agent",
      name: "record",
      bytes: round8(recordBytes + inputBytes * manifest.inputs.length + layerBytes * manifest.layers),
      source: "measured: boards/agent on Cortex-M4 and rv32",
    },
  ];
  return { parts, totalBytes: parts.reduce((total, part) => total + part.bytes, 0), stackBytes };
}

function localsOf(sum: number, { type, locals }: ModuleFunction): number {
  return sum + type.parameters.length + locals.length;
}

/**
 * Bytes of operand stack above the host's frame on the deepest way of calls. Allocating a frame, WAMR asks for twice
 * its size to be free (wasm_exec_env_alloc_wasm_frame), which leaves room for a callee's arguments, too.
 */
function deepestStack(module: CoreModule, functions: readonly TranslatedFunction[]): number {
  const { callees, calleesFirst } = callGraph(module);
  if (calleesFirst === null) throw unsupported("functions that call each other in a circle");
  const needed = new Array<number>(functions.length).fill(0);
  for (const index of calleesFirst) {
    const { constantCells, localCells, stackCells } = functions[index] as TranslatedFunction;
    const frame = frameHeaderBytes + 4 * (constantCells + localCells + stackCells);
    let deepest = 2 * frame;
    for (const callee of callees[index] ?? []) deepest = Math.max(deepest, frame + (needed[callee] ?? 0));
    needed[index] = deepest;
  }
  const roots = module.exports.filter((item) => item.kind === "function");
  return Math.max(0, ...roots.map((root) => needed[root.index - module.imports.length] ?? 0));
}
