/**
 * The payloads of SYN and READY: how two sides of any version find out whether they understand each other.
 * Their layout is fixed for all versions; later ones may only append bytes (docs/PROTOCOL.md, "Greeting").
 */
import { WamletError } from "../errors.js";

/** The one version of frames and messages that this release speaks. */
export const protocolVersion = 1;

/** Host → device: open a session. */
export interface Syn {
  readonly minVersion: number;
  readonly maxVersion: number;
  /** Largest payload that the host takes in one frame. */
  readonly maxPayload: number;
  /** Random: tells a repeated SYN from a new one. */
  readonly nonce: number;
}

/** Device → host: what it is, at boot and as the answer to SYN. */
export interface Ready {
  /** The version to be spoken; 0 at boot, and where the ranges have none in common. */
  readonly version: number;
  readonly minVersion: number;
  readonly maxVersion: number;
  /** Largest payload that the device takes in one frame. */
  readonly maxPayload: number;
  /** Differs from boot to boot. */
  readonly bootId: number;
  /** The nonce of the SYN that this answers; 0 at boot. */
  readonly nonce: number;
}

/** 8 bytes: minVersion u8, maxVersion u8, maxPayload u16, nonce u32. */
export function encodeSyn(syn: Syn): Uint8Array {
  const view = new DataView(new ArrayBuffer(8));
  view.setUint8(0, syn.minVersion);
  view.setUint8(1, syn.maxVersion);
  view.setUint16(2, syn.maxPayload, true);
  view.setUint32(4, syn.nonce, true);
  return new Uint8Array(view.buffer);
}

/** @throws WamletError WAMLET_INVALID_PACKET below 8 bytes */
export function decodeSyn(payload: Uint8Array): Syn {
  const view = viewOf(payload, 8, "SYN");
  return {
    minVersion: view.getUint8(0),
    maxVersion: view.getUint8(1),
    maxPayload: view.getUint16(2, true),
    nonce: view.getUint32(4, true),
  };
}

/** 13 bytes: version u8, minVersion u8, maxVersion u8, maxPayload u16, bootId u32, nonce u32. */
export function encodeReady(ready: Ready): Uint8Array {
  const view = new DataView(new ArrayBuffer(13));
  view.setUint8(0, ready.version);
  view.setUint8(1, ready.minVersion);
  view.setUint8(2, ready.maxVersion);
  view.setUint16(3, ready.maxPayload, true);
  view.setUint32(5, ready.bootId, true);
  view.setUint32(9, ready.nonce, true);
  return new Uint8Array(view.buffer);
}

/** @throws WamletError WAMLET_INVALID_PACKET below 13 bytes */
export function decodeReady(payload: Uint8Array): Ready {
  const view = viewOf(payload, 13, "READY");
  return {
    version: view.getUint8(0),
    minVersion: view.getUint8(1),
    maxVersion: view.getUint8(2),
    maxPayload: view.getUint16(3, true),
    bootId: view.getUint32(5, true),
    nonce: view.getUint32(9, true),
  };
}

function viewOf(payload: Uint8Array, bytes: number, name: string): DataView {
  if (payload.length < bytes) {
    throw new WamletError(
      "WAMLET_INVALID_PACKET",
      `Malformed ${name}: ${payload.length} bytes where at least ${bytes} are needed.`,
      "The peer speaks another protocol; check that the port is a Wamlet board.",
    );
  }
  return new DataView(payload.buffer, payload.byteOffset, payload.byteLength);
}
