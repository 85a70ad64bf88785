/**
 * A "no" of the board: one of the wire's error codes with its figures. The device puts it into an ERROR message;
 * whoever uses a part of the virtual board directly catches it as a WamletError.
 */
import { type ErrorCode, WamletError } from "../errors.js";
import { type DeviceErrorName, deviceErrors } from "../wire/error_code.js";

export class Refusal extends WamletError {
  /**
   * @param reason a name of host/wire/error_code.ts
   * @param numbers the figures that the table there names, in its order
   * @param text one sentence for people; the wire carries its first 96 bytes
   */
  constructor(
    readonly reason: DeviceErrorName,
    readonly numbers: readonly number[],
    text: string,
    hint = 'See docs/PROTOCOL.md, "Error codes", for what to do.',
  ) {
    super(deviceErrors[reason].code, text, hint);
  }
}

/** The wire's names for what other rooms throw at a manifest or a payload. */
const reasons: Partial<Record<ErrorCode, DeviceErrorName>> = {
  WAMLET_INVALID_MANIFEST: "invalid-manifest",
  WAMLET_UNSUPPORTED_MODULE: "load-failed",
  WAMLET_INVALID_MODULE: "load-failed",
};

/** What the board answers with for an error; anything that is no refusal is thrown on. */
export function asRefusal(error: unknown): Refusal {
  if (error instanceof Refusal) return error;
  const reason = error instanceof WamletError ? reasons[error.code] : undefined;
  if (reason === undefined) throw error;
  return new Refusal(reason, [], (error as WamletError).message, (error as WamletError).hint);
}
