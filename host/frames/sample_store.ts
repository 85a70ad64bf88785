/**
 * Samples of a signal as they come, quantised, with their labels: what windows are cut from. A window is a copy
 * of neighbouring samples, so overlapping ones share everything here.
 */

import type { FrameTensor, QuantisedValues } from "./quantise.js";
import { type Windowing, windowsIn } from "./span.js";

export class SampleStore {
  #bytes = new Uint8Array(4096);
  #count = 0;
  readonly #clamped: number[] = [];
  /** The label of each sample as a position in `#names`. */
  readonly #labels: number[] = [];
  readonly #names: string[] = [];
  readonly #positions = new Map<string, number>();
  /** Samples before which there is a gap, in order. */
  readonly #splits: number[] = [];

  /** @param sample one sample as a tensor: `[axes]` */
  constructor(readonly sample: FrameTensor) {}

  get samples(): number {
    return this.#count;
  }

  add({ bytes, clamped }: QuantisedValues, label: string | null): void {
    const end = (this.#count + 1) * this.sample.bytes;
    if (end > this.#bytes.length) {
      const larger = new Uint8Array(Math.max(end, this.#bytes.length * 2));
      larger.set(this.#bytes);
      this.#bytes = larger;
    }
    this.#bytes.set(bytes, end - this.sample.bytes);
    this.#clamped.push(clamped);
    if (label !== null) {
      let position = this.#positions.get(label);
      if (position === undefined) {
        position = this.#names.push(label) - 1;
        this.#positions.set(label, position);
      }
      this.#labels.push(position);
    }
    this.#count++;
  }

  /** No window goes over this point. */
  split(): void {
    if (this.#splits.at(-1) !== this.#count) this.#splits.push(this.#count);
  }

  /** Where each window begins: from the first sample of every stretch without gaps. */
  windowStarts(windows: Windowing): number[] {
    const starts: number[] = [];
    for (const [from, to] of this.#stretches()) {
      const count = windowsIn(to - from, windows);
      for (let index = 0; index < count; index++) starts.push(from + index * windows.hop);
    }
    return starts;
  }

  /** Samples of the longest stretch without gaps. */
  longestStretch(): number {
    let longest = 0;
    for (const [from, to] of this.#stretches()) longest = Math.max(longest, to - from);
    return longest;
  }

  /** The samples of a window, `[window, axes]` in C order. */
  window(start: number, length: number): QuantisedValues {
    const { bytes } = this.sample;
    let clamped = 0;
    for (let index = start; index < start + length; index++) clamped += this.#clamped[index] ?? 0;
    return { bytes: this.#bytes.slice(start * bytes, (start + length) * bytes), clamped };
  }

  /** The label of a window; of several that are equally frequent, the one that comes last. */
  label(start: number, length: number, rule: "majority" | "last"): string {
    const last = this.#labels[start + length - 1] ?? 0;
    if (rule === "last") return this.#names[last] ?? "";
    const counts = new Map<number, number>();
    let best = last;
    for (let index = start; index < start + length; index++) {
      const label = this.#labels[index] ?? 0;
      // Taken out and put back, so that the map is in the order of last occurrence.
      const count = (counts.get(label) ?? 0) + 1;
      counts.delete(label);
      counts.set(label, count);
    }
    let most = 0;
    for (const [label, count] of counts) {
      if (count >= most) [best, most] = [label, count];
    }
    return this.#names[best] ?? "";
  }

  *#stretches(): Generator<[from: number, to: number]> {
    let from = 0;
    for (const to of this.#splits) {
      yield [from, to];
      from = to;
    }
    yield [from, this.#count];
  }
}
