/**
 * What a board's agent takes of its RAM for a module beside its linear memory, WAMR's part and its own record: block by
 * block, as WAMR 2.4.3 allocates them on a 32-bit target from the agent's pool (boards/agent/pool.c). Register code,
 * constants and stack frames follow WAMR's loader (fast_interpreter.ts). test/boards/model.test.ts holds it against
 * boards, which take just that.
 */
import { callGraph } from "./call_graph.js";
import { unsupported } from "./code_reader.js";
import type { CoreModule } from "./core_module.js";
import { type TranslatedFunction, translateFunction } from "./fast_interpreter.js";
import { cellsOf } from "./slot_stack.js";

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
 * `sizeof` of WAMR's structures. Loading needs about 1 KB more for a moment, before instance and linear memory exist:
 * that never decides.
 */
const moduleStructure = 200;
const typeStructure = 10;
const importStructure = 40;
const functionStructure = 56;
const memoryStructure = 16;
const globalStructure = 32;
const exportStructure = 12;
const dataStructure = 48;
const nameStructure = 8;
/** With its one memory, without globals. */
const instanceStructure = 352;
const instanceExtraStructure = 40;
const functionInstanceStructure = 32;
const globalInstanceStructure = 24;
const exportInstanceStructure = 8;
/** Without its operand stack. */
const environmentStructure = 64;
const pointer = 4;
/** The agent's `struct wamlet_loaded`, and what it keeps behind it for each input and each layer of a profiling build. */
const recordStructure = 328;
const inputBytes = 4;
const layerBytes = 8;
/** `offsetof(WASMInterpFrame, operand)` on a 32-bit target. */
const frameHeaderBytes = 20;
/** The frame from which the host calls: two cells for a result. */
const hostFrameBytes = frameHeaderBytes + 8;

/**
 * The RAM that a module takes beside linear memory.
 * @param module a decoded module that keeps the ABI
 * @param manifest how many inputs and layers its manifest names
 * @throws WamletError WAMLET_UNSUPPORTED_MODULE
 */
export function runtimeMemory(
  module: CoreModule,
  manifest: { readonly inputs: readonly unknown[]; readonly layers: number },
): RuntimeMemory {
  const functions = module.functions.map((body) => translateFunction(module, body));
  const stackBytes = round8(hostFrameBytes + deepestStack(module, functions));
  const followed = "computed: as WAMR allocates it, 32-bit target";
  const wamr = (name: string, bytes: number): RuntimeMemoryPart => ({
    owner: "WAMR",
    name,
    bytes,
    source: followed,
  });
  const record = recordStructure + inputBytes * manifest.inputs.length + layerBytes * manifest.layers;
  const parts: RuntimeMemoryPart[] = [
    wamr("module", moduleBytes(module)),
    wamr("functions", functionBytes(module)),
    wamr(
      "register code",
      sum(functions, ({ compiledBytes }) => block(compiledBytes)),
    ),
    wamr(
      "constants",
      sum(functions, ({ constantCells }) => block(4 * constantCells)),
    ),
    wamr("instance", instanceBytes(module)),
    wamr("execution environment", block(environmentStructure)),
    wamr("operand stack", stackBytes),
    { owner: "agent", name: "record", bytes: block(record), source: "computed: boards/agent, 32-bit target" },
  ];
  return { parts, totalBytes: parts.reduce((total, part) => total + part.bytes, 0), stackBytes };
}

function sum<Item>(items: Iterable<Item>, of: (item: Item) => number): number {
  let total = 0;
  for (const item of items) total += of(item);
  return total;
}

function round8(bytes: number): number {
  return Math.ceil(bytes / 8) * 8;
}

/** A block of the pool with its header; WAMR allocates none for nothing. */
function block(bytes: number): number {
  return bytes === 0 ? 0 : round8(bytes) + 8;
}

/** What loading leaves behind beside the functions. Equal types and equal names are kept once; data stays in flash. */
function moduleBytes({ types, imports, globals, exports, data, memory }: CoreModule): number {
  const distinct = new Map(types.map((type) => [`${type.parameters}:${type.results}`, type]));
  const names = new Set([...imports.flatMap(({ module, name }) => [module, name]), ...exports.map(nameOf)]);
  return (
    block(moduleStructure) +
    block(pointer * types.length) +
    sum(distinct.values(), ({ parameters, results }) =>
      block(typeStructure + parameters.length + results.length),
    ) +
    block(importStructure * imports.length) +
    block(memory === null ? 0 : memoryStructure) +
    block(globalStructure * globals.length) +
    block(exportStructure * exports.length) +
    sum(names, (name) => block(nameStructure + Buffer.byteLength(name) + 1)) +
    block(pointer * data.length) +
    data.length * block(dataStructure)
  );
}

function nameOf({ name }: { readonly name: string }): string {
  return name;
}

/** Each function with the types of its locals, and the offsets of parameters and locals. */
function functionBytes({ functions }: CoreModule): number {
  return (
    block(pointer * functions.length) +
    sum(
      functions,
      ({ type, locals }) =>
        block(functionStructure + locals.length) + block(2 * (type.parameters.length + locals.length)),
    )
  );
}

/** The instance, with the header of the block that is linear memory. */
function instanceBytes({ imports, functions, globals, exports }: CoreModule): number {
  const globalBytes = sum(globals, ({ type }) => 4 * cellsOf(type));
  return (
    block(round8(instanceStructure + globalBytes) + instanceExtraStructure) +
    block(pointer) +
    block(functionInstanceStructure * (imports.length + functions.length)) +
    block(pointer * imports.length) +
    block(globalInstanceStructure * globals.length) +
    block(exportInstanceStructure * exports.filter(({ kind }) => kind === "function").length) +
    8
  );
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
