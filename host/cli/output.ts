/**
 * stdout: results for people or, with `--json`, for programs. Colours follow NO_COLOR and FORCE_COLOR, else
 * whether a terminal reads.
 */
import picocolors from "picocolors";

export type Colors = ReturnType<typeof picocolors.createColors>;

/** A stream that text goes to: process.stdout, process.stderr. */
export type TextStream = NodeJS.WritableStream & { readonly isTTY?: boolean; readonly columns?: number };

type Environment = Readonly<Record<string, string | undefined>>;

/** Columns where the stream is no terminal. */
const defaultColumns = 100;

export class Output {
  #json: boolean;
  readonly colors: Colors;
  readonly #stream: TextStream;
  readonly #beforeWrite: () => void;
  #closed = false;

  /**
   * @param beforeWrite called before each write, to take a progress line off the screen
   * @param onClosed called once when writing fails, as when the reader has gone; later writes vanish
   */
  constructor(
    stream: TextStream,
    environment: Environment,
    options: {
      readonly json: boolean;
      readonly beforeWrite: () => void;
      readonly onClosed: (error: NodeJS.ErrnoException) => void;
    },
  ) {
    this.#json = options.json;
    this.colors = colorsFor(stream, environment);
    this.#stream = stream;
    this.#beforeWrite = options.beforeWrite;
    stream.on("error", (error: NodeJS.ErrnoException) => {
      if (this.#closed) return;
      this.#closed = true;
      options.onClosed(error);
    });
  }

  /** Whether results and errors are JSON. */
  get json(): boolean {
    return this.#json;
  }

  /** What the parsed command line says of `--json`. */
  useJson(json: boolean): void {
    this.#json = json;
  }

  get columns(): number {
    return this.#stream.columns ?? defaultColumns;
  }

  /** A result: `value` as JSON with `--json`, else whatever `render` prints. */
  result(value: unknown, render: () => void): void {
    if (this.json) this.#write(`${JSON.stringify(value, plainJson, 2)}\n`);
    else render();
  }

  /** One record of a stream as a line of JSON, whatever `--json` says (`-o jsonl`). */
  record(value: unknown): void {
    this.#write(`${JSON.stringify(value, plainJson)}\n`);
  }

  /** A line of text. */
  line(text = ""): void {
    this.#write(`${text}\n`);
  }

  /** Bytes as they are, for `--output -`. */
  bytes(bytes: Uint8Array): void {
    this.#write(bytes);
  }

  /** Resolves when all that was printed is out, or can no longer be. */
  async flush(): Promise<void> {
    if (this.#closed) return;
    await new Promise<void>((resolve) => this.#stream.write("", () => resolve()));
    // A failed write calls back before it emits its error.
    await new Promise<void>((resolve) => setImmediate(resolve));
  }

  #write(data: string | Uint8Array): void {
    if (this.#closed) return;
    this.#beforeWrite();
    this.#stream.write(data);
  }
}

/** NO_COLOR wins over FORCE_COLOR (no-color.org, force-color.org); an empty or, for FORCE_COLOR, 0 value is none. */
export function colorsFor(stream: TextStream, environment: Environment): Colors {
  const forced = environment.FORCE_COLOR;
  if (environment.NO_COLOR) return picocolors.createColors(false);
  if (forced) return picocolors.createColors(forced !== "0" && forced !== "false");
  return picocolors.createColors(stream.isTTY === true && environment.TERM !== "dumb");
}

/** JSON knows neither typed arrays nor BigInt. */
function plainJson(_key: string, value: unknown): unknown {
  if (typeof value === "bigint")
    return Number.isSafeInteger(Number(value)) ? Number(value) : value.toString();
  if (ArrayBuffer.isView(value) && !(value instanceof DataView)) return Array.from(value as Uint8Array);
  return value;
}
