/** Lines of `wamlet monitor`: the agent's log by level, console text as it comes, notes of the monitor itself. */
import { printableText } from "./board_connection.js";
import type { Output } from "./output.js";

const levelNames = ["none", "error", "warning", "information", "debug"] as const;

export class MonitorLines {
  readonly #output: Output;
  readonly #timestamps: boolean;

  constructor(output: Output, timestamps: boolean) {
    this.#output = output;
    this.#timestamps = timestamps;
  }

  /** A line of the agent's log. */
  log(level: number, text: string): void {
    const name = levelNames[level] ?? "debug";
    this.#print(
      "log",
      name,
      `${letter(name)} ${printableText(text)}`,
      printableText(text),
      this.#colour(name),
    );
  }

  /** Text of the console; it may be several lines, and coloured by ESP-IDF. */
  console(text: string): void {
    for (const line of text.split(/\r\n|\n|\r/)) {
      const plain = printableText(line).trimEnd();
      if (plain === "") continue;
      const level = espLevels[/^([EWIDV]) \(\d+\)/.exec(plain)?.[1] ?? ""] ?? null;
      this.#print("console", level, plain, plain, level === null ? (same) => same : this.#colour(level));
    }
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
