/**
 * From AssemblyScript to the final WebAssembly: asc compiles the sources, then Binaryen puts in what
 * AssemblyScript cannot say (one passive segment, a memory exactly as large as the plan) and cleans up.
 * Runs in a worker only (`assemble_worker.ts`): asc ends the process on an internal crash, and loading both
 * compilers takes half a second.
 */
import asc from "assemblyscript/asc";
import binaryen from "binaryen";

/** All that makes a module; plain data, as it crosses to the worker. */
export interface AssembleRequest {
  /** Path → text; the entry is `module.ts`. */
  readonly sources: Readonly<Record<string, string>>;
  /** `options` of asconfig.json: the only place for asc's flags. */
  readonly options: Readonly<Record<string, unknown>>;
  /** The passive segment; may be empty. */
  readonly weights: Uint8Array;
  readonly linearMemoryBytes: number;
}

/** binaryen.d.ts leaves these out; they exist at run time. */
interface ModuleInternals {
  getNumDataSegments(): number;
  getNumFunctions(): number;
  getFunctionByIndex(index: number): number;
  setMemory(
    initial: number,
    maximum: number,
    exportName: string | null,
    segments: { name: string; offset: number; data: Uint8Array; passive: boolean }[],
  ): void;
}

const pageBytes = 65536;

/** What Binaryen does once the weights are in. */
export interface Pipeline {
  /** Levels of Binaryen's own pipeline to run first, as by its -O options; null: none of it. */
  readonly optimize: { readonly level: number; readonly shrink: number } | null;
  /** Named passes behind it. */
  readonly passes: readonly string[];
}

/** The one that modules are made by; `npm run bench:pipelines` sets others beside it (docs/PERFORMANCE.md). */
export const standardPipeline: Pipeline = {
  optimize: { level: 2, shrink: 2 },
  passes: ["remove-unused-module-elements", "untee"],
};

/**
 * @returns the bytes of a core module, without Wamlet's custom sections
 * @throws Error with asc's own messages, or what the result broke
 */
export async function assembleModule(request: AssembleRequest): Promise<Uint8Array> {
  return finishModule(await compileSources(request), request, standardPipeline);
}

/** `{optimizeLevel: 3, use: ["abort="]}` → `--optimizeLevel 3 --use abort=`. */
function flags(options: Readonly<Record<string, unknown>>): string[] {
  return Object.entries(options).flatMap(([name, value]) => {
    if (value === true) return [`--${name}`];
    if (value === false) return [];
    const values: unknown[] = Array.isArray(value) ? value : [value];
    return values.flatMap((one) => [`--${name}`, String(one)]);
  });
}

/** asc's part: @returns a module without weights, as asc optimised it */
export async function compileSources(request: AssembleRequest): Promise<Uint8Array> {
  let binary: Uint8Array | undefined;
  const pages = String(Math.max(1, Math.ceil(request.linearMemoryBytes / pageBytes)));
  const { error, stderr } = await asc.main(
    [
      "module.ts",
      "--outFile",
      "module.wasm",
      "--initialMemory",
      pages,
      "--maximumMemory",
      pages,
      ...flags(request.options),
    ],
    {
      readFile: (name) => request.sources[name.replace(/^(\.?\/)+/, "")] ?? null,
      writeFile: (name, contents) => {
        if (name.endsWith(".wasm") && typeof contents !== "string") binary = contents;
      },
      listFiles: () => [],
    },
  );
  if (error || !binary) throw new Error(`asc: ${stderr.toString().trim() || String(error)}`);
  return binary;
}

/** Binaryen's part: puts in the weights and cleans up. */
export function finishModule(binary: Uint8Array, request: AssembleRequest, pipeline: Pipeline): Uint8Array {
  const module = binaryen.readBinary(binary);
  try {
    const internals = module as unknown as ModuleInternals;
    const { Features } = binaryen;
    module.setFeatures(
      Features.MutableGlobals |
        Features.SignExt |
        Features.NontrappingFPToInt |
        Features.BulkMemory |
        Features.BulkMemoryOpt,
    );
    // Static data of a kernel would be an active segment in the middle of the arena.
    if (internals.getNumDataSegments() > 0)
      throw new Error("a kernel has static data; use the weight segment");
    if (module.getStart())
      throw new Error("a kernel needs a start function; compute its constants on the host");
    putInWeights(module, internals, request);
    for (const name of ["__heap_base", "__data_end"]) {
      module.addGlobal(name, binaryen.i32, false, module.i32.const(request.linearMemoryBytes));
      module.addGlobalExport(name, name);
    }
    binaryen.setOptimizeLevel(pipeline.optimize?.level ?? 3);
    binaryen.setShrinkLevel(pipeline.optimize?.shrink ?? 0);
    // Kernels stay functions of their own: inlined into infer() they would share one frame, and beyond 256
    // cells of it every local.set costs an opcode.
    binaryen.setAlwaysInlineMaxSize(12);
    binaryen.setFlexibleInlineMaxSize(12);
    binaryen.setOneCallerInlineMaxSize(12);
    // It would split the segment of weights.
    if (!binaryen.hasPassToSkip("memory-packing")) binaryen.addPassToSkip("memory-packing");
    if (pipeline.optimize) module.optimize();
    module.runPasses([...pipeline.passes]);
    if (!module.validate()) throw new Error("Binaryen refuses the module it made");
    return module.emitBinary();
  } finally {
    module.dispose();
  }
}

/** Turns the import `wamlet.weights` into one memory.init of the passive segment. */
function putInWeights(module: binaryen.Module, internals: ModuleInternals, request: AssembleRequest): void {
  let imported: string | undefined;
  for (let index = 0; index < internals.getNumFunctions(); index++) {
    const info = binaryen.getFunctionInfo(internals.getFunctionByIndex(index));
    if (info.module === "wamlet" && info.base === "weights") imported = info.name;
  }
  const pages = Math.max(1, Math.ceil(request.linearMemoryBytes / pageBytes));
  const segments =
    request.weights.length > 0 ? [{ name: "weights", offset: 0, data: request.weights, passive: true }] : [];
  // asc exported the memory already; a second export of the same name is refused.
  internals.setMemory(pages, pages, null, segments);
  if (!imported) return;
  module.removeFunction(imported);
  const { i32, none } = binaryen;
  const [destination, offset, length] = [
    module.local.get(0, i32),
    module.local.get(1, i32),
    module.local.get(2, i32),
  ];
  const body =
    segments.length > 0
      ? (module.memory as unknown as { init(name: string, d: number, o: number, l: number): number }).init(
          "weights",
          destination,
          offset,
          length,
        )
      : module.unreachable();
  module.addFunction(imported, binaryen.createType([i32, i32, i32]), none, [], body);
}
