/** What a link is told when it is made, and what it tells while it lives. */
import type { WamletError } from "../errors.js";

export type LinkEvent =
  /** A session is open. Whatever the other side knew from an earlier one is forgotten. */
  | { readonly type: "open"; readonly session: number; readonly bootId: number; readonly maxPayload: number }
  | { readonly type: "message"; readonly payload: Uint8Array }
  /** Host: a line of the board's log. */
  | { readonly type: "log"; readonly level: number; readonly text: string }
  /** Host: text on the line that is no frame. */
  | { readonly type: "console"; readonly text: string }
  /** Host: the board has started anew; queued messages are gone and a new session is being opened. */
  | { readonly type: "restarted"; readonly bootId: number }
  /** Host: the session cannot go on. */
  | { readonly type: "failed"; readonly error: WamletError };

interface CommonOptions {
  /** Bytes that may wait for `next()`; the granted window is `controlReserve` less, at most 65535. */
  readonly bufferBytes: number;
  /** Largest payload accepted in one frame, 576–4096. */
  readonly maxPayload: number;
}

export interface HostLinkOptions extends CommonOptions {
  readonly role: "host";
  /** Line speed for the timeouts; null where there is none. */
  readonly baudRate: number | null;
  /** Milliseconds without a valid frame, while one is due, after which the board counts as gone. */
  readonly silence: number;
  /** Milliseconds to wait for the first READY. */
  readonly patience: number;
  /** Source of the session number and the nonce: random 32-bit integers. */
  readonly random: () => number;
}

export interface DeviceLinkOptions extends CommonOptions {
  readonly role: "device";
  /** Differs from boot to boot, 32 bits. */
  readonly bootId: number;
}

export type LinkOptions = HostLinkOptions | DeviceLinkOptions;
