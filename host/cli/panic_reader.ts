/**
 * Panics of ESP-IDF among a console's lines: which addresses a line holds that stand for code, and, when a panic
 * has been said, all of them for addr2line. Xtensa prints a backtrace; RISC-V prints registers and the stack, in
 * which return addresses lie among data (ESP-IDF, components/esp_system/port/arch and panic.c).
 */

export type Architecture = "xtensa" | "riscv32";

export interface Panic {
  readonly architecture: Architecture;
  /** ESP-IDF's name of the chip as its boot ROM said it; null where it was not seen. */
  readonly chip: string | null;
  /** `0x400d1234`, where it happened first, then who called. */
  readonly addresses: readonly string[];
}

export interface PanicLine {
  /** Whether the line belongs to a panic. */
  readonly grave: boolean;
  /** Addresses in the line that stand for code. */
  readonly addresses: readonly string[];
}

/** More calls than that nobody reads; a corrupted stack may hold many. */
const mostAddresses = 24;

const beginnings =
  /^(Guru Meditation Error|abort\(\) was called|assert failed|assertion ".*" failed|Debug exception reason|\*\*\*ERROR\*\*\* A stack overflow|Stack smashing protect failure|Task watchdog got triggered|E \(\d+\) task_wdt:)/;

export class PanicReader {
  #architecture: Architecture | null = null;
  #chip: string | null = null;
  #addresses = new Set<string>();
  /** A register dump or stack is under way: what comes next may be more of it. */
  #pending = false;
  /** Xtensa's program counter. */
  #counter: string | null = null;

  /** What is known of the chip from elsewhere: `ESP32-S3`. */
  set chip(name: string) {
    this.#chip = /^esp32([schp]\d+)?/.exec(name.toLowerCase().replaceAll("-", ""))?.[0] ?? this.#chip;
  }

  /** Takes a whole line of the console. */
  read(line: string): PanicLine {
    this.#chip = chipOf(line) ?? this.#chip;
    const backtrace = /^\s*Backtrace: ?(.*)$/.exec(line)?.[1];
    if (backtrace !== undefined) return this.#backtrace(backtrace);
    const registers = [...line.matchAll(/\b([A-Z][A-Z0-9/]{1,7})\s*: (0x[0-9a-f]{8})\b/g)];
    if (registers.length > 0) return this.#registers(registers);
    const stack = /^[0-9a-f]{8}: ((?:0x[0-9a-f]{8} ?)+)\s*$/.exec(line)?.[1];
    if (stack !== undefined && this.#pending) return this.#stack(stack);
    if (!beginnings.test(line)) return { grave: false, addresses: [] };
    this.#begin();
    const aborted = /^abort\(\) was called at PC (0x[0-9a-f]{8})/.exec(line)?.[1];
    this.#pending = aborted !== undefined;
    return this.#take(aborted === undefined ? [] : [aborted]);
  }

  /**
   * The panic that is complete when this line follows, once; null where none is, or more of it may come.
   * @param next the line that comes; null where nothing has come for a while
   */
  complete(next: string | null): Panic | null {
    if (!this.#pending) return null;
    if (next !== null && continues(next)) return null;
    this.#pending = false;
    if (this.#addresses.size === 0) return null;
    const addresses = [...this.#addresses].slice(0, mostAddresses);
    this.#addresses.clear();
    const architecture = this.#architecture ?? guessed(this.#chip, addresses);
    return { architecture, chip: this.#chip, addresses };
  }

  #begin(): void {
    this.#architecture = null;
    this.#counter = null;
    this.#addresses.clear();
    this.#pending = false;
  }

  /** `0x400d1234:0x3ffb5be0 …`, pairs of program counter and stack pointer. */
  #backtrace(text: string): PanicLine {
    // RISC-V can print one, too, below its registers (CONFIG_ESP_SYSTEM_USE_EH_FRAME).
    this.#architecture ??= "xtensa";
    this.#pending = true;
    // It begins at the program counter, three bytes before what the register says.
    this.#addresses.delete(this.#counter ?? "");
    return this.#take(
      [...text.matchAll(/\b(0x[0-9a-f]{8}):0x[0-9a-f]{8}/g)].map(([, counter]) => counter ?? ""),
    );
  }

  #registers(registers: readonly RegExpMatchArray[]): PanicLine {
    const values = new Map(registers.map(([, name = "", value = ""]) => [name, value]));
    const counter = values.get("MEPC") ?? values.get("PC");
    const returnAddress = values.get("RA");
    if (returnAddress !== undefined) this.#architecture = "riscv32";
    else if (counter !== undefined) [this.#architecture, this.#counter] = ["xtensa", counter];
    this.#pending ||= counter !== undefined;
    return this.#take([counter, returnAddress].filter((value) => value !== undefined));
  }

  /** Words that lie where code lies; data among them that looks like it gives lines of `??`. */
  #stack(text: string): PanicLine {
    return this.#take((text.match(/0x[0-9a-f]{8}/g) ?? []).filter(isRiscvCode));
  }

  #take(addresses: readonly string[]): PanicLine {
    for (const address of addresses) if (/[1-9a-f]/.test(address.slice(2))) this.#addresses.add(address);
    return { grave: true, addresses };
  }
}

/** Blank lines, headings, registers, rows of the stack: what stands between the parts of one panic. */
function continues(line: string): boolean {
  return (
    line.trim() === "" ||
    /^(Core\s+\d+ register dump|Stack memory|Backtrace:|ELF file SHA256|Setting breakpoint)/.test(
      line.trim(),
    ) ||
    /^[A-Z][A-Z0-9/]{1,7}\s*: 0x[0-9a-f]{8}\b/.test(line) ||
    /^[0-9a-f]{8}: 0x[0-9a-f]{8}/.test(line)
  );
}

/**
 * Flash of the RISC-V chips and instruction RAM of the C2 and C3. On C6 and H2 code and data share their RAM, where
 * every pointer into the stack would look like code.
 */
function isRiscvCode(address: string): boolean {
  const value = Number(address);
  return (value >= 0x4200_0000 && value < 0x4300_0000) || (value >= 0x4037_0000 && value < 0x4040_0000);
}

/** Of an abort without registers and backtrace. */
function guessed(chip: string | null, addresses: readonly string[]): Architecture {
  if (chip !== null) return /^esp32(s2|s3)?$/.test(chip) ? "xtensa" : "riscv32";
  return addresses.every((address) => address.startsWith("0x400")) ? "xtensa" : "riscv32";
}

/** Boot ROMs name their chip; the first ESP32's does so only by its date. */
function chipOf(line: string): string | null {
  const named = /^ESP-ROM:(esp32[a-z0-9]*)-/.exec(line)?.[1];
  return named ?? (/^ets (Jun {2}8|Jul 29) 20(16|19)/.test(line) ? "esp32" : null);
}
