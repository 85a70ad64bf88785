/**
 * The module ABI (docs/MODULE.md, chapter ABI): what a payload exports, what it may import and use, and how much
 * linear memory WAMR gives it. Checked before anything else is done with a module, on the host and by the writer.
 */
import { WamletError } from "../errors.js";
import { callGraph } from "./call_graph.js";
import { type CoreModule, type Global, readCoreModule } from "./core_module.js";
import { runtimeFeatures } from "./manifest.js";
import { code } from "./opcodes.js";
import { sectionId } from "./sections.js";
import { webAssembly } from "./webassembly.js";

/** Version of the exports and calling rules that this release writes and runs. */
export const abiVersion = 1;

/** Linear memory is a multiple of this, so that WAMR's rounding of its bounds never exceeds what it allocates. */
export const linearMemoryStep = 4096;

export interface AbiSummary {
  /** Bytes of linear memory that WAMR allocates: `__heap_base` rounded up to 8. */
  readonly linearMemoryBytes: number;
  /** Value of `__data_end`. */
  readonly dataEnd: number;
  /** Bits of `runtimeFeatures` that the payload needs. */
  readonly features: number;
  /** Imports `wamlet.layer`: a profiling build. */
  readonly layers: boolean;
  /** Exports `reset`. */
  readonly state: boolean;
  /** The passive segment's place in the payload and its length; null where there is none. */
  readonly weights: { readonly offset: number; readonly bytes: number } | null;
  /** Bytes of the code section's body. */
  readonly codeBytes: number;
  readonly module: CoreModule;
}

const functionExports: Readonly<Record<string, readonly string[]>> = { infer: ["i32"], reset: [] };
const globalExports = ["__heap_base", "__data_end"];

/**
 * Checks a payload against the module ABI.
 * @param payload WebAssembly bytes
 * @returns what the host needs to know of it
 * @throws WamletError WAMLET_INVALID_MODULE where it is no valid WebAssembly, WAMLET_UNSUPPORTED_MODULE where it
 *   breaks the ABI; the message names every breach
 */
export function checkAbi(payload: Uint8Array): AbiSummary {
  // First V8's validator: it stands every input, and what it accepts the walkers need not doubt.
  if (!webAssembly.validate(payload)) {
    throw new WamletError(
      "WAMLET_INVALID_MODULE",
      "The module is no valid WebAssembly.",
      "The file is damaged or something else; compile the model again with `wamlet compile`.",
    );
  }
  const module = readCoreModule(payload);
  const heapBase = constantGlobal(module, "__heap_base");
  const dataEnd = constantGlobal(module, "__data_end");
  const breaches = [
    ...sectionBreaches(module),
    ...importBreaches(module),
    ...exportBreaches(module),
    ...memoryBreaches(module, heapBase, dataEnd),
    ...opcodeBreaches(module),
  ];
  if (callGraph(module).calleesFirst === null) {
    breaches.push("its functions call each other in a circle, so that its stack has no bound");
  }
  if (breaches.length > 0) throw breachOfAbi(breaches);
  const segment = module.data[0];
  const codeSection = module.sections.find((section) => section.id === sectionId.code);
  return {
    linearMemoryBytes: Math.ceil((heapBase ?? 0) / 8) * 8,
    dataEnd: dataEnd ?? 0,
    features: requiredFeatures(module),
    layers: module.imports.length > 0,
    state: module.exports.some((item) => item.name === "reset"),
    weights: segment === undefined ? null : { offset: segment.offset, bytes: segment.bytes },
    codeBytes: codeSection?.body.length ?? 0,
    module,
  };
}

function breachOfAbi(breaches: readonly string[]): WamletError {
  const shown = breaches.slice(0, 8).join("; ");
  const more = breaches.length > 8 ? ` (and ${breaches.length - 8} more)` : "";
  return new WamletError(
    "WAMLET_UNSUPPORTED_MODULE",
    `The module breaks the Wamlet ABI: ${shown}${more}.`,
    "Build it with `wamlet compile`; docs/MODULE.md, chapter ABI, says what a module may use.",
  );
}

/** The value of an exported immutable i32.const global, null where it is anything else. */
function constantGlobal(module: CoreModule, name: string): number | null {
  const found = module.exports.find((item) => item.name === name && item.kind === "global");
  const global: Global | undefined = found && module.globals[found.index];
  return global === undefined || global.mutable ? null : global.i32;
}

