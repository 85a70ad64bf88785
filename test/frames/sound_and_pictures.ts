/** Files that the tests of sound and images build: WAV and PNG, byte by byte. */

import { deflateSync } from "node:zlib";
import { buf as crc32 } from "crc-32";

export interface WavParts {
  bits?: number;
  channels?: number;
  sampleRate?: number;
  /** 1 PCM, 3 float. */
  format?: number;
  extensible?: boolean;
  /** Length that the data chunk announces, instead of its own. */
  announced?: number;
  /** Chunks before the samples, as they are. */
  before?: Uint8Array;
}

export function wavFile(data: Uint8Array, parts: WavParts = {}): { name: string; bytes: Uint8Array } {
  const { bits = 16, channels = 1, sampleRate = 16_000, format = 1, extensible = false } = parts;
  const stride = (channels * bits) / 8;
  const fmt = Buffer.alloc(extensible ? 40 : 16);
  fmt.writeUInt16LE(extensible ? 0xfffe : format, 0);
  fmt.writeUInt16LE(channels, 2);
  fmt.writeUInt32LE(sampleRate, 4);
  fmt.writeUInt32LE(sampleRate * stride, 8);
  fmt.writeUInt16LE(stride, 12);
  fmt.writeUInt16LE(bits, 14);
  if (extensible) {
    fmt.writeUInt16LE(22, 16);
    fmt.writeUInt16LE(bits, 18);
    fmt.writeUInt16LE(format, 24);
    fmt.set([0, 0, 0, 0, 16, 0, 128, 0, 0, 170, 0, 56, 155, 113], 26);
  }
  const body = Buffer.concat([
    Buffer.from("WAVE"),
    riffChunk("fmt ", fmt),
    parts.before ?? Buffer.alloc(0),
    riffChunk("data", data, parts.announced),
  ]);
  return { name: "sound.wav", bytes: Uint8Array.from(riffChunk("RIFF", body)) };
}

export function riffChunk(id: string, content: Uint8Array, announced = content.length): Buffer {
  const head = Buffer.alloc(8);
  head.write(id, "latin1");
  head.writeUInt32LE(announced, 4);
  return Buffer.concat([head, content, Buffer.alloc(content.length % 2)]);
}

export interface PngParts {
  width: number;
  height: number;
  depth?: number;
  colourType?: number;
  interlaced?: boolean;
  /** Rows as they stand before compression, each with its filter byte. */
  rows: Uint8Array;
  palette?: Uint8Array;
}

const signature = [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a];

export function pngFile(parts: PngParts): { name: string; bytes: Uint8Array } {
  const header = Buffer.alloc(13);
  header.writeUInt32BE(parts.width, 0);
  header.writeUInt32BE(parts.height, 4);
  header.set([parts.depth ?? 8, parts.colourType ?? 0, 0, 0, parts.interlaced ? 1 : 0], 8);
  const chunks = [
    Buffer.from(signature),
    pngChunk("IHDR", header),
    ...(parts.palette === undefined ? [] : [pngChunk("PLTE", parts.palette)]),
    pngChunk("IDAT", deflateSync(parts.rows)),
    pngChunk("IEND", new Uint8Array(0)),
  ];
  return { name: "picture.png", bytes: Uint8Array.from(Buffer.concat(chunks)) };
}

/** A grey picture of 8 bits whose pixels a function gives. */
export function greyPng(width: number, height: number, pixel: (x: number, y: number) => number) {
  const rows = Buffer.alloc((width + 1) * height);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) rows[y * (width + 1) + 1 + x] = pixel(x, y);
  }
  return pngFile({ width, height, rows });
}

function pngChunk(type: string, content: Uint8Array): Buffer {
  const chunk = Buffer.alloc(content.length + 12);
  chunk.writeUInt32BE(content.length, 0);
  chunk.write(type, 4, "latin1");
  chunk.set(content, 8);
  chunk.writeInt32BE(crc32(chunk.subarray(4, content.length + 8)), content.length + 8);
  return chunk;
}

/** The same file with the checksum of every chunk made right, so that damage gets past it. */
export function withPngChecksums(file: Uint8Array): Uint8Array {
  const bytes = Buffer.from(file);
  for (let offset = 8; offset + 12 <= bytes.length; ) {
    const length = bytes.readUInt32BE(offset);
    if (offset + 12 + length > bytes.length) break;
    bytes.writeInt32BE(crc32(bytes.subarray(offset + 4, offset + 8 + length)), offset + 8 + length);
    offset += 12 + length;
  }
  return Uint8Array.from(bytes);
}
