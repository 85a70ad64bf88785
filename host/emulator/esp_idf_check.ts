/**
 * Compiles the ESP-IDF port without ESP-IDF: for each chip, against the declarations in boards/ports/esp-idf/check.
 * It shows that names and types fit, not that the firmware links or runs.
 */
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { packagePath } from "../package_root.js";
import type { BuildOptions } from "./build_options.js";
import { failed, inParallel, needs, run, wamrFolder } from "./firmware_build.js";
import { type Configuration, configure, readSdkconfig, sdkconfigHeader } from "./kconfig.js";

export interface EspTarget {
  /** ESP-IDF's name, and the board's. */
  readonly name: string;
  readonly compiler: string;
  /** Debian's packages of the compiler and a C library's headers. */
  readonly package: string;
  readonly flags: readonly string[];
  /** What ESP-IDF derives from the chip. */
  readonly symbols: readonly string[];
}

const xtensa = {
  compiler: "xtensa-lx106-elf-gcc",
  package: "gcc-xtensa-lx106 picolibc-xtensa-lx106-elf",
  // It finds the library's headers by itself.
  flags: [],
};
const riscv = (march: string) => ({
  compiler: "riscv64-unknown-elf-gcc",
  package: "gcc-riscv64-unknown-elf picolibc-riscv64-unknown-elf",
  flags: ["--specs=picolibc.specs", `-march=${march}`, "-mabi=ilp32", "-misa-spec=2.2"],
});

export const espTargets: readonly EspTarget[] = [
  { name: "esp32", ...xtensa, symbols: ["IDF_TARGET_ESP32", "IDF_TARGET_ARCH_XTENSA"] },
  {
    name: "esp32s3",
    ...xtensa,
    symbols: ["IDF_TARGET_ESP32S3", "IDF_TARGET_ARCH_XTENSA", "SOC_USB_SERIAL_JTAG_SUPPORTED"],
  },
  {
    name: "esp32c3",
    ...riscv("rv32imc"),
    symbols: [
      "IDF_TARGET_ESP32C3",
      "IDF_TARGET_ARCH_RISCV",
      "SOC_USB_SERIAL_JTAG_SUPPORTED",
      "FREERTOS_UNICORE",
    ],
  },
  {
    name: "esp32c6",
    ...riscv("rv32imac"),
    symbols: [
      "IDF_TARGET_ESP32C6",
      "IDF_TARGET_ARCH_RISCV",
      "SOC_USB_SERIAL_JTAG_SUPPORTED",
      "FREERTOS_UNICORE",
    ],
  },
];

const strict = ["-std=gnu17", "-O2", "-Wall", "-Wextra", "-Werror"];

const port = (...parts: string[]) => packagePath("boards", "ports", "esp-idf", ...parts);

/** What `idf.py set-target` and the project's defaults come to for a chip. */
export function espConfiguration({ name, symbols }: EspTarget): Configuration {
  const read = (file: string) => readFileSync(port(file), "utf8");
  const defaults = readSdkconfig(`${read("sdkconfig.defaults")}\n${read(`sdkconfig.defaults.${name}`)}`);
  const frequency = [...defaults.keys()].map((key) => /^ESP_DEFAULT_CPU_FREQ_MHZ_(\d+)$/.exec(key)?.[1]);
  const given = new Map([...defaults, ...symbols.map((symbol): [string, string] => [symbol, "y"])]);
  // A choice of ESP-IDF's, whose number is what sources use.
  given.set("ESP_DEFAULT_CPU_FREQ_MHZ", frequency.find((value) => value !== undefined) ?? "");
  return configure(read(join("main", "Kconfig.projbuild")), given);
}

/**
 * Compiles the agent and the port for every chip.
 * @returns what was compiled, one line a chip
 * @throws WamletError WAMLET_MISSING_TOOL, WAMLET_BUILD_FAILED, WAMLET_INTERRUPTED
 */
export async function checkEspIdf(options: BuildOptions): Promise<string[]> {
  for (const { compiler, package: debian } of espTargets) await needs(compiler, debian);
  const wamr = join(await wamrFolder(options), "core", "iwasm", "include");
  const work = mkdtempSync(join(tmpdir(), "wamlet-esp-idf-"));
  const lines: string[] = [];
  try {
    for (const target of espTargets) lines.push(await checkTarget(target, wamr, work, options));
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
  return lines;
}

async function checkTarget(
  target: EspTarget,
  wamr: string,
  work: string,
  options: BuildOptions,
): Promise<string> {
  const folder = join(work, target.name);
  const agent = packagePath("boards", "agent");
  const includes = [folder, port("check", "include"), port("main"), agent, wamr].map((path) => `-I${path}`);
  const sources = [port("main"), agent].flatMap((path) =>
    readdirSync(path)
      .filter((name) => name.endsWith(".c"))
      .map((name) => join(path, name)),
  );
  // ESP-IDF puts all of these into one archive.
  const twice = sources.find(
    (source, index) => sources.findIndex((it) => basename(it) === basename(source)) < index,
  );
  if (twice !== undefined) throw failed(`two files of the ESP-IDF port are called ${basename(twice)}`);
  mkdirSync(folder);
  writeFileSync(join(folder, "sdkconfig.h"), sdkconfigHeader(espConfiguration(target)));
  const objectOf = (source: string) => join(folder, `${basename(source)}.o`);
  await inParallel(sources, async (source) => {
    options.onLine?.(`${target.name} ${basename(source)}`);
    const words = [...target.flags, ...strict, ...includes, "-c", source, "-o", objectOf(source)];
    await run(target.compiler, words, options);
  });
  await checkSymbols(target, sources.map(objectOf), options);
  return `${target.name}  ${sources.length} files, ${target.compiler} ${target.flags.filter((flag) => flag.startsWith("-march")).join(" ")}`.trimEnd();
}

/** Whatever the agent asks of its port is there, and app_main, which ESP-IDF starts. */
async function checkSymbols(
  { name, compiler }: EspTarget,
  objects: readonly string[],
  options: BuildOptions,
): Promise<void> {
  const tool = compiler.replace(/gcc$/, "nm");
  const names = async (...words: string[]) =>
    (await run(tool, [...words, "--format=posix", ...objects], options))
      .split("\n")
      .filter((line) => !line.endsWith(":"))
      .map((line) => line.split(" ")[0] ?? "");
  const defined = new Set(await names("--defined-only", "--extern-only"));
  const asked = ["app_main", ...(await names("--undefined-only"))];
  const missing = asked.find((symbol) => /^(wamlet_|app_main$)/.test(symbol) && !defined.has(symbol));
  if (missing !== undefined) throw failed(`the ESP-IDF port for ${name} lacks ${missing}`);
}
