/**
 * The ESP-IDF port compiled for this computer: the port's own files and the agent under AddressSanitizer and
 * UndefinedBehaviorSanitizer, WAMR, and an ESP-IDF that test/boards/harness/fake_*.c plays.
 */
import { createHash } from "node:crypto";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { basename, join } from "node:path";
import { cacheFolder } from "../../host/cache_folder.js";
import { espConfiguration, espTargets } from "../../host/emulator/esp_idf_check.js";
import { inParallel, run, wamrFolder } from "../../host/emulator/firmware_build.js";
import { sdkconfigHeader } from "../../host/emulator/kconfig.js";
import { packagePath } from "../../host/package_root.js";
import { compiler } from "./harness.js";

interface Processor {
  readonly define: string;
  readonly invokeNative: string;
}

/** WAMR's names of this computer's processor. */
const processors = new Map<string, Processor>([
  ["x64", { define: "BUILD_TARGET_X86_64", invokeNative: "invokeNative_em64.s" }],
  ["arm64", { define: "BUILD_TARGET_AARCH64", invokeNative: "invokeNative_aarch64.s" }],
]);
/** Undefined where WAMR is not built for it here. */
export const processor = processors.get(process.arch);

const bare = packagePath("boards", "ports", "bare-metal");
const agent = packagePath("boards", "agent");
const port = packagePath("boards", "ports", "esp-idf");
const harness = packagePath("test", "boards", "harness");

interface WamrSources {
  readonly include: readonly string[];
  readonly sources: readonly string[];
  readonly defines: readonly string[];
}

/**
 * Compiles it for an ESP32-C3: both lines, one core. What was built is kept in the user's cache until a source changes.
 * @returns path of the executable
 */
export async function compileDesk(): Promise<string> {
  const target = espTargets.find(({ name }) => name === "esp32c3");
  if (target === undefined || processor === undefined) throw new Error("not for this computer");
  const configuration = sdkconfigHeader(espConfiguration(target));
  const wamr = await wamrFolder({ environment: process.env });
  const kept = join(cacheFolder(process.env), "agents", "esp-idf-desk");
  const executable = join(kept, fingerprint([configuration, wamr]));
  if (existsSync(executable)) return executable;
  mkdirSync(kept, { recursive: true });
  // A folder of one's own, so that two builds at a time do not share an object.
  const work = mkdtempSync(join(kept, "build-"));
  try {
    writeFileSync(join(work, "sdkconfig.h"), configuration);
    renameSync(await compile(work, wamr, processor), executable);
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
  return executable;
}

/** Changes with everything that goes into the executable. */
function fingerprint(settings: readonly string[]): string {
  const hash = createHash("sha256");
  for (const text of settings) hash.update(text);
  for (const folder of [agent, bare, port, harness, packagePath("test", "boards", "esp_idf_desk_build.ts")]) {
    const names = statSync(folder).isFile()
      ? [folder]
      : readdirSync(folder, { recursive: true, encoding: "utf8" }).map((name) => join(folder, name));
    for (const path of names.sort())
      if (statSync(path).isFile()) hash.update(path).update(readFileSync(path));
  }
  return hash.digest("hex").slice(0, 16);
}

async function compile(folder: string, wamr: string, { define, invokeNative }: Processor): Promise<string> {
  const { include, sources, defines } = JSON.parse(
    readFileSync(join(bare, "wamr.json"), "utf8"),
  ) as WamrSources;
  const includes = [
    folder,
    harness,
    join(port, "check", "include"),
    join(port, "main"),
    agent,
    bare,
    ...include.map((path) => join(wamr, path)),
  ].map((path) => `-I${path}`);
  const sanitize = ["-g", "-O1", "-fsanitize=address,undefined", "-fno-sanitize-recover=all"];
  const ours = ["-std=gnu17", "-Wall", "-Wextra", "-Werror", ...sanitize];
  const theirs = ["-w", "-O1", "-ffunction-sections", ...[...defines, define].map((define) => `-D${define}`)];
  const files = (path: string) =>
    readdirSync(path)
      .filter((name) => name.endsWith(".c"))
      .map((name) => join(path, name));
  const fakes = ["fake_esp_idf.c", "fake_lines.c", "fake_freertos.c"].map((name) => join(harness, name));
  const units = [
    ...[...files(agent), ...files(join(port, "main")), ...fakes].map((source) => ({ source, flags: ours })),
    ...[...sources, `core/iwasm/common/arch/${invokeNative}`].map((path) => ({
      source: join(wamr, path),
      flags: theirs,
    })),
    { source: join(bare, "platform.c"), flags: theirs },
  ];
  const objectOf = (source: string) => join(folder, `${basename(source)}.o`);
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
  return executable;
}
