/**
 * A panic's addresses → the places in the source: by addr2line where the ELF file is given and the tool is there,
 * else as the command that does it.
 */
import { execFile } from "node:child_process";
import { access, constants, open } from "node:fs/promises";
import { delimiter, join } from "node:path";
import { WamletError } from "../errors.js";
import type { Panic } from "./panic_reader.js";
import { readError } from "./read_file.js";

/** Where an ESP-IDF project has its application's ELF file; the boot loader's lies elsewhere. */
const usualElf = "build/*.elf";
const decodeMilliseconds = 10_000;

/** `e_machine` of the ELF header: Xtensa, RISC-V. */
const machines: readonly number[] = [94, 243];

export class PanicDecoder {
  readonly #elf: string | null;
  readonly #searchPath: string;

  private constructor(elf: string | null, searchPath: string) {
    this.#elf = elf;
    this.#searchPath = searchPath;
  }

  /**
   * @param elf path of the firmware's ELF file; without it panics are only told how to decode
   * @param searchPath `PATH`
   * @throws WamletError WAMLET_FILE_NOT_FOUND, WAMLET_FILE_UNREADABLE, WAMLET_USAGE where it is no such file
   */
  static async create(elf: string | undefined, searchPath = ""): Promise<PanicDecoder> {
    if (elf !== undefined) await checkElf(elf);
    return new PanicDecoder(elf ?? null, searchPath);
  }

  /** The command that finds the places; null where the ELF file is given, and `decode` runs it. */
  hint(panic: Panic): string | null {
    return this.#elf === null ? `where it happened (or give --elf): ${this.#command(panic)}` : null;
  }

  /** The places, or why there are none. Never throws: a panic is no time to fail. */
  async decode(panic: Panic): Promise<string[]> {
    const tools = toolsFor(panic);
    const found = await this.#find(tools);
    if (found === null) {
      return [
        `${tools[0]} is not on PATH; ESP-IDF's export script puts it there. It decodes with: ${this.#command(panic)}`,
      ];
    }
    try {
      return await run(found, ["-pfiaC", "-e", this.#elf ?? usualElf, ...panic.addresses]);
    } catch (error) {
      return [`${found} failed: ${error instanceof Error ? error.message : String(error)}`];
    }
  }

  #command(panic: Panic): string {
    return `${toolsFor(panic)[0]} -pfiaC -e ${quoted(this.#elf ?? usualElf)} ${panic.addresses.join(" ")}`;
  }

  /** The first of these programs on the search path. */
  async #find(names: readonly string[]): Promise<string | null> {
    const suffix = process.platform === "win32" ? ".exe" : "";
    for (const name of names) {
      for (const folder of this.#searchPath.split(delimiter)) {
        if (folder === "") continue;
        const path = join(folder, `${name}${suffix}`);
        const runs = await access(path, constants.X_OK).then(
          () => true,
          () => false,
        );
        if (runs) return path;
      }
    }
    return null;
  }
}

/** The chip's own tool first; others read the same files. */
function toolsFor({ architecture, chip }: Panic): string[] {
  if (architecture === "riscv32") return ["riscv32-esp-elf-addr2line", "riscv64-unknown-elf-addr2line"];
  return [
    `xtensa-${chip ?? "esp32"}-elf-addr2line`,
    "xtensa-esp-elf-addr2line",
    "xtensa-esp32-elf-addr2line",
  ];
}

function run(program: string, words: readonly string[]): Promise<string[]> {
  return new Promise((resolve, reject) => {
    const options = { timeout: decodeMilliseconds, maxBuffer: 1 << 20, windowsHide: true };
    execFile(program, [...words], options, (error, stdout, stderr) => {
      if (error !== null) return reject(new Error(stderr.trim().split("\n")[0] || error.message));
      return resolve(stdout.split("\n").filter((line) => line.trim() !== ""));
    });
  });
}

async function checkElf(path: string): Promise<void> {
  const header = new Uint8Array(20);
  try {
    const file = await open(path, "r");
    try {
      await file.read(header, 0, header.length, 0);
    } finally {
      await file.close();
    }
  } catch (cause) {
    throw readError(path, "the ELF file that the firmware was built into", cause as NodeJS.ErrnoException);
  }
  const isElf = header[0] === 0x7f && header[1] === 0x45 && header[2] === 0x4c && header[3] === 0x46;
  // Both architectures are little-endian.
  if (isElf && machines.includes((header[18] ?? 0) | ((header[19] ?? 0) << 8))) return;
  throw new WamletError(
    "WAMLET_USAGE",
    `${path} is ${isElf ? "an ELF file of another processor" : "no ELF file"}.`,
    "Give the ELF file of the board's firmware, for Xtensa or RISC-V: build/NAME.elf of its ESP-IDF project.",
  );
}

/** As a shell takes it; the usual pattern is for the shell to fill in. */
function quoted(path: string): string {
  return path === usualElf || /^[\w@%+=:,./-]+$/.test(path) ? path : `'${path.replaceAll("'", "'\\''")}'`;
}
