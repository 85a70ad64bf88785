/**
 * Why a board says no: the numbers of ERROR's `code`, each with its figures (docs/PROTOCOL.md, "Error codes").
 * The host turns them into sentences (host/board/refusal.ts).
 */
import type { ErrorCode } from "../errors.js";

interface DeviceError {
  readonly number: number;
  /** What the host throws. */
  readonly code: ErrorCode;
  /** What ERROR's `numbers` hold, in order. */
  readonly numbers: readonly string[];
}

export const deviceErrors = {
  "unknown-message": { number: 1, code: "WAMLET_BOARD_REFUSED", numbers: ["message type"] },
  malformed: { number: 2, code: "WAMLET_BOARD_REFUSED", numbers: ["message type"] },
  busy: { number: 3, code: "WAMLET_BOARD_REFUSED", numbers: [] },
  // deploy
  "invalid-manifest": { number: 16, code: "WAMLET_INVALID_MANIFEST", numbers: [] },
  "unsupported-kind": { number: 17, code: "WAMLET_UNSUPPORTED_MODULE", numbers: ["kind"] },
  "unsupported-abi": { number: 18, code: "WAMLET_UNSUPPORTED_MODULE", numbers: ["ABI", "supported ABI"] },
  "unsupported-feature": { number: 19, code: "WAMLET_UNSUPPORTED_MODULE", numbers: ["missing feature bits"] },
  "too-large-for-slot": { number: 20, code: "WAMLET_DOES_NOT_FIT", numbers: ["bytes needed", "slot bytes"] },
  "not-enough-memory": {
    number: 21,
    code: "WAMLET_DOES_NOT_FIT",
    numbers: ["bytes needed", "bytes available"],
  },
  "block-too-large": { number: 22, code: "WAMLET_DOES_NOT_FIT", numbers: ["bytes needed", "largest block"] },
  "store-full": { number: 23, code: "WAMLET_STORE_FULL", numbers: ["slots"] },
  "no-deploy": { number: 24, code: "WAMLET_BOARD_REFUSED", numbers: [] },
  "wrong-offset": { number: 25, code: "WAMLET_BOARD_REFUSED", numbers: ["expected offset", "offset"] },
  "hash-mismatch": { number: 26, code: "WAMLET_HASH_MISMATCH", numbers: [] },
  "flash-failed": { number: 27, code: "WAMLET_STORE_CORRUPT", numbers: ["address"] },
  // store
  "unknown-module": { number: 32, code: "WAMLET_UNKNOWN_MODULE", numbers: [] },
  "no-active-module": { number: 33, code: "WAMLET_UNKNOWN_MODULE", numbers: [] },
  "module-active": { number: 34, code: "WAMLET_BOARD_REFUSED", numbers: [] },
  "module-loaded": { number: 35, code: "WAMLET_BOARD_REFUSED", numbers: ["handle"] },
  "store-corrupt": { number: 36, code: "WAMLET_STORE_CORRUPT", numbers: ["slot"] },
  // load and infer
  "load-failed": { number: 48, code: "WAMLET_INVALID_MODULE", numbers: [] },
  "unknown-handle": { number: 49, code: "WAMLET_BOARD_REFUSED", numbers: ["handle"] },
  "wrong-tensor": { number: 50, code: "WAMLET_WRONG_SHAPE", numbers: ["tensor", "input tensors"] },
  "wrong-length": { number: 51, code: "WAMLET_WRONG_SHAPE", numbers: ["tensor", "bytes", "expected bytes"] },
  "no-layers": { number: 52, code: "WAMLET_NO_LAYERS", numbers: [] },
  "no-state": { number: 53, code: "WAMLET_UNSUPPORTED_MODULE", numbers: [] },
  trapped: { number: 54, code: "WAMLET_MODULE_TRAPPED", numbers: [] },
  "out-of-bounds": { number: 55, code: "WAMLET_MODULE_OUT_OF_BOUNDS", numbers: ["address, where known"] },
  "out-of-time": { number: 56, code: "WAMLET_MODULE_TIMEOUT", numbers: ["opcode budget or milliseconds"] },
  "inference-failed": { number: 57, code: "WAMLET_MODULE_TRAPPED", numbers: ["what infer returned"] },
} as const satisfies Record<string, DeviceError>;

export type DeviceErrorName = keyof typeof deviceErrors;

const namesByNumber = new Map<number, DeviceErrorName>(
  Object.entries(deviceErrors).map(([name, { number }]) => [number, name as DeviceErrorName]),
);

/** The name of a number, or null where a newer agent sent it. */
export function deviceErrorName(number: number): DeviceErrorName | null {
  return namesByNumber.get(number) ?? null;
}
