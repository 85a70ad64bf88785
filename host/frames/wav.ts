/**
 * Frames from sound: a WAV file cut into windows whose samples are the tensor's elements. Features (MFCC, log
 * mel) are a model's own affair; TFLite's micro_speech has a model for them.
 *
 * What a sample means follows from the tensor: with full scale as ±1 (`unit`) or as ±32768 (`int16`).
 *   float32                                  → unit, as TensorFlow's decode_wav gives it
 *   int16 or int32 without a scale           → int16, whole numbers as they stand in a 16-bit file
 *   a scale by which the largest value is ≤ 4    → unit
 *   a scale by which the largest value is ≥ 8192 → int16
 * Anything else must be said (`sampleRange`).
 */

import { WamletError } from "../errors.js";
import { type FileSource, ranges } from "./file_source.js";
import { type FrameSet, frameSet } from "./frame_set.js";
import { singleInput } from "./frame_shape.js";
import { type FrameTensor, quantiseValues, realRange, tensorElements } from "./quantise.js";
import { checkSampleRate, round, type WindowOptions, windowing, windowsIn } from "./span.js";
import { readWavHeader, type WavHeader } from "./wav_header.js";

export type SampleRange = "unit" | "int16";

export interface WavOptions extends WindowOptions {
  /** Which channel of several: its number from 1, or `mix` (the default) for their mean. */
  readonly channel?: number | "mix" | undefined;
  /** What full scale is, where the tensor does not tell. */
  readonly sampleRange?: SampleRange | undefined;
}

/**
 * @param options `sampleRate` is the rate that the model expects: a file of another rate is refused
 * @throws WamletError WAMLET_INVALID_FRAMES, WAMLET_WRONG_SHAPE (window, channel, no range that fits),
 *   WAMLET_WRONG_RATE, WAMLET_USAGE; a NaN in a float file when its frame is read
 */
export function readWav(
  source: FileSource,
  expected: readonly FrameTensor[],
  options: WavOptions = {},
): FrameSet {
  const tensor = singleInput(expected, "WAV");
  const header = readWavHeader(source);
  const rate = checkSampleRate(options.sampleRate);
  if (rate !== null && rate !== header.sampleRate) {
    throw new WamletError(
      "WAMLET_WRONG_RATE",
      `${source.name} has a sample rate of ${header.sampleRate} Hz; expected ${rate} Hz.`,
      `Convert it, for instance with ffmpeg -ar ${rate}, or correct --sample-rate.`,
    );
  }
  const channels = chosenChannels(header, options.channel ?? "mix", source.name);
  const range = options.sampleRange ?? sampleRange(tensor);
  const windows = windowing(
    options,
    tensorElements(tensor),
    header.sampleRate,
    `tensor ${tensor.name} [${tensor.shape.join(", ")}]`,
  );
  const count = windowsIn(header.samples, windows);
  if (count === 0) {
    throw new WamletError(
      "WAMLET_WRONG_SHAPE",
      `${source.name} has ${header.samples} samples (${seconds(header)} s); one frame of tensor ${tensor.name} takes ${windows.window}.`,
      "Give a longer recording.",
    );
  }

  const target = quantisation(tensor, range);
  const fullScale = range === "unit" ? 1 : 32_768;
  const stride = header.encoding.bytes * header.channels;
  const read = ranges(source);
  const all = header.channels === 1 ? "" : ` of ${header.channels}`;
  return frameSet(
    {
      name: source.name,
      format: "wav",
      count,
      frameBytes: tensor.bytes,
      values: tensor.scale === null && tensor.type !== "float32" ? "quantised" : "real",
      labels: null,
      conversion:
        `${header.encoding.name}, ${header.sampleRate} Hz, ` +
        `${channels.length === 1 ? `channel ${(channels[0] ?? 0) + 1}${all}` : `mean${all} channels`}; ` +
        `full scale as ${range === "unit" ? "−1..1" : "−32768..32767"}; ` +
        `windows of ${windows.window}, hop ${windows.hop} samples`,
    },
    (index) => {
      const bytes = read(header.dataOffset + index * windows.hop * stride, windows.window * stride);
      const samples = mix(bytes, header, channels, fullScale);
      const frame = quantiseValues(samples, target, `frame ${index} of ${source.name}`);
      return { index, inputs: [frame.bytes], label: null, clamped: frame.clamped };
    },
  );
}

/** The mean of the chosen channels, sample by sample. */
function mix(
  bytes: Uint8Array,
  { encoding, channels }: WavHeader,
  chosen: readonly number[],
  fullScale: number,
): Float64Array {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const stride = encoding.bytes * channels;
  const samples = new Float64Array(bytes.length / stride);
  for (let index = 0; index < samples.length; index++) {
    let sum = 0;
    for (const channel of chosen) sum += encoding.read(view, index * stride + channel * encoding.bytes);
    samples[index] = (sum / chosen.length) * fullScale;
  }
  return samples;
}

function chosenChannels({ channels }: WavHeader, channel: number | "mix", name: string): number[] {
  if (channel === "mix") return Array.from({ length: channels }, (_, index) => index);
  if (Number.isInteger(channel) && channel >= 1 && channel <= channels) return [channel - 1];
  throw new WamletError(
    "WAMLET_WRONG_SHAPE",
    `${name} has ${channels} channel${channels === 1 ? "" : "s"}; there is no channel ${channel}.`,
    `Give --channel 1${channels === 1 ? "" : ` to ${channels}`} or --channel mix.`,
  );
}

/** How the tensor's own range tells what full scale is; the header comment has the rule. */
function sampleRange(tensor: FrameTensor): SampleRange {
  if (tensor.type === "float32") return "unit";
  const range = realRange(tensor);
  if (range === null && (tensor.type === "int16" || tensor.type === "int32")) return "int16";
  const largest = range === null ? Number.NaN : Math.max(-range.lowest, range.highest);
  if (largest <= 4) return "unit";
  if (largest >= 8192) return "int16";
  throw new WamletError(
    "WAMLET_WRONG_SHAPE",
    `Tensor ${tensor.name} takes ${range === null ? `whole ${tensor.type} numbers` : `values from ${round(range.lowest)} to ${round(range.highest)}`}; sound is −1 to 1 or −32768 to 32767.`,
    "Say which the model was trained on with --sample-range unit or --sample-range int16; a model of features (MFCC, log mel) takes those as .npy.",
  );
}

/** The tensor to quantise for: without a scale, samples are rounded to whole numbers. */
function quantisation(tensor: FrameTensor, range: SampleRange): FrameTensor {
  if (tensor.scale !== null || tensor.type === "float32") return tensor;
  if (range === "int16" && (tensor.type === "int16" || tensor.type === "int32")) {
    return { ...tensor, scale: 1, zeroPoint: 0 };
  }
  throw new WamletError(
    "WAMLET_WRONG_SHAPE",
    `Tensor ${tensor.name} is ${tensor.type} without a scale and cannot hold sound ${range === "unit" ? "from −1 to 1" : "of 16 bits"}.`,
    "Compile a model whose input is int16, float32 or quantised.",
  );
}

function seconds({ samples, sampleRate }: WavHeader): number {
  return round(samples / sampleRate);
}
