/** From a path on the command line to a module: compiled where it is a model, read where it is one already. */
import { basename } from "node:path";
import type { Optimization } from "../compiler/aims.js";
import type { CompiledModule } from "../compiler/compile.js";
import type { Board } from "../descriptor/board.js";
import type { WamletModule } from "../module/layout.js";
import { zooName } from "../zoo/zoo_models.js";
import { aimText } from "./aim_text.js";
import { readModelFile, type Surroundings, zooLabels } from "./model_file.js";

/** Options of the verbs that compile. */
export interface CompileArguments {
  /** Name or path of a descriptor, or the board that answered. */
  readonly board?: string | Board | undefined;
  readonly labels?: string | undefined;
  readonly name?: string | undefined;
  readonly moduleVersion?: string | undefined;
  readonly profile?: boolean | undefined;
  readonly optimize?: Optimization | undefined;
}

/** Whether the file is WebAssembly, by its magic; anything else is taken for a model and checked there. */
export function isModule(bytes: Uint8Array): boolean {
  return Buffer.from(bytes.subarray(0, 4)).equals(Buffer.from("\0asm"));
}

/** `dir/Model-1.tflite` → `model-1`, `zoo:kws` → `kws`: a name that can be deployed. */
export function nameFromPath(path: string): string {
  const name = basename(zooName(path) ?? path)
    .replace(/\.(tflite|wasm)$/i, "")
    .toLowerCase()
    .replace(/[^a-z0-9_.-]+/g, "-")
    .slice(0, 31);
  return name === "" ? "model" : name;
}

/** The module's path where none is given: beside the caller, not beside the model. */
export function defaultOutput(path: string): string {
  return `${basename(zooName(path) ?? path).replace(/\.tflite$/i, "")}.wasm`;
}

/** Compiles a .tflite file. @throws WamletError what reading and compiling refuse */
export async function compileFile(
  path: string,
  options: CompileArguments,
  surroundings: Surroundings,
): Promise<CompiledModule> {
  const bytes = await readModelFile(path, "the model", surroundings);
  return compileBytes(bytes, path, options, surroundings);
}

/** A module from a .tflite or .wasm file. */
export async function loadModule(
  path: string,
  options: CompileArguments,
  surroundings: Surroundings,
): Promise<WamletModule> {
  const bytes = await readModelFile(path, "the model or module", surroundings);
  if (!isModule(bytes)) return compileBytes(bytes, path, options, surroundings);
  const { readModule } = await import("../module/layout.js");
  return readModule(bytes);
}

async function compileBytes(
  bytes: Uint8Array,
  path: string,
  options: CompileArguments,
  { progress, signal }: Surroundings,
): Promise<CompiledModule> {
  progress.show(`Compiling ${basename(path)}`);
  const { compile } = await import("../compiler/compile.js");
  const board =
    typeof options.board === "string"
      ? (await import("../descriptor/load_board.js")).loadBoard(options.board)
      : options.board;
  const labels =
    options.labels === undefined
      ? zooLabels(path)
      : (await import("../frames/labels.js")).readClassNames(options.labels);
  const module = await compile(bytes, {
    name: options.name ?? nameFromPath(path),
    signal,
    profile: options.profile ?? false,
    ...(options.optimize === undefined ? {} : { optimize: options.optimize }),
    ...(options.moduleVersion === undefined ? {} : { version: options.moduleVersion }),
    ...(board === undefined ? {} : { board }),
    ...(labels === undefined ? {} : { labels }),
  });
  progress.clear();
  const asked = options.optimize ?? "balanced";
  const { optimization, codePrice, flashPrice } = module.aim;
  if (optimization !== asked || codePrice !== 1 || flashPrice > 0) {
    progress.note(
      progress.colors.dim(
        `${basename(path)} as \`${asked}\` does not fit ${board?.name}: compiled for ${aimText(module.aim)}`,
      ),
    );
  }
  return module;
}
