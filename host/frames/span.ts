/**
 * Lengths of time on a sampled signal: a window of 1000 ms or of 16 000 samples, and the hop from one window to
 * the next. Sound and motion share them.
 */

import { WamletError } from "../errors.js";

export type Span = { readonly samples: number } | { readonly milliseconds: number };

/** What cuts a signal into frames. */
export interface WindowOptions {
  /** Samples in a second, in Hz: what the model was trained on. */
  readonly sampleRate?: number | undefined;
  /** Length of a frame; it must be the tensor's, and is only given to have that checked. */
  readonly window?: Span | undefined;
  /** From the beginning of one frame to that of the next; left out, frames follow each other without overlap. */
  readonly hop?: Span | undefined;
}

/** Windows in samples, both at least 1. */
export interface Windowing {
  readonly window: number;
  readonly hop: number;
}

/**
 * `500ms`, `0.5s` or, in samples, `8000`.
 * @param flag what the command line calls it, for the error
 * @throws WamletError WAMLET_USAGE
 */
export function parseSpan(text: string, flag: string): Span {
  const match = /^(\d{1,12}(?:\.\d{1,12})?)\s*(ms|s)?$/.exec(text.trim());
  const number = Number(match?.[1]);
  if (match !== null && number > 0) {
    if (match[2] === "ms") return { milliseconds: number };
    if (match[2] === "s") return { milliseconds: number * 1000 };
    if (Number.isInteger(number)) return { samples: number };
  }
  throw usage(
    `${flag} ${text.slice(0, 40)} is no length of time`,
    `Write ${flag} 500ms, 0.5s or 8000 (samples).`,
  );
}

/**
 * A span in samples; milliseconds are rounded to the nearest sample.
 * @throws WamletError WAMLET_USAGE for milliseconds without a rate, or less than one sample
 */
export function spanSamples(span: Span, sampleRate: number | null, flag: string): number {
  if ("milliseconds" in span && sampleRate === null) {
    throw usage(
      `${flag} ${span.milliseconds}ms needs the sample rate`,
      "Give --sample-rate, or the length in samples.",
    );
  }
  const samples =
    "samples" in span ? span.samples : Math.round((span.milliseconds * (sampleRate ?? 0)) / 1000);
  if (Number.isSafeInteger(samples) && samples >= 1) return samples;
  throw usage(`${flag} comes to ${samples} samples`, "It takes a whole number of samples, at least one.");
}

/**
 * Windows of the tensor's length.
 * @param needed samples that one frame of the tensor takes
 * @param tensor how errors name the tensor, with its shape
 * @throws WamletError WAMLET_WRONG_SHAPE for a window that is not the tensor's, WAMLET_USAGE
 */
export function windowing(
  options: WindowOptions,
  needed: number,
  sampleRate: number | null,
  tensor: string,
): Windowing {
  const hop = options.hop === undefined ? needed : spanSamples(options.hop, sampleRate, "--hop");
  if (options.window === undefined) return { window: needed, hop };
  const window = spanSamples(options.window, sampleRate, "--window");
  if (window === needed) return { window, hop };
  const rate =
    sampleRate === null ? "" : ` (${round(milliseconds(needed, sampleRate))} ms at ${sampleRate} Hz)`;
  throw new WamletError(
    "WAMLET_WRONG_SHAPE",
    `The window has ${window} samples; ${tensor} takes ${needed}${rate}.`,
    `Leave --window out or give --window ${needed}; a window of another length needs another model.`,
  );
}

/** Whole windows in `samples` samples. */
export function windowsIn(samples: number, { window, hop }: Windowing): number {
  return samples < window ? 0 : Math.floor((samples - window) / hop) + 1;
}

/** @throws WamletError WAMLET_USAGE for a rate that no signal has */
export function checkSampleRate(rate: number | undefined): number | null {
  if (rate === undefined) return null;
  if (Number.isFinite(rate) && rate > 0) return rate;
  throw usage(`--sample-rate ${rate} is no rate`, "Give the rate in Hz, such as --sample-rate 16000.");
}

function milliseconds(samples: number, sampleRate: number): number {
  return (samples / sampleRate) * 1000;
}

/** Three digits after the point at most. */
export function round(value: number): number {
  return Math.round(value * 1000) / 1000;
}

function usage(message: string, hint: string): WamletError {
  return new WamletError("WAMLET_USAGE", `${message}.`, hint);
}
