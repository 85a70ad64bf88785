/**
 * Builds the agent for a machine without an operating system that QEMU emulates: boards/ports/<board>/port.json names
 * compiler, flags and machine, boards/ports/bare-metal/wamr.json what of WAMR is compiled. WAMR's source is what cargo
 * fetched for the Linux port.
 */
import { spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { rename } from "node:fs/promises";
import { availableParallelism } from "node:os";
import { basename, dirname, join } from "node:path";
import { cacheFolder } from "../cache_folder.js";
import { WamletError } from "../errors.js";
import { packagePath } from "../package_root.js";
import type { BuildOptions } from "./build_options.js";

/** boards/ports/<board>/port.json. */
export interface FirmwarePort {
  readonly compiler: string;
  /** Debian's packages of the compiler and its library. */
  readonly package: string;
  readonly flags: readonly string[];
  readonly linkFlags: readonly string[];
  /** WAMR's defines for the processor. */
  readonly wamrTarget: readonly string[];
  /** WAMR's host calls for the processor. */
  readonly invokeNative: string;
  /** Relative to the port's folder; a machine that several boards share has a folder of its own. */
  readonly sources: readonly string[];
  readonly linkerScript: string;
  /** What the image may take; see firmware_size.ts. */
  readonly budget: { readonly flashBytes: number; readonly ramBytes: number };
  readonly emulator: {
    readonly command: string;
    readonly package: string;
    readonly words: readonly string[];
    /** Where the firmware finds a random number. */
    readonly seedAddress: string;
  };
}

interface WamrSources {
  readonly include: readonly string[];
  readonly sources: readonly string[];
  readonly defines: readonly string[];
}

interface Unit {
  readonly source: string;
  readonly flags: readonly string[];
}

const optimise = ["-O2", "-g", "-ffunction-sections", "-fdata-sections"];
const strict = ["-std=gnu99", "-Wall", "-Wextra", "-Werror"];

export function readPort(board: string): FirmwarePort {
  return readJson<FirmwarePort>(packagePath("boards", "ports", board, "port.json"));
}

export interface FirmwareImage {
  /** ELF file; its name changes with everything that goes into it. */
  readonly path: string;
  /** Whether it is there. */
  readonly built: boolean;
}

/**
 * Where a board's image lies, or will.
 * @throws WamletError WAMLET_MISSING_TOOL, WAMLET_BUILD_FAILED, WAMLET_INTERRUPTED
 */
export async function locateFirmware(board: string, options: BuildOptions): Promise<FirmwareImage> {
  return locate(board, readPort(board), await wamrFolder(options), options);
}

function locate(board: string, port: FirmwarePort, wamr: string, options: BuildOptions): FirmwareImage {
  const ram = options.ramBytes === undefined ? "" : `-${options.ramBytes}`;
  const name = `${fingerprint(board, port, wamr)}${ram}.elf`;
  const path = join(cacheFolder(options.environment), "agents", board, name);
  return { path, built: existsSync(path) };
}

/**
 * @returns path of the ELF file
 * @throws WamletError WAMLET_MISSING_TOOL, WAMLET_BUILD_FAILED, WAMLET_INTERRUPTED
 */
export async function buildFirmware(board: string, options: BuildOptions): Promise<string> {
  const port = readPort(board);
  await needs(port.compiler, port.package);
  await needs(port.emulator.command, port.emulator.package);
  const wamr = await wamrFolder(options);
  const units = unitsOf(board, port, wamr);
  const { path: image, built } = locate(board, port, wamr, options);
  if (built) return image;
  const ram = options.ramBytes;
  const folder = dirname(image);
  mkdirSync(folder, { recursive: true });
  // A folder of one's own, so that two builds at a time do not share an object.
  const work = mkdtempSync(join(folder, "build-"));
  try {
    const objects = await compileAll(port, units, work, options);
    const script = packagePath("boards", "ports", board, port.linkerScript);
    const linking = [...port.flags, ...port.linkFlags, "-Wl,--gc-sections", `-T${script}`];
    if (ram !== undefined) linking.push(`-Wl,--defsym=wamlet_ram_bytes=${ram}`);
    const whole = join(work, "agent.elf");
    await run(port.compiler, [...linking, ...objects, "-lm", "-o", whole], options);
    await rename(whole, image);
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
  return image;
}

/** @returns the objects, in the order of the units, so that the same sources give the same image */
async function compileAll(
  port: FirmwarePort,
  units: readonly Unit[],
  folder: string,
  options: BuildOptions,
): Promise<string[]> {
  await inParallel(units, async (unit) => {
    options.onLine?.(basename(unit.source));
    const words = [
      ...port.flags,
      ...optimise,
      ...unit.flags,
      "-c",
      unit.source,
      "-o",
      objectOf(unit, folder),
    ];
    await run(port.compiler, words, options);
  });
  return units.map((unit) => objectOf(unit, folder));
}

function objectOf({ source }: Unit, folder: string): string {
  return join(folder, `${basename(source)}.o`);
}

/** Sources with their flags: WAMR's as they come, ours without a warning. */
function unitsOf(board: string, port: FirmwarePort, wamr: string): Unit[] {
  const { include, sources, defines } = readJson<WamrSources>(
    packagePath("boards", "ports", "bare-metal", "wamr.json"),
  );
  const bare = packagePath("boards", "ports", "bare-metal");
  const agent = packagePath("boards", "agent");
  const includes = [agent, bare, ...include.map((path) => join(wamr, path))].map((path) => `-I${path}`);
  const theirs = [...includes, ...[...defines, ...port.wamrTarget].map((define) => `-D${define}`)];
  const ours = [...includes, ...strict];
  const own = (folder: string, names: readonly string[]) =>
    names.map((name) => ({
      source: join(folder, name),
      flags: name.endsWith(".S") ? includes : ours,
    }));
  return [
    ...[...sources, port.invokeNative].map((path) => ({ source: join(wamr, path), flags: theirs })),
    { source: join(bare, "platform.c"), flags: theirs },
    ...own(
      agent,
      readdirSync(agent).filter((name) => name.endsWith(".c")),
    ),
    ...own(bare, ["main.c", "memory.c"]),
    ...own(packagePath("boards", "ports", board), port.sources),
  ];
}

/** Changes with everything that goes into the image: only then is it built anew. */
function fingerprint(board: string, port: FirmwarePort, wamr: string): string {
  const hash = createHash("sha256").update(JSON.stringify(port)).update(wamr);
  const home = packagePath("boards", "ports", board);
  const shared = [...port.sources, port.linkerScript].map((path) => dirname(join(home, path)));
  const common = [packagePath("boards", "agent"), packagePath("boards", "ports", "bare-metal"), home];
  for (const path of new Set([...common, ...shared])) {
    for (const name of readdirSync(path).sort()) hash.update(name).update(readFileSync(join(path, name)));
  }
  return hash.digest("hex").slice(0, 16);
}

/** Where cargo unpacked the WAMR of the Linux port. */
export async function wamrFolder(options: BuildOptions): Promise<string> {
  await needs("cargo", "cargo");
  const manifest = packagePath("boards", "ports", "linux", "Cargo.toml");
  const words = ["metadata", "--format-version", "1", "--locked", "--manifest-path", manifest];
  const metadata = JSON.parse(await run("cargo", words, options)) as {
    readonly packages: readonly { readonly name: string; readonly manifest_path: string }[];
  };
  const crate = metadata.packages.find(({ name }) => name === "wamrx-sys");
  if (crate === undefined) throw failed("cargo knows no wamrx-sys");
  return join(dirname(crate.manifest_path), "wasm-micro-runtime");
}

export async function needs(command: string, debian: string): Promise<void> {
  try {
    await run(command, ["--version"], { environment: {} });
  } catch {
    throw new WamletError(
      "WAMLET_MISSING_TOOL",
      `Building this board's firmware needs ${command}.`,
      `Install it: apt-get install ${debian}.`,
    );
  }
}

export async function inParallel<Item>(
  items: readonly Item[],
  work: (item: Item) => Promise<void>,
): Promise<void> {
  const left = [...items];
  const worker = async () => {
    for (let item = left.shift(); item !== undefined; item = left.shift()) await work(item);
  };
  await Promise.all(Array.from({ length: availableParallelism() }, worker));
}

/** @returns what the command printed; rejects with what it complained of */
export function run(command: string, words: readonly string[], { signal }: BuildOptions): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = spawn(command, words, { stdio: ["ignore", "pipe", "pipe"], signal });
    let out = "";
    let said = "";
    child.stdout.setEncoding("utf8").on("data", (text: string) => {
      out += text;
    });
    child.stderr.setEncoding("utf8").on("data", (text: string) => {
      said = (said + text).slice(-4096);
    });
    child.on("error", (cause) => reject(signal?.aborted ? signal.reason : cause));
    child.on("close", (code) => (code === 0 ? resolve(out) : reject(failed(`${command}: ${said.trim()}`))));
  });
}

export function failed(what: string): WamletError {
  return new WamletError(
    "WAMLET_BUILD_FAILED",
    `The firmware cannot be built: ${what.replace(/\.$/, "")}.`,
    "docs/BOARDS.md says what a build needs; report it if all of that is there.",
  );
}

function readJson<Value>(path: string): Value {
  return JSON.parse(readFileSync(path, "utf8")) as Value;
}