function sectionBreaches(module: CoreModule): string[] {
  const forbidden: [number, string][] = [
    [sectionId.start, "it has a start function"],
    [sectionId.table, "it has a table"],
    [sectionId.element, "it has an element section"],
  ];
  const breaches = forbidden
    .filter(([id]) => module.sections.some((section) => section.id === id))
    .map(([, text]) => text);
  if (module.data.length > 1) breaches.push(`it has ${module.data.length} data segments where one may be`);
  if (module.data.some((segment) => !segment.passive)) breaches.push("it has an active data segment");
  // WAMR may take the first mutable i32 global at or below __heap_base for a stack pointer.
  if (module.globals.some((global) => global.mutable && global.type === "i32")) {
    breaches.push("it has a mutable i32 global, which WAMR can mistake for a stack pointer");
  }
  return breaches;
}

function importBreaches(module: CoreModule): string[] {
  return module.imports
    .filter((item, index) => !(isLayer(item) && index === 0))
    .map((item) => `it imports ${item.module}.${item.name}${isLayer(item) ? " twice" : ""}`);
}

function isLayer(item: CoreModule["imports"][number]): boolean {
  const { parameters, results } = item.type;
  return (
    item.module === "wamlet" &&
    item.name === "layer" &&
    results.length === 0 &&
    parameters.length === 1 &&
    parameters[0] === "i32"
  );
}

function exportBreaches(module: CoreModule): string[] {
  const breaches: string[] = [];
  const exported = new Map(module.exports.map((item) => [item.name, item]));
  for (const name of ["memory", ...globalExports, "infer"]) {
    if (!exported.has(name)) breaches.push(`it does not export ${name}`);
  }
  for (const { name, kind, index } of module.exports) {
    const results = functionExports[name];
    if (name === "memory") {
      if (kind !== "memory") breaches.push("its export memory is no memory");
    } else if (globalExports.includes(name)) {
      if (constantGlobal(module, name) === null) {
        breaches.push(`its export ${name} is no immutable global with an i32.const`);
      }
    } else if (results !== undefined && Object.hasOwn(functionExports, name)) {
      const type = kind === "function" ? functionType(module, index) : undefined;
      const fits = type && type.parameters.length === 0 && type.results.join() === results.join();
      if (!fits) breaches.push(`its export ${name} is no function () → ${results.join() || "()"}`);
    } else {
      breaches.push(`it exports ${name}`);
    }
  }
  return breaches;
}

function functionType(module: CoreModule, index: number) {
  return (module.imports[index] ?? module.functions[index - module.imports.length])?.type;
}

function memoryBreaches(module: CoreModule, heapBase: number | null, dataEnd: number | null): string[] {
  if (module.memory === null) return ["it has no memory of its own"];
  if (heapBase === null || dataEnd === null) return [];
  const breaches: string[] = [];
  if (heapBase <= 0 || heapBase % linearMemoryStep !== 0) {
    breaches.push(`its __heap_base ${heapBase} is no positive multiple of ${linearMemoryStep}`);
  }
  if (dataEnd < 0 || Math.ceil(dataEnd / 16) * 16 > heapBase) {
    breaches.push(`its __data_end ${dataEnd}, rounded up to 16, is beyond its __heap_base ${heapBase}`);
  }
  if (module.memory.minimum * 65536 < heapBase) {
    breaches.push(`its memory of ${module.memory.minimum} pages ends below its __heap_base ${heapBase}`);
  }
  return breaches;
}

/** Opcodes that validate and that Wamlet decodes but that no deployed module may use. */
const forbiddenOpcodes: ReadonlyMap<number, string> = new Map([
  [code.memoryGrow, "memory.grow, which keeps WAMR from shrinking the linear memory"],
  [code.memorySize, "memory.size, which keeps WAMR from shrinking the linear memory"],
  [code.callIndirect, "call_indirect"],
  [code.dataDrop, "data.drop, after which the weights would be gone"],
]);

function opcodeBreaches(module: CoreModule): string[] {
  const found = new Set<string>();
  for (const { instructions } of module.functions) {
    for (const { opcode } of instructions) {
      const text = forbiddenOpcodes.get(opcode.code);
      if (text !== undefined) found.add(`it uses ${text}`);
    }
  }
  return [...found];
}

function requiredFeatures(module: CoreModule): number {
  let features = 0;
  for (const { instructions } of module.functions) {
    for (const { opcode } of instructions) {
      if (opcode.extension !== "core") features |= runtimeFeatures[opcode.extension];
    }
  }
  if (module.data.length > 0) features |= runtimeFeatures.bulkMemory;
  if (module.imports.length > 0) features |= runtimeFeatures.layers;
  if (module.exports.some((item) => item.name === "reset")) features |= runtimeFeatures.state;
  return features;
}
