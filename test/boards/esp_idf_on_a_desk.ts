/**
 * The ESP-IDF port as a process of this computer: the port's own files and the agent under AddressSanitizer and
 * UndefinedBehaviorSanitizer, WAMR, and an ESP-IDF that test/boards/harness/fake_*.c plays.
 */
import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { createInterface } from "node:readline";
import { espConfiguration, espTargets } from "../../host/emulator/esp_idf_check.js";
import { inParallel, run, wamrFolder } from "../../host/emulator/firmware_build.js";
import { sdkconfigHeader } from "../../host/emulator/kconfig.js";
import { packagePath } from "../../host/package_root.js";
import { compiler, compilerMissing } from "./harness.js";

/** WAMR's names of this computer's processor. */
const processors = new Map([
  ["x64", { define: "BUILD_TARGET_X86_64", invokeNative: "invokeNative_em64.s" }],
  ["arm64", { define: "BUILD_TARGET_AARCH64", invokeNative: "invokeNative_aarch64.s" }],
]);
const processor = processors.get(process.arch);

/** Why it cannot be built here, or null. */
export const deskMissing =
  compiler === null
    ? compilerMissing
    : process.platform !== "linux" || processor === undefined
      ? "it is for Linux on x86-64 or arm64"
      : spawnSync("cargo", ["--version"]).status !== 0
        ? "cargo is missing, which fetches WAMR"
        : null;

export interface Desk {
  /** A folder for flash files, removed with everything else. */
  readonly folder: string;
  start(options?: DeskOptions): Promise<RunningDesk>;
  remove(): void;
}

export interface DeskOptions {
  /** Name of its flash file; the same one again is the same board again. */
  readonly flash?: string;
  /** Reads after which the power sensor goes silent; -1 for never, 0 for a board without one. */
  readonly sensorReads?: number;
}

export interface RunningDesk {
  readonly uart: string;
  readonly usb: string;
  /** What it complained of: sanitizers, the watchdog, bytes that found no room. */
  complaints(): string;
  close(): Promise<void>;
}

interface WamrSources {
  readonly include: readonly string[];
  readonly sources: readonly string[];
  readonly defines: readonly string[];
}

/** Builds it for an ESP32-C3: both lines, one core. */
export async function buildDesk(): Promise<Desk> {
  const folder = mkdtempSync(join(tmpdir(), "wamlet-desk-"));
  const objects = join(folder, "objects");
  mkdirSync(objects);
  const target = espTargets.find(({ name }) => name === "esp32c3");
  if (target === undefined || processor === undefined) throw new Error(deskMissing ?? "no esp32c3");
  writeFileSync(join(folder, "sdkconfig.h"), sdkconfigHeader(espConfiguration(target)));
  const wamr = await wamrFolder({ environment: process.env });
  const bare = packagePath("boards", "ports", "bare-metal");
  const agent = packagePath("boards", "agent");
  const port = packagePath("boards", "ports", "esp-idf");
  const { include, sources, defines } = JSON.parse(
    readFileSync(join(bare, "wamr.json"), "utf8"),
  ) as WamrSources;
  const includes = [
    folder,
    join(port, "check", "include"),
    join(port, "main"),
    agent,
    bare,
    ...include.map((path) => join(wamr, path)),
  ].map((path) => `-I${path}`);
  const sanitize = ["-g", "-O1", "-fsanitize=address,undefined", "-fno-sanitize-recover=all"];
  const ours = ["-std=gnu17", "-Wall", "-Wextra", "-Werror", ...sanitize];
  const theirs = [
    "-w",
    "-O1",
    "-ffunction-sections",
    ...[...defines, processor.define].map((define) => `-D${define}`),
  ];
  const files = (path: string) =>
    readdirSync(path)
      .filter((name) => name.endsWith(".c"))
      .map((name) => join(path, name));
  const fakes = ["fake_esp_idf.c", "fake_freertos.c"].map((name) =>
    packagePath("test", "boards", "harness", name),
  );
  const units = [
    ...[...files(agent), ...files(join(port, "main")), ...fakes].map((source) => ({ source, flags: ours })),
    ...[...sources, `core/iwasm/common/arch/${processor.invokeNative}`].map((path) => ({
      source: join(wamr, path),
      flags: theirs,
    })),
    { source: join(bare, "platform.c"), flags: theirs },
  ];
  const objectOf = (source: string) => join(objects, `${basename(source)}.o`);
  await inParallel(units, async ({ source, flags }) => {
    const words = [...flags, ...includes, "-c", source, "-o", objectOf(source)];
    await run(compiler ?? "", words, { environment: process.env });
  });
  // The linker's words are those of the port's CMakeLists.txt.
  const cmake = readFileSync(join(port, "main", "CMakeLists.txt"), "utf8");
  const wrapped = /foreach\(function ([^)]*)\)/.exec(cmake)?.[1]?.split(" ") ?? [];
  const wraps = wrapped.map((name) => `-Wl,--wrap=${name}`);
  // bare-metal/platform.c names the bottom of a stack; nothing lies below it here.
  const bottom = "-Wl,--defsym=machine_stack_bottom=0";
  const executable = join(folder, "desk");
  const linking = [
    ...sanitize,
    ...wraps,
    bottom,
    "-Wl,--gc-sections",
    "-no-pie",
    ...units.map(({ source }) => objectOf(source)),
  ];
  await run(compiler ?? "", [...linking, "-lm", "-lpthread", "-o", executable], { environment: process.env });
  return {
    folder,
    start: (options) => startDesk(executable, folder, options),
    remove: () => rmSync(folder, { recursive: true, force: true }),
  };
}

async function startDesk(
  executable: string,
  folder: string,
  options: DeskOptions = {},
): Promise<RunningDesk> {
  const flash = options.flash ?? basename(mkdtempSync(join(folder, "board-")));
  const environment = {
    ...process.env,
    FAKE_SENSOR_READS: String(options.sensorReads ?? 0),
    // Threads of deleted tasks are still there at the end.
    ASAN_OPTIONS: "detect_leaks=0",
  };
  const child = spawn(executable, [join(folder, `${flash}.flash`)], {
    stdio: ["pipe", "pipe", "pipe"],
    env: environment,
  });
  let complaints = "";
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    complaints += text;
  });
  const urls = new Map<string, string>();
  for await (const line of createInterface({ input: child.stdout })) {
    const [name = "", url = ""] = line.split(" ");
    urls.set(name, url);
    if (urls.size === 2) break;
  }
  const [uart, usb] = [urls.get("UART"), urls.get("USB")];
  if (uart === undefined || usb === undefined) throw new Error(`the board did not start: ${complaints}`);
  return {
    uart,
    usb,
    complaints: () => complaints,
    close: async () => {
      if (child.exitCode !== null || child.signalCode !== null) return;
      const closed = once(child, "close");
      child.kill();
      await closed;
    },
  };
}
