/** A folder of its own for each test file: a flash file, a cache, and modules compiled once by the command itself. */
import { type ChildProcess, spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { packagePath } from "../../host/package_root.js";
import { type Run, runWamlet } from "./run_wamlet.js";

export const example = (...parts: string[]) => packagePath("examples", ...parts);

export class Workplace {
  readonly folder = mkdtempSync(join(tmpdir(), "wamlet-cli-"));
  readonly environment: Readonly<Record<string, string>> = { WAMLET_CACHE: join(this.folder, "cache") };
  /** A virtual board that remembers from one command to the next. */
  readonly port = `emulator:esp32?flash=${join(this.folder, "board.flash")}`;

  path(name: string): string {
    return join(this.folder, name);
  }

  /** Runs the command in this folder. */
  run(...words: string[]): Promise<Run> {
    return runWamlet(words, { cwd: this.folder, environment: this.environment });
  }

  /** Runs it with something on stdin. */
  pipe(input: string | Uint8Array, ...words: string[]): Promise<Run> {
    return runWamlet(words, { cwd: this.folder, environment: this.environment, input });
  }

  /** Runs it and parses what `--json` prints, which must be one document and nothing else. */
  // biome-ignore lint/suspicious/noExplicitAny: a test looks into JSON as it comes
  async json(...words: string[]): Promise<any> {
    const { stdout } = await this.run(...words, "--json");
    return JSON.parse(stdout);
  }

  /** Compiles a bundled model to `<name>.wasm`. @returns its path */
  async compile(name: "digits" | "motion", ...words: string[]): Promise<string> {
    const path = this.path(`${name}${words.includes("--profile") ? "_profile" : ""}.wasm`);
    const model = example(name, `${name}.tflite`);
    const { exitCode, stderr } = await this.run("compile", model, "-o", path, ...words);
    if (exitCode !== 0) throw new Error(stderr);
    return path;
  }

  /** Starts the command without waiting for its end. */
  start(...words: string[]): Running {
    const main = packagePath("dist", "host", "cli", "main.js");
    const { NO_COLOR: _noColor, FORCE_COLOR: _forceColor, WAMLET_PORT: _port, ...machine } = process.env;
    return new Running(
      spawn(process.execPath, [main, ...words], {
        cwd: this.folder,
        env: { ...machine, ...this.environment },
        stdio: ["ignore", "pipe", "pipe"],
      }),
    );
  }

  /** Starts `wamlet emulate` on a free port. */
  async emulate(...words: string[]): Promise<Running & { readonly url: string }> {
    const board = this.start("emulate", ...words);
    const [, url = ""] = await board.saw(/READY (tcp:\/\/\S+)/);
    return Object.assign(board, { url });
  }

  close(): void {
    rmSync(this.folder, { recursive: true, force: true });
  }
}

/** A command that runs, with what it has printed so far. */
export class Running {
  stdout = "";
  stderr = "";
  readonly child: ChildProcess;
  readonly ended: Promise<number | null>;
  #look: () => void = () => {};

  constructor(child: ChildProcess) {
    this.child = child;
    for (const name of ["stdout", "stderr"] as const) {
      child[name]?.setEncoding("utf8").on("data", (text: string) => {
        this[name] += text;
        this.#look();
      });
    }
    this.ended = new Promise((resolve) => {
      child.on("close", (code) => {
        resolve(code);
        this.#look();
      });
    });
  }

  /** Resolves when what it has printed holds the pattern. */
  saw(pattern: RegExp, where: "stdout" | "stderr" = "stdout"): Promise<RegExpExecArray> {
    return new Promise((resolve, reject) => {
      this.#look = () => {
        const found = pattern.exec(this[where]);
        if (found !== null) resolve(found);
        else if (this.child.exitCode !== null) {
          reject(new Error(`ended without ${pattern}: ${this.stdout}${this.stderr}`));
        }
      };
      this.#look();
    });
  }

  /** Sends a signal and waits for the end. @returns the exit code */
  end(signal: NodeJS.Signals = "SIGINT"): Promise<number | null> {
    this.child.kill(signal);
    return this.ended;
  }
}
