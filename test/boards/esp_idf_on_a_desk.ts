/**
 * The ESP-IDF port as a process of this computer, started and stopped: test/boards/esp_idf_desk_build.ts builds it.
 */
import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { createInterface } from "node:readline";
import { compileDesk, processor } from "./esp_idf_desk_build.js";
import { compiler, compilerMissing } from "./harness.js";

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

/** Builds it, or finds it built. */
export async function buildDesk(): Promise<Desk> {
  const executable = await compileDesk();
  const folder = mkdtempSync(join(tmpdir(), "wamlet-desk-"));
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
