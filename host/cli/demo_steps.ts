/** The demo's story, a line for each thing that is done; silent where the report is JSON. */
import type { Board } from "../descriptor/board.js";
import type { Deployment } from "./deploy_module.js";
import { formatBytes, formatFrequency, formatTime } from "./format.js";
import type { Output } from "./output.js";

export class DemoSteps {
  readonly #output: Output;

  constructor(output: Output) {
    this.#output = output;
  }

  title(text: string): void {
    if (this.#output.json) return;
    this.#output.line(this.#output.colors.bold(text));
    this.#output.line();
  }

  compiled(file: string, modelBytes: number, moduleBytes: number, milliseconds: number): void {
    const sizes = `${formatBytes(modelBytes)} → ${formatBytes(moduleBytes)} of WebAssembly`;
    this.#done("compiled", `${file}, ${sizes}, in ${formatTime(milliseconds * 1000)}`);
  }

  poweredOn({ clockHertz, memory }: Board, baudRate: number | null): void {
    const figures = [
      formatFrequency(clockHertz.value),
      `${formatBytes(memory.poolBytes.value)} for modules`,
      `serial line of ${baudRate ?? 0} baud`,
    ];
    this.#done("powered on", figures.join(", "));
  }

  deployed({ sentBytes, microseconds, bytesPerSecond }: Deployment): void {
    const speed = `${formatBytes(sentBytes)} in ${formatTime(microseconds)} (${formatBytes(Math.round(bytesPerSecond))}/s)`;
    this.#done("deployed", `${speed}, SHA-256 read back matches`);
  }

  streamed(frames: number, microseconds: number, milliseconds: number): void {
    const board = `${formatTime(microseconds)} of the board's time`;
    this.#done("streamed", `${frames} frames in ${board}, ${formatTime(milliseconds * 1000)} here`);
  }

  profiled(layers: number, inferences: number): void {
    this.#done("profiled", `${layers} layers over ${inferences} frames, by a build that tells them apart`);
  }

  #done(what: string, text: string): void {
    const { json, colors } = this.#output;
    if (!json) this.#output.line(`${colors.green("✓")} ${what.padEnd(12)}${text}`);
  }
}
