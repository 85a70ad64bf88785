/**
 * Lines of `wamlet monitor`: the agent's log by level, console text as it comes, panics with the way to their place
 * in the source, notes of the monitor itself.
 */
import { printableText } from "./board_connection.js";
import { ConsoleLines } from "./console_lines.js";
import type { Output } from "./output.js";
import type { PanicDecoder } from "./panic_decoder.js";
import { type Panic, PanicReader } from "./panic_reader.js";

const levelNames = ["none", "error", "warning", "information", "debug"] as const;

/** Who leaves does not wait longer for a decoder than this. */
const leaveMilliseconds = 2000;

export class MonitorLines {
  readonly #output: Output;
  readonly #timestamps: boolean;
  readonly #decoder: PanicDecoder;
  readonly #panics = new PanicReader();
  readonly #console = new ConsoleLines(
    (line) => this.#consoleLine(line),
    () => this.#explain(this.#panics.complete(null)),
  );
  /** Panics are explained one after the other. */
  #explained: Promise<void> = Promise.resolve();

  constructor(output: Output, timestamps: boolean, decoder: PanicDecoder) {
    this.#output = output;
    this.#timestamps = timestamps;
    this.#decoder = decoder;
  }

  /** What the agent says of its chip: whose tools read a panic. */
  set chip(chip: string) {
    this.#panics.chip = chip;
  }

  /** A line of the agent's log. */
  log(level: number, text: string): void {
    this.#console.flush();
    const name = levelNames[level] ?? "debug";
    this.#print(
      "log",
      name,
      `${letter(name)} ${printableText(text)}`,
      printableText(text),
      this.#colour(name),
    );
  }

  /** Text of the console: a piece of a line or several lines, and coloured by ESP-IDF. */
  console(text: string): void {
    this.#console.push(text);
  }

  /** Prints what still waits: the last line, and what a panic's addresses mean. */
  async end(): Promise<void> {
    this.#console.flush();
    const late = new Promise((resolve) => setTimeout(resolve, leaveMilliseconds).unref());
    await Promise.race([this.#explained, late]);
  }

  #consoleLine(line: string): void {
    const plain = printableText(line).trimEnd();
    this.#explain(this.#panics.complete(plain));
    const { grave, addresses } = this.#panics.read(plain);
    if (plain === "") return;
    const said = espLevels[/^([EWIDV]) \(\d+\)/.exec(plain)?.[1] ?? ""];
    const level = grave ? "error" : (said ?? null);
    const colour = level === null ? (same: string) => same : this.#colour(level);
    this.#print("console", level, this.#marked(plain, addresses), plain, colour);
  }

  #explain(panic: Panic | null): void {
    if (panic === null) return;
    const hint = this.#decoder.hint(panic);
    if (hint !== null) this.note(hint);
    else this.#decode(panic);
  }

  #decode(panic: Panic): void {
    this.#explained = this.#explained.then(async () => {
      for (const line of await this.#decoder.decode(panic)) this.note(printableText(line));
    });
  }

  /** The line with its addresses standing out. */
  #marked(line: string, addresses: readonly string[]): string {
    const { bold, cyan } = this.#output.colors;
    if (addresses.length === 0) return line;
    return line.replace(new RegExp(`\\b(${addresses.join("|")})\\b`, "g"), (address) => bold(cyan(address)));
  }

  /** A word of the monitor's own. */
  note(text: string): void {
    this.#print("monitor", null, `-- ${text}`, text, this.#output.colors.dim);
  }

  #print(
    from: "log" | "console" | "monitor",
    level: string | null,
    line: string,
    text: string,
    colour: (line: string) => string,
  ): void {
    const now = new Date();
    if (this.#output.json) {
      this.#output.record({ time: now.toISOString(), from, level, text });
      return;
    }
    const time = this.#timestamps ? `${this.#output.colors.dim(clockTime(now))} ` : "";
    this.#output.line(`${time}${colour(line)}`);
  }

  #colour(level: string): (line: string) => string {
    const { dim, red, yellow } = this.#output.colors;
    if (level === "error") return red;
    if (level === "warning") return yellow;
    return level === "debug" ? dim : (line) => line;
  }
}

/** The letters that ESP-IDF's log lines begin with: `I (312) boot: …`. */
const espLevels: Readonly<Record<string, string>> = {
  E: "error",
  W: "warning",
  I: "information",
  D: "debug",
  V: "debug",
};

function letter(level: string): string {
  return level.charAt(0).toUpperCase();
}

/** Local time to the millisecond. */
function clockTime(time: Date): string {
  const two = (value: number) => String(value).padStart(2, "0");
  const milliseconds = String(time.getMilliseconds()).padStart(3, "0");
  return `${two(time.getHours())}:${two(time.getMinutes())}:${two(time.getSeconds())}.${milliseconds}`;
}
