/**
 * The header of a WAV file: a RIFF list of chunks, of which `fmt ` says how samples are stored and `data` holds
 * them (Multimedia Programming Interface and Data Specifications 1.0, and WAVEFORMATEXTENSIBLE). Other chunks
 * (LIST, fact, bext, cue) are passed over.
 */

import { WamletError } from "../errors.js";
import type { FileSource } from "./file_source.js";

/** One way of storing a sample. */
export interface WavEncoding {
  /** `16-bit PCM`. */
  readonly name: string;
  /** Bytes of one sample of one channel. */
  readonly bytes: number;
  /** The sample at a byte offset, full scale being −1 to 1. */
  readonly read: (view: DataView, offset: number) => number;
}

export interface WavHeader {
  readonly encoding: WavEncoding;
  readonly channels: number;
  /** In Hz. */
  readonly sampleRate: number;
  /** Where the first sample begins. */
  readonly dataOffset: number;
  /** Samples of each channel. */
  readonly samples: number;
}

const pcm: Readonly<Record<number, WavEncoding>> = {
  // The only unsigned one.
  8: { name: "8-bit PCM", bytes: 1, read: (view, offset) => (view.getUint8(offset) - 128) / 128 },
  16: { name: "16-bit PCM", bytes: 2, read: (view, offset) => view.getInt16(offset, true) / 2 ** 15 },
  24: {
    name: "24-bit PCM",
    bytes: 3,
    read: (view, offset) => (view.getInt8(offset + 2) * 2 ** 16 + view.getUint16(offset, true)) / 2 ** 23,
  },
  32: { name: "32-bit PCM", bytes: 4, read: (view, offset) => view.getInt32(offset, true) / 2 ** 31 },
};

const float32: WavEncoding = {
  name: "32-bit float",
  bytes: 4,
  read: (view, offset) => view.getFloat32(offset, true),
};

const pcmFormat = 1;
const floatFormat = 3;
const extensibleFormat = 0xfffe;
/** What follows the format code in the GUID of an extensible header: 0000-0010-8000-00AA00389B71. */
const guidTail = [0, 0, 0, 0, 16, 0, 128, 0, 0, 170, 0, 56, 155, 113];

/** Programs that write into a pipe do not know the length and leave this. */
const unknownLength = 0xffff_ffff;
const mostChunks = 1024;
const mostChannels = 64;
const highestRate = 1_000_000;

/** The first bytes of a WAV file: `RIFF`, a length, `WAVE`. */
export function isWav(start: Uint8Array): boolean {
  return tag(start, 0) === "RIFF" && tag(start, 8) === "WAVE";
}

/**
 * Reads and checks the header; the file must hold exactly the samples that it announces.
 * @throws WamletError WAMLET_INVALID_FRAMES
 */
export function readWavHeader(source: FileSource): WavHeader {
  const refuse = (what: string, hint = "Write it anew, for instance with ffmpeg -c:a pcm_s16le.") =>
    new WamletError("WAMLET_INVALID_FRAMES", `${source.name} is no readable WAV file: ${what}.`, hint);

  const start = source.read(0, Math.min(12, source.size));
  if (!isWav(start)) throw refuse("it does not begin with RIFF … WAVE");
  let format: Format | null = null;
  let offset = 12;
  for (let chunk = 0; chunk < mostChunks && offset + 8 <= source.size; chunk++) {
    const head = source.read(offset, 8);
    const length = new DataView(head.buffer, head.byteOffset).getUint32(4, true);
    const left = source.size - offset - 8;
    const id = tag(head, 0);
    if (id === "data") {
      if (format === null) throw refuse("its samples come before their format");
      const bytes = length === unknownLength ? left - (left % format.frameBytes) : length;
      if (bytes > left) throw refuse(`it announces ${bytes} bytes of samples and holds ${left}`);
      if (bytes % format.frameBytes !== 0) {
        throw refuse(`its ${bytes} bytes of samples are not a multiple of ${format.frameBytes}`);
      }
      const { encoding, channels, sampleRate, frameBytes } = format;
      return { encoding, channels, sampleRate, dataOffset: offset + 8, samples: bytes / frameBytes };
    }
    if (length > left) throw refuse(`its chunk '${id}' is cut off`);
    if (id === "fmt ") {
      if (format !== null) throw refuse("it has two formats");
      format = readFormat(source.read(offset + 8, Math.min(length, 40)), refuse);
    }
    // Chunks begin at even offsets.
    offset += 8 + length + (length % 2);
  }
  throw refuse("it has no samples");
}

interface Format {
  readonly encoding: WavEncoding;
  readonly channels: number;
  readonly sampleRate: number;
  /** Bytes of one sample of all channels. */
  readonly frameBytes: number;
}

function readFormat(bytes: Uint8Array, refuse: (what: string, hint?: string) => WamletError): Format {
  if (bytes.length < 16) throw refuse(`its format takes ${bytes.length} bytes, expected at least 16`);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let code = view.getUint16(0, true);
  const channels = view.getUint16(2, true);
  const sampleRate = view.getUint32(4, true);
  const frameBytes = view.getUint16(12, true);
  const bits = view.getUint16(14, true);
  if (code === extensibleFormat) {
    if (bytes.length < 40) throw refuse(`its extensible format takes ${bytes.length} bytes, expected 40`);
    code = guidTail.every((byte, index) => bytes[26 + index] === byte) ? view.getUint16(24, true) : code;
  }
  const encoding = code === pcmFormat ? pcm[bits] : code === floatFormat && bits === 32 ? float32 : undefined;
  if (encoding === undefined) {
    throw refuse(
      `its samples are ${bits}-bit of format ${code}; known are PCM of 8, 16, 24 and 32 bits and 32-bit float`,
      "Convert it, for instance with ffmpeg -c:a pcm_s16le.",
    );
  }
  if (channels === 0 || channels > mostChannels) throw refuse(`it has ${channels} channels`);
  if (sampleRate === 0 || sampleRate > highestRate) throw refuse(`its sample rate is ${sampleRate} Hz`);
  if (frameBytes !== channels * encoding.bytes) {
    throw refuse(`its ${channels} channels of ${encoding.name} do not take ${frameBytes} bytes a sample`);
  }
  return { encoding, channels, sampleRate, frameBytes };
}

/** Four letters, as they stand in the file. */
function tag(bytes: Uint8Array, offset: number): string {
  return String.fromCharCode(...bytes.subarray(offset, offset + 4));
}
