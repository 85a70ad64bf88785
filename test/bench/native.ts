/**
 * The C reference of a model compiled with gcc -O2 for the core itself, run in QEMU as a firmware of its own: start-up,
 * counter and UART are those of the board's port, so instructions are counted as the agent counts them.
 */
import { spawn } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { readPort } from "../../host/emulator/firmware_build.js";
import type { BenchBytes } from "../../host/measure/bench.js";
import { packagePath } from "../../host/package_root.js";
import type { CModel } from "./c_source.js";
import { arrayOf } from "./c_values.js";
import { exists, run } from "./tools.js";

export interface NativeRun {
  readonly instructions: number;
  /** One a layer. */
  readonly layers: readonly number[];
  readonly output: Uint8Array;
  readonly bytes: BenchBytes;
}

/** Why there is no native run, or null. */
export function gccMissing(board: string): string | null {
  const { compiler, package: packages, emulator } = readPort(board);
  if (!exists(compiler)) return `${compiler} missing: apt-get install ${packages}`;
  return exists(emulator.command) ? null : `${emulator.command} missing: apt-get install ${emulator.package}`;
}

/** @param layers builds another firmware that counts each layer */
export async function runNative(
  board: string,
  model: CModel,
  frame: Uint8Array,
  layers: boolean,
  signal: AbortSignal,
): Promise<NativeRun> {
  const folder = mkdtempSync(join(tmpdir(), "wamlet-native-"));
  try {
    const file = (name: string) => join(folder, name);
    writeFileSync(file("model.c"), model.source);
    const input = arrayOf("uint8_t", "bench_frame", Array.from(frame)).replace("static ", "");
    writeFileSync(file("tables.c"), `${model.tables}extern const uint8_t bench_frame[];\n${input}\n`);
    const whole = await build(board, folder, []);
    const bytes = await sizes(board, `${file("model.c")}.o`);
    const { instructions, output } = await emulate(board, whole, signal);
    if (!layers) return { instructions, layers: [], output, bytes };
    const counting = await build(board, folder, ["-DBENCH_LAYERS"]);
    return { instructions, output, bytes, layers: (await emulate(board, counting, signal)).layers };
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** @returns path of the ELF file */
async function build(board: string, folder: string, defines: readonly string[]): Promise<string> {
  const port = readPort(board);
  const home = packagePath("boards", "ports", board);
  const bare = packagePath("boards", "ports", "bare-metal");
  const reference = packagePath("test", "bench", "reference");
  const includes = [reference, bare, packagePath("boards", "agent")].map((path) => `-I${path}`);
  const flags = [
    ...port.flags,
    "-O2",
    "-std=gnu11",
    "-ffunction-sections",
    "-fdata-sections",
    ...defines,
    ...includes,
  ];
  const sources = [
    join(folder, "model.c"),
    join(folder, "tables.c"),
    join(reference, "native_main.c"),
    join(bare, "memory.c"),
    ...port.sources.map((path) => join(home, path)),
  ];
  const objects: string[] = [];
  for (const source of sources) {
    const object = join(folder, `${basename(source)}.o`);
    await run(port.compiler, [...flags, "-c", source, "-o", object]);
    objects.push(object);
  }
  const image = join(folder, "native.elf");
  const script = join(home, port.linkerScript);
  await run(port.compiler, [
    ...port.flags,
    ...port.linkFlags,
    "-Wl,--gc-sections",
    `-T${script}`,
    ...objects,
    "-o",
    image,
  ]);
  return image;
}

/** What the model's own object takes: the start-up and the counter around it are nobody's. */
async function sizes(board: string, object: string): Promise<BenchBytes> {
  const tool = readPort(board).compiler.replace(/gcc$/, "size");
  const lines = (await run(tool, ["-A", object])).toString().split("\n");
  const sum = (section: RegExp) =>
    lines.reduce((total, line) => {
      const [name = "", bytes = "0"] = line.trim().split(/\s+/);
      return section.test(name) ? total + Number(bytes) : total;
    }, 0);
  const codeBytes = sum(/^\.text/);
  const constants = sum(/^\.s?(rodata|data)/);
  return { moduleBytes: codeBytes + constants, codeBytes, linearMemory: sum(/^\.s?bss/), runtimeBytes: 0 };
}

/** Runs a firmware until it has written its last line, and ends the emulator. */
function emulate(board: string, image: string, signal: AbortSignal): Promise<Omit<NativeRun, "bytes">> {
  const { command, words } = readPort(board).emulator;
  return new Promise((resolve, reject) => {
    const child = spawn(command, [...words, "-kernel", image, "-serial", "stdio"], {
      stdio: ["ignore", "pipe", "pipe"],
      signal,
    });
    let out = "";
    let said = "";
    child.stderr.setEncoding("utf8").on("data", (text: string) => {
      said = (said + text).slice(-4096);
    });
    child.stdout.setEncoding("utf8").on("data", (text: string) => {
      out += text;
      if (/^end\r?$/m.test(out)) child.kill();
    });
    child.on("error", reject);
    child.on("close", () => {
      const total = /^total (\d+)/m.exec(out)?.[1];
      const output = /^output ([0-9a-f]*)/m.exec(out)?.[1];
      if (total === undefined || output === undefined || !/^end\r?$/m.test(out)) {
        reject(new Error(`${board}: the native firmware ended early: ${said.trim() || out.slice(-200)}`));
        return;
      }
      const layers = [...out.matchAll(/^layer (\d+)/gm)].map(([, count]) => Number(count));
      resolve({ instructions: Number(total), layers, output: new Uint8Array(Buffer.from(output, "hex")) });
    });
  });
}
