/**
 * From what the user calls a module to one that is loaded on the board and described here: a file is deployed unless
 * the board has exactly it, a name is looked up on the board and its description among the modules that were deployed
 * from this machine.
 */
import { existsSync } from "node:fs";
import type { LoadedModule } from "../board/loaded_module.js";
import type { Optimization } from "../compiler/aims.js";
import { WamletError } from "../errors.js";
import type { WamletModule } from "../module/layout.js";
import { zooName } from "../zoo/zoo_models.js";
import type { BoardConnection } from "./board_connection.js";
import { loadModule, nameFromPath } from "./compile_file.js";
import { type Deployment, deployWithProgress } from "./deploy_module.js";
import { formatBytes } from "./format.js";
import { recallModule, rememberModule } from "./module_cache.js";
import type { Context } from "./verb.js";

export interface PreparedModule {
  readonly module: WamletModule;
  readonly loaded: LoadedModule;
  /** null where the board had it already. */
  readonly deployment: Deployment | null;
}

export interface PrepareOptions {
  /** Layers are to be told apart: a model is compiled as a profiling build. */
  readonly layers: boolean;
  /** File of class names, for a model that is compiled. */
  readonly classNames?: string | undefined;
  /** How a model is compiled. */
  readonly optimize?: Optimization | undefined;
}

/** Whether the user means a file or a model of the zoo; a stored module's name looks like neither. */
export function isModuleFile(which: string): boolean {
  return zooName(which) !== null || /[/\\]|\.(tflite|wasm)$/i.test(which) || existsSync(which);
}

/** Profiling builds are stored beside the module itself, never over it. */
export function profilingName(path: string): string {
  return `${nameFromPath(path).slice(0, 23)}.profile`;
}

/**
 * @param which a .tflite or .wasm file, the name of a stored module, or undefined for the active one
 * @throws WamletError WAMLET_UNKNOWN_MODULE, WAMLET_NO_LAYERS, WAMLET_FILE_NOT_FOUND where the description of a stored
 *   module is not known here, and what compiling and deploying throw
 */
export async function prepareModule(
  connection: BoardConnection,
  which: string | undefined,
  options: PrepareOptions,
  context: Context,
): Promise<PreparedModule> {
  if (which !== undefined && isModuleFile(which)) return fromFile(connection, which, options, context);
  return fromStore(connection, which ?? "", options, context);
}

async function fromFile(
  connection: BoardConnection,
  path: string,
  { layers, classNames, optimize }: PrepareOptions,
  context: Context,
): Promise<PreparedModule> {
  const { session, board } = connection;
  const compileOptions = {
    board: board ?? undefined,
    profile: layers,
    labels: classNames,
    optimize,
    ...(layers ? { name: profilingName(path) } : {}),
  };
  const module = await loadModule(path, compileOptions, context);
  if (layers) requireLayers(module, path);
  const stored = await session.modules();
  const same = stored.find(
    ({ state, sha256 }) =>
      state === "complete" && Buffer.compare(sha256, module.manifest.payloadSha256) === 0,
  );
  if (same !== undefined) {
    await rememberModule(module, context.environment);
    return { module, loaded: await session.load(same.name), deployment: null };
  }
  const { name } = module.manifest;
  const replaced = stored.some((each) => each.name === name && each.state !== "partial");
  const deployment = await deployWithProgress(connection, module, { activate: false }, context);
  context.progress.note(
    context.progress.colors.dim(
      `Deployed ${name}, ${formatBytes(module.payload.length)}${replaced ? ", in place of what had this name" : ""}.`,
    ),
  );
  return { module, loaded: await session.load(deployment.name), deployment };
}

async function fromStore(
  { session }: BoardConnection,
  name: string,
  { layers }: PrepareOptions,
  { environment }: Context,
): Promise<PreparedModule> {
  if (name !== "") await requireStored(session, name);
  const loaded = await session.load(name);
  const module = await recallModule(loaded.description.sha256, environment);
  if (module === null) {
    const hash = Buffer.from(loaded.description.sha256).toString("hex").slice(0, 16);
    throw new WamletError(
      "WAMLET_FILE_NOT_FOUND",
      `The shapes and scales of ${loaded.name} (SHA-256 ${hash}…) are not known here: it was not deployed from this machine.`,
      "Give the file that it came from instead of its name: the .tflite or .wasm.",
    );
  }
  if (layers) requireLayers(module, loaded.name);
  return { module, loaded, deployment: null };
}

/** The board only says that there is none; which there are helps more. */
export async function requireStored(session: BoardConnection["session"], name: string): Promise<void> {
  const names = (await session.modules()).map((module) => module.name);
  if (names.includes(name)) return;
  const { didYouMean } = await import("../closest_name.js");
  throw new WamletError(
    "WAMLET_UNKNOWN_MODULE",
    `${session.info.board} stores no module "${name}".${didYouMean(name, names)}`,
    names.length === 0
      ? 'It stores none; "wamlet deploy" brings one there.'
      : `It stores ${names.join(", ")}.`,
  );
}

function requireLayers({ manifest }: WamletModule, which: string): void {
  if (manifest.layers > 0) return;
  throw new WamletError(
    "WAMLET_NO_LAYERS",
    `${which} is an ordinary build, which does not tell its layers apart.`,
    "Give the .tflite itself, which is then compiled as a profiling build, or a module from `wamlet compile --profile`.",
  );
}
