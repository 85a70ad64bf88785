/**
 * The one error class of Wamlet. Every failure that a user can meet carries a stable code, a sentence
 * that says what happened, and a hint that names what to do about it.
 */

/** Stable error codes; scripts match on them, so a code never changes its meaning. Grouped by room. */
export type ErrorCode =
  // descriptor
  | "WAMLET_UNKNOWN_BOARD"
  | "WAMLET_INVALID_DESCRIPTOR"
  // module
  | "WAMLET_INVALID_MODULE"
  | "WAMLET_INVALID_MANIFEST"
  | "WAMLET_UNSUPPORTED_MODULE"
  // model
  | "WAMLET_INVALID_MODEL"
  | "WAMLET_UNSUPPORTED_OPERATOR"
  | "WAMLET_UNSUPPORTED_TYPE"
  | "WAMLET_UNSUPPORTED_OPTION"
  // zoo
  | "WAMLET_UNKNOWN_MODEL"
  | "WAMLET_INVALID_ZOO"
  | "WAMLET_DOWNLOAD_FAILED"
  // compiler
  | "WAMLET_DOES_NOT_FIT"
  | "WAMLET_COMPILER_FAILED"
  // frames
  | "WAMLET_INVALID_FRAMES"
  | "WAMLET_WRONG_SHAPE"
  | "WAMLET_INVALID_LABELS"
  | "WAMLET_WRONG_RATE"
  | "WAMLET_IMAGE_TOO_LARGE"
  // wire and board
  | "WAMLET_INVALID_PACKET"
  | "WAMLET_PROTOCOL_VERSION"
  | "WAMLET_LINE_TIMEOUT"
  | "WAMLET_LINE_CLOSED"
  | "WAMLET_BOARD_RESTARTED"
  | "WAMLET_BOARD_REFUSED"
  | "WAMLET_UNKNOWN_MODULE"
  | "WAMLET_STORE_FULL"
  | "WAMLET_STORE_CORRUPT"
  | "WAMLET_HASH_MISMATCH"
  | "WAMLET_NO_LAYERS"
  | "WAMLET_MODULE_TRAPPED"
  | "WAMLET_MODULE_OUT_OF_BOUNDS"
  | "WAMLET_MODULE_TIMEOUT"
  // agents on this computer
  | "WAMLET_MISSING_TOOL"
  | "WAMLET_BUILD_FAILED"
  | "WAMLET_AGENT_FAILED"
  // transport
  | "WAMLET_PORT_NOT_FOUND"
  | "WAMLET_PORT_AMBIGUOUS"
  | "WAMLET_PORT_BUSY"
  | "WAMLET_PORT_PERMISSION"
  | "WAMLET_INVALID_PORT"
  // flash
  | "WAMLET_NO_SERIAL_DEVICE"
  | "WAMLET_NO_LOADER"
  | "WAMLET_NOT_IN_DOWNLOAD_MODE"
  | "WAMLET_UNKNOWN_CHIP"
  | "WAMLET_WRONG_CHIP"
  | "WAMLET_CHIP_LOCKED"
  | "WAMLET_INVALID_IMAGE"
  | "WAMLET_INVALID_BUNDLE"
  | "WAMLET_FLASH_TOO_SMALL"
  | "WAMLET_FLASH_FAILED"
  | "WAMLET_FLASH_VERIFY"
  | "WAMLET_NO_UF2_DRIVE"
  // cli and files
  | "WAMLET_FILE_NOT_FOUND"
  | "WAMLET_FILE_UNREADABLE"
  | "WAMLET_FILE_UNWRITABLE"
  | "WAMLET_INVALID_CONFIG"
  | "WAMLET_USAGE"
  | "WAMLET_NOT_EXACT"
  | "WAMLET_INTERRUPTED"
  | "WAMLET_INTERNAL";

/** What went wrong, in words a user can act on. */
export class WamletError extends Error {
  override readonly name = "WamletError";

  /**
   * @param code stable identifier, for scripts
   * @param message one sentence: what happened, with the figures that matter
   * @param hint one sentence: what to do now, naming the flag, file or command
   */
  constructor(
    readonly code: ErrorCode,
    message: string,
    readonly hint: string,
    options?: { cause?: unknown },
  ) {
    super(message, options);
  }

  /** For `--json`. */
  toJSON(): { code: ErrorCode; message: string; hint: string } {
    return { code: this.code, message: this.message, hint: this.hint };
  }
}
