/**
 * Frames: what travels on the line, byte for byte (docs/PROTOCOL.md, "Frames").
 *
 *     COBS( kind u8 | session u8 | sequence u8 | ack u8 | window u16 | payload … | CRC-32 u32 )  0x00
 */
import cobs from "cobs";
import crc32 from "crc-32";
import { WamletError } from "../errors.js";

/** Kinds of frames with their number on the line. */
export const frameKinds = { syn: 1, ready: 2, data: 3, ack: 4, resend: 5, poll: 6, log: 7 } as const;

export type FrameKind = keyof typeof frameKinds;

export interface Frame {
  readonly kind: FrameKind;
  /** 1–255 as the host drew it; 0 while the device has no session. */
  readonly session: number;
  /** DATA: the frame's own number. Other kinds: the number that the sender's next DATA will carry. */
  readonly sequence: number;
  /** The number of the next DATA that this side expects: all before it have been consumed. */
  readonly ack: number;
  /** How many encoded bytes of DATA the peer may have under way, counted from `ack`. */
  readonly window: number;
  readonly payload: Uint8Array;
}

const headerBytes = 6;
const crcBytes = 4;

/** Largest payload that this protocol version allows in a frame. */
export const maxPayloadLimit = 4096;

/** Every receiver takes payloads of at least this many bytes: the longest manifest (512) and a name fit. */
export const minPayloadLimit = 576;

/**
 * Bytes of line and of window that a payload may take at most: header, CRC, one COBS code for every 254
 * bytes and one more, and the delimiter. Credit is counted in this figure.
 */
export function frameCost(payloadBytes: number): number {
  const raw = headerBytes + payloadBytes + crcBytes;
  return raw + 1 + Math.floor(raw / 254) + 1;
}

/** The largest payload whose frame costs at most `budget` bytes, or 0. */
export function payloadWithin(budget: number): number {
  let payload = Math.max(0, budget - headerBytes - crcBytes - 2);
  while (payload > 0 && frameCost(payload) > budget) payload--;
  return payload;
}

const kindNames = new Map<number, FrameKind>(
  Object.entries(frameKinds).map(([name, number]) => [number, name as FrameKind]),
);

/** A frame's bytes on the line, delimiter included. */
export function encodeFrame(frame: Frame): Uint8Array {
  const raw = new Uint8Array(headerBytes + frame.payload.length + crcBytes);
  const view = new DataView(raw.buffer);
  raw[0] = frameKinds[frame.kind];
  raw[1] = frame.session;
  raw[2] = frame.sequence;
  raw[3] = frame.ack;
  view.setUint16(4, frame.window, true);
  raw.set(frame.payload, headerBytes);
  const end = raw.length - crcBytes;
  view.setUint32(end, crc32.buf(raw.subarray(0, end)) >>> 0, true);
  const stuffed = cobs.encode(raw);
  const bytes = new Uint8Array(stuffed.length + 1);
  bytes.set(stuffed);
  return bytes;
}

/**
 * The frame in the bytes between two delimiters.
 * @throws WamletError WAMLET_INVALID_PACKET where stuffing, length, CRC or kind is wrong
 */
export function decodeFrame(stuffed: Uint8Array): Frame {
  const raw = unstuff(stuffed);
  if (raw.length < headerBytes + crcBytes) throw invalid(`a frame of ${raw.length} bytes is too short`);
  const view = new DataView(raw.buffer, raw.byteOffset, raw.byteLength);
  const end = raw.length - crcBytes;
  const found = crc32.buf(raw.subarray(0, end)) >>> 0;
  if (found !== view.getUint32(end, true)) throw invalid("the CRC-32 does not match");
  const kind = kindNames.get(view.getUint8(0));
  if (kind === undefined) throw invalid(`frame kind ${view.getUint8(0)} is unknown`);
  return {
    kind,
    session: view.getUint8(1),
    sequence: view.getUint8(2),
    ack: view.getUint8(3),
    window: view.getUint16(4, true),
    payload: raw.subarray(headerBytes, end),
  };
}

/** COBS decoding. The package pads a group that is cut off, so the groups are checked here first. */
function unstuff(stuffed: Uint8Array): Uint8Array {
  let position = 0;
  while (position < stuffed.length) {
    const code = stuffed[position] as number;
    if (code === 0) throw invalid("a zero stands inside a frame");
    position += code;
  }
  if (position !== stuffed.length) throw invalid("the last COBS group is cut off");
  if (stuffed.indexOf(0) >= 0) throw invalid("a zero stands inside a frame");
  // A plain array: the package gives a Buffer, whose slice() is a view.
  return new Uint8Array(cobs.decode(stuffed));
}

function invalid(what: string): WamletError {
  return new WamletError(
    "WAMLET_INVALID_PACKET",
    `Damaged frame: ${what}.`,
    "Lower the baud rate or use a shorter cable if this happens often.",
  );
}
